/** Room: test. Certificates as they stand in a store, without a signature each: records are the product's own. */
import { randomBytes } from "node:crypto";
import type { App, WriteOperation } from "../../core/ports.ts";
import { type CertificateRecord, certificateItem } from "../../core/records/certificate-record.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";

export const day = 86_400_000;

/** A device's certificate of ninety days, issued at `issuedAt`; whatever `more` says otherwise. */
export function madeRecord(issuedAt: number, more: Partial<CertificateRecord> = {}): CertificateRecord {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x01, 0);
  return {
    fleet,
    serialNumber: serial.toString("hex"),
    state: "issued",
    subjectKind: "device",
    subjectId: "pump-1",
    profile: "device",
    authorityId: "issuing-1",
    keyId: "key-1",
    algorithm: "P-256",
    keyAlgorithm: "P-256",
    keyFingerprint: randomBytes(32).toString("hex"),
    notBefore: issuedAt,
    notAfter: issuedAt + 90 * day,
    createdAt: issuedAt,
    issuedAt,
    credential: "token:made",
    leaseUntil: 0,
    certificate: new Uint8Array([0x30, 0x00]),
    crlShard: "2026-11-26.7d",
    ...more,
  };
}

export async function store(app: Pick<App, "items">, records: readonly CertificateRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += 100) {
    const some = records.slice(from, from + 100);
    await app.items.transact(
      some.map((record): WriteOperation => ({ put: certificateItem(record), when: "absent" })),
    );
  }
}
