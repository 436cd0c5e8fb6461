import { randomUUID } from "node:crypto";
import { isAppError } from "../../../core/errors.ts";
import type { NewObject, ObjectStore, ObjectVersion } from "../../../core/ports.ts";

export interface ObjectStoreContractOptions {
  /** Whether a put names the version that it made. */
  readonly namesVersions: boolean;
  /** @default true; false for an emulator that lets two writers pass one condition, which its test names. */
  readonly judgesConditionsAtOnce?: boolean;
}

export type StoreOf = () => ObjectStore;

/** A key that nothing has used. */
export const freshKey = (): string => `contract/${randomUUID()}`;

export const text = (content: string): NewObject => ({
  body: Buffer.from(content),
  contentType: "text/plain",
});

/** What `store` holds under `key`, as text. */
export async function textOf(store: ObjectStore, key: string): Promise<string | undefined> {
  const object = await store.get(key);
  return object === undefined ? undefined : Buffer.from(object.body).toString();
}

/** A store under contention may say store_unavailable: the port then asks for the same call again. */
export async function outcome(attempt: () => Promise<ObjectVersion>): Promise<ObjectVersion | "refused"> {
  for (let left = 50; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isAppError(error, "store_condition_failed")) return "refused";
      if (!isAppError(error, "store_unavailable") || left === 0) throw error;
    }
  }
}

export async function together<Result>(
  writers: number,
  work: (writer: number) => Promise<Result>,
): Promise<readonly Result[]> {
  return Promise.all(Array.from({ length: writers }, (_, writer) => work(writer)));
}
