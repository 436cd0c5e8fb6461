/**
 * Room: bench. `fleetkey/protect` beside raw AES-256-GCM of node:crypto with one key: what a message of the AWS
 * Encryption SDK costs more (a key derived and committed to for each, a header, streams). The helper's data keys come
 * from the use case, over wrapping keys that count: calls of KMS for 1,000 records.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import { fleetkeyProtector, type Protector } from "../protect/index.ts";
import { rates, table } from "./measure.ts";
import { type CountedKeys, openCountedKeys } from "./protection-keys.ts";

const sizes = [
  { name: "1 KB", bytes: 1_000, count: 1_000 },
  { name: "64 KB", bytes: 64_000, count: 400 },
  { name: "1 MB", bytes: 1_000_000, count: 60 },
] as const;
const context = { purpose: "observations", subject: "s-bench" };
const key = createSecretKey(randomBytes(32));

interface Sealed {
  readonly iv: Buffer;
  readonly body: Buffer;
  readonly tag: Buffer;
}

function seal(plaintext: Buffer): Sealed {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { iv, body, tag: cipher.getAuthTag() };
}

function open({ iv, body, tag }: Sealed): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, iv).setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

/** Ratios of the helper to the raw cipher, for one size. */
async function throughput(protector: Protector, { name, bytes, count }: (typeof sizes)[number]) {
  const plaintext = randomBytes(bytes);
  const message = await protector.protectBytes(plaintext, context);
  const sealed = seal(plaintext);
  const measured = await rates(
    [
      { name: "raw write", run: () => seal(plaintext) },
      { name: "write", run: () => protector.protectBytes(plaintext, context), inFlight: 1 },
      { name: "raw read", run: () => open(sealed) },
      { name: "read", run: () => protector.unprotectBytes(message, context), inFlight: 1 },
    ],
    count,
  );
  const [rawWrite = 0, write = 0, rawRead = 0, read = 0] = measured.map(({ perSecond }) => perSecond);
  const milliseconds = (perSecond: number): string => `${(1000 / perSecond).toFixed(2)} ms`;
  const megabytes = (perSecond: number): string => `${((perSecond * bytes) / 1e6).toFixed(0)} MB/s`;
  return [
    [
      name,
      "write",
      milliseconds(write),
      megabytes(write),
      milliseconds(rawWrite),
      (write / rawWrite).toFixed(2),
    ],
    [name, "read", milliseconds(read), megabytes(read), milliseconds(rawRead), (read / rawRead).toFixed(2)],
  ];
}

/** Calls for 1,000 records, each a field of 1 KB, of so many subjects; every subject is new. */
async function calls({ keys, calls: asked }: CountedKeys, subjects: number): Promise<string[]> {
  const protector = fleetkeyProtector({ keys });
  const note = "x".repeat(1_000);
  const contextOf = (at: number) => ({
    ...context,
    subject: `s-${subjects}-${at % subjects}`,
    record: `r-${at}`,
  });
  const all = Array.from({ length: 1_000 }, (_, at) => at);
  const before = asked();
  const stored = [];
  for (const at of all) stored.push(await protector.protect({ note }, ["note"], contextOf(at)));
  const written = asked();
  for (const [at, record] of stored.entries()) await protector.unprotect(record, ["note"], contextOf(at));
  protector.close();
  return [`${subjects}`, `${written - before}`, `${asked() - written}`];
}

export async function benchProtection(): Promise<string> {
  const counted = await openCountedKeys();
  // Bounds that are not reached here: what is measured is a message, not the fetching of a key.
  const protector = fleetkeyProtector({
    keys: counted.keys,
    cache: { ageSeconds: 300, messages: 1_000_000, bytes: 68_719_476_736 },
  });
  try {
    const rows = [];
    for (const size of sizes) rows.push(...(await throughput(protector, size)));
    const counts = [];
    for (const subjects of [1, 100, 1_000]) counts.push(await calls(counted, subjects));
    return [
      "Messages by fleetkey/protect with a data key in memory, one at a time, and raw AES-256-GCM with one key",
      table([["", "", "fleetkey", "", "raw", "fleetkey / raw"], ...rows]),
      "Calls of the wrapping key (KMS) for 1,000 records, defaults of the cache",
      table([["subjects", "to write", "to read"], ...counts]),
    ].join("\n");
  } finally {
    protector.close();
    await counted.close();
  }
}
