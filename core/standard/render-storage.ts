/** Room: core/standard. What is kept where, under which key, for how long: a document for people, rendered from the tables. */
import { type LocalForm, type LocalPlace, localStorage } from "./local-storage.ts";
import { type Row, table } from "./markdown.ts";
import { protectionStandard } from "./protection.ts";
import { type CloudPlace, cloudStorage, storageKeys } from "./storage.ts";
import { indexPartitions, type Kept, type StoredItems, storedItems } from "./stored-items.ts";
import { storedSecrets, writtenTexts } from "./stored-secrets.ts";

const code = (text: string): string => `\`${text}\``;

function keySection(): string {
  return [
    "## Keys",
    table(
      ["key", "encrypts", "where it is", "when it ends"],
      storageKeys.map((row): Row => [row.key, row.encrypts, row.where, row.ends]),
    ),
    "All of KMS's keys are the customer's own: no key of AWS's stands in their place, but where a table here says so. " +
      "KMS rotates the symmetric ones each year and keeps what was encrypted readable.",
  ].join("\n\n");
}

function cloudKey({ key, unkeyed }: CloudPlace): string {
  if (key === "none") return `none of ours: ${unkeyed ?? ""}`;
  return key === "own" ? "a key of its own" : code(key);
}

function cloudSection(): string {
  return [
    "## On AWS",
    table(
      ["what", "where", "key", "kept for", "copies", "source"],
      Object.values<CloudPlace>(cloudStorage).map(
        (place): Row => [place.what, place.where, cloudKey(place), place.kept, place.copies, place.citation],
      ),
    ),
    "Not ours to encrypt, and without a secret: code of functions in the bucket that CDK's bootstrap made, " +
      "public artefacts in CloudFront's caches, figures and alarms in CloudWatch, schedules with an empty object. " +
      "Functions write no file.",
  ].join("\n\n");
}

const forms: Readonly<Record<LocalForm, string>> = {
  sealed: "under the master key",
  owner: "in the clear, for its owner (0600)",
  clear: "none: no secret is in it",
};

function localSection(): string {
  return [
    "## On one machine",
    "DIR is the data directory, its files are their owner's alone (0600, 0700). What has no key here is for the " +
      "disk's own encryption to hide: ids and times of devices, which the audit log needs.",
    table(
      ["what", "where in DIR", "key", "kept for", "copies", "source"],
      Object.values<LocalPlace>(localStorage).map(
        (place): Row => [
          place.what,
          place.where,
          forms[place.form],
          place.kept,
          place.copies,
          place.citation,
        ],
      ),
    ),
    "The log goes to standard error, and the service keeps none. SQLite overwrites what is deleted in its pages and " +
      "cuts its journal after a deletion; the file of subject keys is written anew besides, for SQLite leaves behind " +
      "what it had moved. What a file system, a snapshot or flash memory still holds of it, disk encryption has to hide (SP 800-88 r1 §2.6).",
  ].join("\n\n");
}

function keptText(kept: Kept | string = "as long as the store"): string {
  if (typeof kept === "string") return kept;
  const { days, after } = kept;
  if (days === 0) return `until ${after}`;
  const length = days < 1 ? `${Math.round(days * 24)} h` : `${days} days`;
  return `${length} after ${after}`;
}

function itemSection(): string {
  const row = ({ partition, sortKeys = [], what, guarded, kept, store }: StoredItems): Row => [
    code(partition),
    sortKeys.map(code).join(", ") || "ids, times",
    store === undefined ? what : `subject keys: ${what}`,
    guarded ?? "opaque ids, codes, measures and times",
    keptText(kept),
  ];
  return [
    "## Records",
    "What stands in the table of items, and in that of subject keys. What has no end is kept as long as the store: it " +
      "is what was issued, decided and done (45 CFR 164.316(b)(2)(i)). DynamoDB drops what has ended within days, the " +
      `local store within ten minutes; on AWS it is in copies for 35 days more.`,
    table(["partition", "sort keys", "what", "secrets and texts in it", "kept"], storedItems.map(row)),
    "Indexes hold the items themselves:",
    table(
      ["partition of an index", "index", "items of"],
      indexPartitions.map(({ partition, index, of }): Row => [code(partition), index, code(of)]),
    ),
  ].join("\n\n");
}

function secretSection(): string {
  return [
    "## Secrets",
    table(
      ["secret", "is", "where"],
      storedSecrets.map(({ secret, becomes, where }): Row => [secret, becomes, where]),
    ),
    "A test starts the local server, has it make and take all of these over HTTPS, and searches every file that it " +
      "leaves for them (`test/local/plaintext-secrets.test.ts`).",
    "## Texts that people write",
    table(
      ["text", "how it is kept"],
      writtenTexts.map(({ text, treatment }): Row => [text, treatment]),
    ),
  ].join("\n\n");
}

function shreddingSection(): string {
  const { keyRecoveryDays, clientCache, serviceCache, fleetDeletionDays } = protectionStandard;
  return [
    "## After a shredding",
    table(
      ["where a shredded key could still be", "until"],
      [
        [
          "memory of a function",
          "never used again: each call looks at the store first; overwritten by the first call after " +
            `${serviceCache.maximumAgeSeconds} s, or gone with the process`,
        ],
        [
          "data keys in a client's cache",
          `${clientCache.ageSeconds.maximum} s at most, or the fleet's clients' own limit`,
        ],
        [
          "the recovery window of the table of subject keys",
          `${keyRecoveryDays.default} days, or what the stage says: 0 to ${keyRecoveryDays.maximum}; on one machine there is none`,
        ],
        ["copies of the table of items", "it is in none"],
        [
          "a fleet's wrapping keys",
          `${fleetDeletionDays} days in KMS, in which an administrator could call their deletion off; locally destroyed at once`,
        ],
        [
          "copies that the owner made of `subject-keys/`",
          "as long as the owner keeps them: keep none for longer than a week",
        ],
      ],
    ),
    "The certificate of destruction names these times.",
  ].join("\n\n");
}

/** `docs/data-at-rest.md`, whole: Markdown, one trailing newline. The same text for the same tables. */
export function renderStorage(): string {
  return `${[
    "<!-- Generated from core/standard by `npm run docs`; do not edit. -->",
    "# Data at rest",
    "What the service keeps where, under which key, for how long and in which copies. Tests compare these tables with " +
      "the partitions that `core/` makes, with the templates of a stage, and with the files of a local server: what is " +
      "not in them fails.",
    keySection(),
    cloudSection(),
    localSection(),
    itemSection(),
    secretSection(),
    shreddingSection(),
  ].join("\n\n")}\n`;
}
