/**
 * Room: scripts. Fills a store with certificates as they stand after issuance and after revocation, without signing each:
 * records and entries are made by the product's own code, of the size that they have, at random times.
 */
import { randomBytes } from "node:crypto";
import type { WriteOperation } from "../../core/ports.ts";
import { type CertificateRecord, certificateItem } from "../../core/records/certificate-record.ts";
import { revocationEntryItem } from "../../core/records/revocation-entry.ts";
import { crlShardOf } from "../../core/revocation/shard.ts";
import { fleet, type House } from "./house.ts";

const day = 86_400_000;
const validity = 90 * day;
/** Issued over so many days until now: a tenth has expired. */
const span = 100 * day;
const windowDays = 7;
const operationsAtOnce = 100;
/** Transactions under way: the store commits them together. */
const inFlight = 8;

export interface Filled {
  readonly certificates: number;
  readonly revoked: number;
  /** Devices `pump-0000001` and on have them, some more than one. */
  readonly devices: number;
  readonly seconds: number;
}

export const deviceName = (index: number): string => `pump-${index.toString().padStart(7, "0")}`;

/** One in a thousand is a server's, one in twenty has a P-384 key. */
function variety(index: number, devices: number): Partial<CertificateRecord> {
  const keyAlgorithm = index % 20 === 0 ? "P-384" : "P-256";
  if (index % 1_000 === 1) {
    return {
      keyAlgorithm,
      profile: "server",
      subjectKind: "server",
      subjectId: `host-${index}.example.test`,
    };
  }
  return { keyAlgorithm, subjectId: deviceName(1 + (index % devices)) };
}

function certificateAt(
  sample: CertificateRecord,
  index: number,
  devices: number,
  now: number,
): CertificateRecord {
  const issuedAt = now - Math.floor(Math.random() * span);
  const notBefore = issuedAt - 300_000;
  const serial = randomBytes(16);
  serial.writeUInt8(serial.readUInt8(0) & 0x7f, 0);
  return {
    ...sample,
    ...variety(index, devices),
    serialNumber: serial.toString("hex"),
    keyFingerprint: randomBytes(32).toString("hex"),
    csrDigest: randomBytes(32).toString("hex"),
    notBefore,
    notAfter: notBefore + validity - 1_000,
    createdAt: issuedAt,
    issuedAt,
    crlShard: crlShardOf(notBefore + validity - 1_000, windowDays),
  };
}

/** Every tenth is revoked, one in a hundred of those for now. */
function writesOf(record: CertificateRecord, index: number, now: number): readonly WriteOperation[] {
  if (index % 10 !== 0) return [{ put: certificateItem(record), when: "absent" }];
  const { authorityId, serialNumber, crlShard = "complete" } = record;
  const revokedAt = Math.min(now, (record.issuedAt ?? now) + Math.floor(Math.random() * 30 * day));
  const reason = index % 1_000 === 0 ? "certificateHold" : "superseded";
  const revoked = {
    ...record,
    state: "revoked",
    revokedAt,
    revocationReason: reason,
    revokedBy: "operator:operator-1",
  } as const;
  const entry = {
    fleet,
    authorityId,
    crlShard,
    serialNumber,
    state: "revoked",
    reason,
    revokedAt,
    changedAt: revokedAt,
  } as const;
  return [
    { put: certificateItem(revoked), when: "absent" },
    { put: revocationEntryItem(entry), when: "absent" },
  ];
}

/** Adds `count` certificates. @param progress Told how many there are now. */
export async function fill(
  { app, sample }: House,
  count: number,
  progress: (done: number) => void,
): Promise<Filled> {
  const devices = Math.ceil(count * 0.7);
  const now = app.clock.now();
  const begin = performance.now();
  let made = 0;
  const worker = async (): Promise<void> => {
    while (made < count) {
      const operations: WriteOperation[] = [];
      while (made < count && operations.length <= operationsAtOnce - 2) {
        operations.push(...writesOf(certificateAt(sample, made, devices, now), made, now));
        made += 1;
      }
      await app.items.transact(operations);
      progress(made);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - begin) / 1_000;
  return { certificates: count, revoked: Math.ceil(count / 10), devices, seconds };
}
