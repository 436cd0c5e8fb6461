/**
 * Room: adapters/aws. The symmetric keys of AWS KMS that wrap this deployment's data: how they rotate, and one more
 * rotation on demand, of which each key has 25 in its life.
 */
import { KMSClient } from "@aws-sdk/client-kms";
import { AppError, isAppError } from "../../core/errors.ts";
import type { DataKeyCustody, DataKeyState } from "../../core/ports.ts";
import { clientConfiguration } from "./client-configuration.ts";
import { describeKey, stateOfKey, unlessRefused } from "./kms/key-state.ts";
import { listRotations, rotateKey, rotationStatus } from "./kms/rotations.ts";

export interface KmsDataKeysOptions {
  /** Key id or ARN by our name for it. */
  readonly keys: Readonly<Record<string, string>>;
  /** @default a client of its own, with `clientConfiguration()`. */
  readonly client?: KMSClient;
}

/** As the port promises. A key that KMS does not have is `unavailable`, with a `createdAt` of 0, so that the others are still told of. */
export function kmsDataKeys(options: KmsDataKeysOptions): DataKeyCustody {
  return new KmsDataKeys(options.client ?? new KMSClient(clientConfiguration()), options.keys);
}

/** AWS KMS API reference, RotateKeyOnDemand. */
const onDemandLimit = 25;
/** KMS's own default of RotationPeriodInDays. */
const defaultRotationDays = 365;

type Rotation = Pick<
  DataKeyState,
  "rotationDays" | "lastRotationAt" | "nextRotationAt" | "onDemandRotations"
> & { readonly underWay: boolean };

class KmsDataKeys implements DataKeyCustody {
  readonly #client: KMSClient;
  readonly #keys: ReadonlyMap<string, string>;

  constructor(client: KMSClient, keys: Readonly<Record<string, string>>) {
    this.#client = client;
    this.#keys = new Map(Object.entries(keys).sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  async list(): Promise<readonly DataKeyState[]> {
    const states: DataKeyState[] = [];
    // One after another: a quota of requests a second is shared with all signatures.
    for (const [name, key] of this.#keys) states.push((await this.#stateIfThere(name, key)).state);
    return states;
  }

  /** A rotation that was asked for and is not over is the one that is asked for again: it costs no second one. */
  async rotateNow(name: string): Promise<DataKeyState> {
    const key = this.#keys.get(name);
    if (key === undefined) {
      const message = `no data key has the name of ${name.length} characters that was given; see the list of data keys`;
      throw new AppError("key_not_found", message);
    }
    const before = await this.#stateOf(name, key);
    if (before.underWay) return before.state;
    // A rotation of somebody else that came first is as good as ours.
    const conflict = await unlessRefused(
      rotateKey(this.#client, key).then(() => undefined),
      ["ConflictException"],
      (refusal) => refusal,
    );
    const after = await this.#stateOf(name, key);
    if (conflict !== undefined && !after.underWay) throw conflict;
    // KMS may not tell of it yet.
    const onDemandRotations = Math.max(after.state.onDemandRotations, before.state.onDemandRotations + 1);
    return { ...after.state, onDemandRotations };
  }

  async #stateIfThere(name: string, key: string): Promise<{ readonly state: DataKeyState }> {
    try {
      return await this.#stateOf(name, key);
    } catch (error) {
      if (!isAppError(error, "key_not_found")) throw error;
      const gone = { condition: "unavailable", createdAt: 0, onDemandRotations: 0, onDemandLimit } as const;
      return { state: { keyId: key, name, ...gone } };
    }
  }

  async #stateOf(
    name: string,
    key: string,
  ): Promise<{ readonly state: DataKeyState; readonly underWay: boolean }> {
    const metadata = await describeKey(this.#client, key);
    const { underWay, ...rotation } = await this.#rotation(key);
    const state = { keyId: metadata.Arn ?? key, name, ...stateOfKey(metadata), ...rotation, onDemandLimit };
    return { state, underWay };
  }

  async #rotation(key: string): Promise<Rotation> {
    const status = await rotationStatus(this.#client, key);
    const rotations = await listRotations(this.#client, key);
    const times = rotations.flatMap(({ RotationDate: at }) => (at === undefined ? [] : [at.getTime()]));
    const onDemand = rotations.filter(({ RotationType: type }) => type === "ON_DEMAND").length;
    const underWay = status.OnDemandRotationStartDate !== undefined;
    const next = status.NextRotationDate?.getTime();
    return {
      underWay,
      // What runs is not in the list yet, but is counted by KMS.
      onDemandRotations: onDemand + (underWay ? 1 : 0),
      ...(status.KeyRotationEnabled === true
        ? { rotationDays: status.RotationPeriodInDays ?? defaultRotationDays }
        : {}),
      ...(times.length === 0 ? {} : { lastRotationAt: Math.max(...times) }),
      ...(next === undefined ? {} : { nextRotationAt: next }),
    };
  }
}
