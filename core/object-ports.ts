/**
 * Room: core. What the product asks of a store of whole objects, as types only: a part of `ports.ts`, from which it is
 * imported.
 */

export interface NewObject {
  readonly body: Uint8Array;
  /** Media type under which readers receive it. */
  readonly contentType: string;
  /** Cache-Control of RFC 9111 §5.2 for readers over HTTP. */
  readonly cacheControl?: string;
}

/** What names the octets that a key holds. */
export interface ObjectVersion {
  /** Opaque; differs whenever the octets differ. */
  readonly tag: string;
  /** Names this very version for good; absent from stores that keep one version only. */
  readonly versionId?: string;
}

export interface StoredObject extends NewObject, ObjectVersion {}

/** Whole octet strings under path-like keys, for what many read and few write. */
export interface ObjectStore {
  /** Reads its own writes. @throws AppError store_limit_exceeded (a key no store can have), store_unavailable. */
  get(key: string): Promise<StoredObject | undefined>;
  /**
   * Whole or not at all, durable when the promise resolves. `when`: `absent`, or the tag of what it replaces;
   * without it the last writer wins.
   * @throws AppError store_condition_failed; store_limit_exceeded (key, size, media type); store_unavailable.
   */
  put(key: string, object: NewObject, when?: "absent" | { readonly tag: string }): Promise<ObjectVersion>;
  /**
   * Readers find nothing any more when the promise resolves; nothing changes where nothing is. A store that keeps
   * versions keeps them.
   * @throws AppError store_limit_exceeded (a key no store can have), store_unavailable.
   */
  remove(key: string): Promise<void>;
}
