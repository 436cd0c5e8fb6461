/**
 * Room: core. What the product asks of the world, as types only. Adapters implement these; one contract
 * suite per port (`test/contracts`) runs over every adapter.
 */
import type { CertificateManager, DataKeyCustody, KeyCustody, ServerKeys } from "./custody-ports.ts";
import type { AuthorityAlgorithmId } from "./formats/algorithms.ts";
import type { IdentityVerifier } from "./identity-ports.ts";
import type { ObjectStore } from "./object-ports.ts";
import type { DataKeyPairs, MessageCipher, WrappingKeys } from "./protection-ports.ts";

export type * from "./custody-ports.ts";
export type * from "./identity-ports.ts";
export type * from "./object-ports.ts";
export type * from "./protection-ports.ts";

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after at least `milliseconds`. */
  sleep(milliseconds: number): Promise<void>;
}

/** A cryptographically secure random source. */
export interface Entropy {
  /** `length` fresh random octets, 1 to 65,536. */
  bytes(length: number): Uint8Array;
}

/** Flat by design: every adapter stores it without a schema of its own. */
export type AttributeValue = string | number | boolean | Uint8Array | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface ItemKey {
  /** Partition key: 1 to 1,024 octets of UTF-8. */
  readonly pk: string;
  /** Sort key: 1 to 1,024 octets of UTF-8; ordered by octets. */
  readonly sk: string;
}

/**
 * byDevice: what belongs to one device or firmware; byIssue: all certificates of a fleet, by their time of issue;
 * byExpiry: the same by their end; open: what is to be done, and what was revoked.
 */
export type IndexName = "byDevice" | "byIssue" | "byExpiry" | "open";

export interface NewItem extends ItemKey {
  readonly attributes: Attributes;
  /** The item appears in an index under this key; it is absent from indexes not named here. */
  readonly indexes?: Readonly<Partial<Record<IndexName, ItemKey>>>;
  /** Seconds since the epoch after which a store may drop the item. Readers still check time themselves. */
  readonly expiresAt?: number;
}

export interface Item extends NewItem {
  /** 1 when first put; one more with every put. */
  readonly version: number;
}

/** `absent`: no item has the key. `present`: one has. A number: the item has this very version. */
export type Condition = "absent" | "present" | number;

export type WriteOperation =
  | { readonly put: NewItem; readonly when: "absent" | number }
  | { readonly delete: ItemKey; readonly when: "present" | number }
  | { readonly check: ItemKey; readonly when: Condition };

export interface ItemQuery {
  /** Without an index the query runs over the items' own keys. */
  readonly index?: IndexName;
  readonly pk: string;
  /** Bounds of the sort key, both inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** Opaque; from the previous page of the same query. */
  readonly cursor?: string;
  readonly descending?: boolean;
}

export interface ItemPage {
  readonly items: readonly Item[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/** DynamoDB's shape: single-partition queries and all-or-nothing conditional writes. */
export interface ItemStore {
  /**
   * Reads its own writes.
   * @throws AppError store_limit_exceeded for a key no item can have; store_unavailable.
   */
  get(key: ItemKey): Promise<Item | undefined>;
  /**
   * Ordered by sort key, then by the item's own key. An index may lag; an item's own keys never do. A page may
   * end before its limit (large items): only a missing cursor says that there is no more.
   * @throws AppError store_limit_exceeded (limit, key or bound); cursor_invalid (not from a page of this very
   * query; its limit may differ); store_unavailable.
   */
  query(query: ItemQuery): Promise<ItemPage>;
  /**
   * All operations or none, durable when the promise resolves. Failed conditions are told all at once.
   * @throws AppError store_condition_failed with `failedOperations`; store_limit_exceeded (no operation, a key
   * twice, too large, a value no store can keep: see `core/item-limits.ts`); store_unavailable (worth a retry;
   * nothing was written, or the same call says so).
   */
  transact(operations: readonly WriteOperation[]): Promise<void>;
}

export interface KeyDescription {
  /** The adapter's name for the key; stored beside what it signs. */
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** Asymmetric signing keys that never leave the adapter in the clear. */
export interface KeyService {
  /**
   * Creates the key named `alias`, or returns the one that has the name already: creation may be retried.
   * @throws AppError configuration_invalid when the existing key has another algorithm.
   */
  createKey(alias: string, algorithm: AuthorityAlgorithmId): Promise<KeyDescription>;
  /** @throws AppError key_not_found. */
  describeKey(keyId: string): Promise<KeyDescription>;
  /**
   * Signs the whole `message` with the row's one signature algorithm. The result is the content of an
   * X.509 signatureValue: DER Ecdsa-Sig-Value for EC, PKCS #1 v1.5 for RSA, raw for Ed25519 and ML-DSA.
   * @throws AppError key_not_found, key_service_unavailable (worth a retry).
   */
  sign(keyId: string, message: Uint8Array): Promise<Uint8Array>;
}

/** What people are told: a word of ours, opaque ids and measures. Never text that a caller sent. */
export interface Notice {
  /** Dotted lower-case words, such as `fleet.created`. */
  readonly event: string;
  readonly severity: "information" | "warning" | "critical";
  readonly fleet?: string;
  /** Opaque id of what it is about: a serial number, an authority, a device. */
  readonly subject?: string;
  /** Counts and times; names in camel case. */
  readonly measures?: Readonly<Record<string, number>>;
}

export interface Notifier {
  /**
   * Delivered at least once when the promise resolves.
   * @throws AppError notice_not_permitted (shaped like a personal datum or a secret: see `core/notice.ts`),
   * notifier_unavailable (worth a retry).
   */
  notify(notice: Notice): Promise<void>;
}

/** Tasks that a request may ask for: see `tasks` in `lambdas/routes.ts`. */
export type StartedTask = "publish" | "maintain" | "rotate" | "ceremony" | "tendServers" | "safekeep";

/** Wakes a task of this deployment before its schedule does. */
export interface TaskStarter {
  /**
   * Asked for when the promise resolves, not yet done. Whoever cannot ask need not fail: the schedule comes anyhow.
   * @throws AppError task_unavailable.
   */
  start(task: StartedTask): Promise<void>;
}

/** Structured operational log. Implementations redact; callers pass opaque ids and codes only. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  error(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}

/** Bounded memory of values computed from immutable bytes, such as a decoded authority certificate. */
export interface Memo {
  /** The value remembered under `key`, or the one that `make` returns now. What throws is not remembered. */
  get<Value>(key: string, make: () => Value): Value;
  /** True when `key` is remembered. */
  has(key: string): boolean;
}

/** The ports bound: what a use case receives. */
export interface App {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly items: ItemStore;
  readonly keys: KeyService;
  readonly log: Log;
  readonly memo: Memo;
  readonly identities: IdentityVerifier;
}

/** What a use case receives that never signs: its function is deployed without a way to. */
export type KeylessApp = Omit<App, "keys">;

/** What a use case receives that takes trust back: others are to learn of it soon. */
export interface RevocationApp extends KeylessApp {
  readonly tasks: TaskStarter;
}

/**
 * What a use case receives that protects data at rest. Subject keys, wrapped, are in a store of their own: what is
 * taken out of it is in no backup of `items`.
 */
export interface ProtectionApp extends RevocationApp {
  readonly subjectKeys: ItemStore;
  readonly wrappingKeys: WrappingKeys;
  readonly cipher: MessageCipher;
  readonly keyPairs: DataKeyPairs;
  readonly notifier: Notifier;
}

/** What the task receives that re-wraps subject keys and destroys them: it reads no message. */
export interface SafekeepingApp extends KeylessApp {
  readonly subjectKeys: ItemStore;
  readonly wrappingKeys: WrappingKeys;
  readonly notifier: Notifier;
  /** Days in which the subject keys' own store could bring back what was destroyed. */
  readonly keyRecoveryDays: number;
}

/** The ports of a process that answers every kind of request. */
export interface ServiceApp extends App, RevocationApp, ProtectionApp {
  readonly artifacts: ObjectStore;
}

/** What a use case receives that reads what is published. */
export interface ReaderApp extends KeylessApp {
  readonly artifacts: Pick<ObjectStore, "get">;
}

/** What the task receives that signs and publishes what others rely on. */
export interface PublisherApp extends App {
  readonly artifacts: ObjectStore;
  readonly notifier: Notifier;
}

/** What a deployment's own tasks receive besides: they publish artefacts and tell people. */
export interface DeploymentApp extends App {
  /** What anyone may read: trust bundles. */
  readonly artifacts: ObjectStore;
  /** What a gateway reads to know which clients may connect. */
  readonly trustStores: ObjectStore;
  /** What must last: a put is for good until its retention ends. */
  readonly records: ObjectStore;
  readonly notifier: Notifier;
}

/** What the task receives that enforces cryptoperiods and moves rollovers on: it keeps keys and signs with none. */
export interface RotationApp extends RevocationApp {
  readonly custody: KeyCustody;
  readonly dataKeys: DataKeyCustody;
  readonly notifier: Notifier;
}

/** What a ceremony receives: roots that are lent to it sign through `keysWith`. */
export interface CeremonyApp extends DeploymentApp {
  readonly tasks: TaskStarter;
  /** The key service for whoever shows these tokens of loans (`KeyLoan`). */
  keysWith(tokens: readonly string[]): KeyService;
}

/** What the task receives that keeps servers' certificates fresh in another service. */
export interface ServerApp extends App, RevocationApp {
  readonly certificates: CertificateManager;
  readonly serverKeys: ServerKeys;
  readonly notifier: Notifier;
}

/** The ports of a process that runs every task: the embedded server. */
export type HouseApp = DeploymentApp &
  Pick<RotationApp, "custody" | "dataKeys"> &
  Pick<CeremonyApp, "keysWith"> &
  Pick<ServerApp, "certificates" | "serverKeys"> &
  Pick<ProtectionApp, "cipher" | "keyPairs"> &
  Pick<SafekeepingApp, "subjectKeys" | "wrappingKeys" | "keyRecoveryDays">;
