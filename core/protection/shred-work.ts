/**
 * Room: core/protection. Destroys what two people have decided to: the keys of a subject, or part by part all of a
 * fleet's and its wrapping keys; then the certificate of destruction. Deletions are noted in the store that they happen
 * in, so that a run which dies loses none; a run that comes later goes on, and one beside it takes nothing twice.
 */
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import type { Item, SafekeepingApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { openShredsPartition, type ShredRecord, shredItem, shredRecord } from "../records/shred-record.ts";
import { protectionStandard } from "../standard/protection.ts";
import { destructionCertificate, encodeDestruction } from "./destruction-certificate.ts";
import { codeOf } from "./safekeeping-list.ts";
import {
  continueOpen,
  noteSafely,
  putOrRead,
  type SafekeepingCounts,
  type Turn,
  toldFailures,
} from "./safekeeping-turns.ts";
import type { KeyPlace } from "./safekeeping-walk.ts";
import { destroyFleetKeys, destroySubjectKeys } from "./shred-deletion.ts";
import type { Tombstone } from "./shred-tombstone.ts";
import { findShred } from "./shred-view.ts";

/** The record after a success. */
function succeeded({ lastFailure: _, ...shred }: ShredRecord, change: Partial<ShredRecord>): ShredRecord {
  return { ...shred, ...change, failures: 0 };
}

class ShredTurn implements Turn {
  readonly #app: SafekeepingApp;
  readonly #counts: SafekeepingCounts;
  #shred: Stored<ShredRecord>;
  #place: KeyPlace | undefined;
  /** Why the wrapping keys could not be given up in this run. */
  #failure: { readonly error: unknown } | undefined;

  constructor(app: SafekeepingApp, counts: SafekeepingCounts, shred: Stored<ShredRecord>) {
    this.#app = app;
    this.#counts = counts;
    this.#shred = shred;
  }

  get id(): string {
    return this.#shred.value.shredId;
  }

  get isDue(): boolean {
    return this.#shred.value.state === "decided";
  }

  async step() {
    if (!this.isDue) return "left";
    const shred = this.#shred.value;
    if (shred.scope === "fleet") await this.#giveUpWrappingKeys(shred);
    const { tombstone, deleted, next, isOver } =
      shred.scope === "fleet"
        ? await destroyFleetKeys(this.#app, shred, this.#place)
        : await destroySubjectKeys(this.#app, shred);
    this.#counts.destroyed += deleted;
    this.#place = next;
    if (isOver) return await this.#finish(tombstone);
    if (deleted > 0) await this.#write(succeeded(this.#shred.value, { destroyed: tombstone.destroyed }));
    return "open";
  }

  async fail(error: unknown): Promise<void> {
    await noteSafely(this.#app, this.id, async () => {
      const shred = this.#shred.value;
      const { fleet, shredId: subject } = shred;
      const failures = shred.failures + 1;
      await this.#write({ ...shred, failures, lastFailure: codeOf(error) });
      if (failures !== toldFailures) return;
      const notice = { fleet, subject, measures: { failures } };
      await this.#app.notifier.notify({ ...notice, event: "shred.stalled", severity: "critical" });
    });
  }

  /** Where somebody else changed the record first, it is read again. */
  async #write(shred: ShredRecord, entry?: WriteOperation): Promise<boolean> {
    const find = () => findShred(this.#app, shred);
    const change = { record: shred, item: shredItem(shred), entry, find };
    const { stored, isOurs } = await putOrRead(this.#app, this.#shred, change);
    this.#shred = stored;
    return isOurs;
  }

  /** First, for it makes unreadable what is under the fleet's own key; where it fails, subject keys go all the same. */
  async #giveUpWrappingKeys(shred: ShredRecord): Promise<void> {
    if (shred.wrappingKeysGoneAt !== undefined || this.#failure !== undefined) return;
    try {
      const days = protectionStandard.fleetDeletionDays;
      const { deletionAt } = await this.#app.wrappingKeys.scheduleDeletion(shred.fleet, days);
      await this.#write({ ...shred, wrappingKeysGoneAt: deletionAt });
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** People are told first: what is destroyed is told, whoever dies over it. */
  async #finish(tombstone: Tombstone): Promise<"open" | "ended"> {
    const shred = this.#shred.value;
    const { fleet, shredId } = shred;
    if (shred.scope === "fleet" && shred.wrappingKeysGoneAt === undefined) {
      if (this.#failure !== undefined) throw this.#failure.error;
      return "open";
    }
    const { fleetWrappedPurposes } = (await getFleet(this.#app, fleet)).configuration;
    const { keyRecoveryDays } = this.#app;
    const facts = { shred, tombstone, keyRecoveryDays, fleetWrappedPurposes };
    const { document, digest } = encodeDestruction(destructionCertificate(facts));
    const { destroyed } = tombstone;
    const notice = { fleet, subject: shredId, measures: { destroyed } };
    await this.#app.notifier.notify({ ...notice, event: "shred.done", severity: "critical" });
    const done = { state: "done", endedAt: this.#app.clock.now(), destroyed } as const;
    const certified = { certificate: document, certificateDigest: digest };
    const act = {
      fleet,
      action: "shred.done",
      actor: "system",
      subject: shredId,
      result: "success",
    } as const;
    const entry = auditEntry(this.#app, { ...act, reason: digest, document });
    return (await this.#write(succeeded(shred, { ...done, ...certified }), entry)) ? "ended" : "open";
  }
}

/**
 * Goes on with every destruction until its end or `isOver`.
 * @throws AppError store_unavailable when open ones cannot be listed.
 */
export function continueShreds(
  app: SafekeepingApp,
  counts: SafekeepingCounts,
  isOver: () => boolean,
): Promise<void> {
  const turnOf = async (item: Item) =>
    new ShredTurn(app, counts, await findShred(app, shredRecord(item).value));
  return continueOpen(app, counts, isOver, { partition: openShredsPartition, turnOf });
}
