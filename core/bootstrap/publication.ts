/**
 * Room: core/bootstrap. Writes an object when its octets change and not otherwise, so that repeating a step makes
 * no new version, and of two writers the one with older knowledge never has the last word.
 */
import { AppError, isAppError } from "../errors.ts";
import type { NewObject, ObjectStore, StoredObject } from "../ports.ts";

/** What readers find, and its version where the store keeps versions and tells them. */
export interface Publication {
  readonly key: string;
  readonly versionId?: string;
}

/** Each lost race means that another writer has made progress. */
const attempts = 20;

const publication = (key: string, { versionId }: { readonly versionId?: string }): Publication => ({
  key,
  ...(versionId === undefined ? {} : { versionId }),
});

async function replace(
  store: ObjectStore,
  key: string,
  object: NewObject,
  current: StoredObject | undefined,
): Promise<Publication | undefined> {
  try {
    const when = current === undefined ? "absent" : { tag: current.tag };
    return publication(key, await store.put(key, object, when));
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}

/**
 * Makes `key` hold what `make` returns. `make` is asked after the present object was read, and again when another
 * writer was faster: what is written is never older than what it replaces. It may return the present object.
 * @throws AppError store_condition_failed when others write all the time; store_unavailable; what `make` throws.
 */
export async function publish(
  store: ObjectStore,
  key: string,
  make: (current: StoredObject | undefined) => Promise<NewObject>,
): Promise<Publication> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const current: StoredObject | undefined = await store.get(key);
    const object = await make(current);
    if (current !== undefined && Buffer.compare(current.body, object.body) === 0)
      return publication(key, current);
    const written = await replace(store, key, object, current);
    if (written !== undefined) return written;
  }
  throw new AppError(
    "store_condition_failed",
    `object "${key}" was changed by others in each of ${attempts} attempts; run the task again`,
    { retryAfter: 1 },
  );
}
