/**
 * Room: scripts. Certificates of the fleet as the service records them, without a signature each: dates from the core's own
 * functions, and the same items in the store, so that its census and its surveys count them.
 */
import { hash } from "node:crypto";
import type { Validity } from "../../core/formats/x509/tbs-certificate.ts";
import type { WriteOperation } from "../../core/ports.ts";
import { type CertificateRecord, certificateItem } from "../../core/records/certificate-record.ts";
import { crlShardOf } from "../../core/revocation/shard.ts";
import { day, fleet, type House } from "./house.ts";
import type { HeldProfile, Source } from "./issuance.ts";
import type { Chance } from "./random.ts";
import type { Service } from "./service.ts";

/** Stands for the certificate's octets, which nobody reads here. */
const unsigned = new Uint8Array([0x30, 0x00]);
/** Days after its end for which a record stays: the simulation's memory is finite. */
const keptDays = 60;
const operationsAtOnce = 100;

export interface Wanted {
  readonly kind: HeldProfile;
  readonly name: string;
  readonly dates: Validity;
  readonly now: number;
  readonly chance: Chance;
}

function serialNumber(chance: Chance): string {
  const digits = () =>
    Math.floor(chance.next() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return `7${(digits() + digits() + digits() + digits()).slice(1)}`;
}

/** Of a certificate that is issued at `now`. */
export function recordOf(
  { fleet: { configuration } }: Service,
  { issuer }: Source,
  wanted: Wanted,
): CertificateRecord {
  const { kind, name, dates, now, chance } = wanted;
  const serial = serialNumber(chance);
  const { authorityId, keyId } = issuer.record;
  return {
    ...{ fleet, serialNumber: serial, state: "issued", profile: kind, authorityId, keyId },
    ...{ subjectKind: kind === "server" ? "server" : "device", subjectId: name },
    ...{ algorithm: "P-256", keyAlgorithm: "P-256", keyFingerprint: hash("sha256", serial) },
    ...{ notBefore: dates.notBefore, notAfter: dates.notAfter, createdAt: now, issuedAt: now },
    ...{ credential: "token:simulated", leaseUntil: 0, certificate: unsigned },
    crlShard: crlShardOf(dates.notAfter, configuration.crlWindowDays),
  };
}

/** Puts records into the store, many to a transaction. */
export class Recorder {
  readonly #house: House;
  #waiting: WriteOperation[] = [];
  certificates = 0;
  outlivesIssuer = 0;

  constructor(house: House) {
    this.#house = house;
  }

  issued(record: CertificateRecord, { issuer }: Source): void {
    this.certificates += 1;
    if (record.notAfter > issuer.certificate.tbs.validity.notAfter) this.outlivesIssuer += 1;
    this.#waiting.push({ put: this.#item(record), when: "absent" });
  }

  /** Its device is no more: it counts for nobody. */
  ended(record: CertificateRecord, now: number): void {
    if (record.notAfter < now) return;
    const why = { revokedAt: now, revocationReason: "cessationOfOperation", revokedBy: "operator:owner-1" };
    this.#waiting.push({ put: this.#item({ ...record, ...why, state: "revoked" }), when: 1 });
  }

  #item(record: CertificateRecord) {
    return {
      ...certificateItem(record),
      expiresAt: Math.floor(record.notAfter / 1_000) + (keptDays * day) / 1_000,
    };
  }

  async flush(): Promise<void> {
    const writes = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < writes.length; from += operationsAtOnce)
      await this.#house.app.items.transact(writes.slice(from, from + operationsAtOnce));
  }
}
