/**
 * Room: bench. The TBSCertList of 100,000 entries, encoded by us and by @peculiar/asn1-x509, which @peculiar/x509
 * writes its CRLs with. The same list both times: the bench stops when the octets differ. The peer gets its objects
 * made beforehand, the extensions of all entries encoded among them: its encoding alone is measured.
 */
import { createHash } from "node:crypto";
import "reflect-metadata";
import { AsnConvert } from "@peculiar/asn1-schema";
import { TBSCertList } from "@peculiar/asn1-x509";
import { signatureAlgorithms } from "../core/formats/algorithms.ts";
import {
  encodeTbsCertList,
  type RevokedCertificate,
  type TbsCertListTemplate,
} from "../core/formats/crl/certificate-list.ts";
import type { CrlReason } from "../core/formats/crl/reason.ts";
import { encodeName, name } from "../core/formats/name.ts";
import { rates, table } from "./measure.ts";

const entries = 100_000;
const day = 86_400_000;
const now = Date.UTC(2026, 0, 1);
const reasons: readonly (CrlReason | undefined)[] = [
  undefined,
  "keyCompromise",
  "superseded",
  "cessationOfOperation",
];

/** Digest of the label: the same list in each run. */
const octets = (label: string, length: number): Buffer =>
  createHash("sha256").update(label).digest().subarray(0, length);

/** Revocations of a year, a random second and one of four reasons each. */
function revokedOf(serialNumber: Buffer, index: number): RevokedCertificate {
  const reason = reasons[index % reasons.length];
  const second = octets(`date ${index}`, 4).readUInt32BE() % (365 * 86_400);
  return { serialNumber, revocationDate: now - second * 1000, ...(reason && { reason }) };
}

function ownList(): TbsCertListTemplate {
  const serials = Array.from({ length: entries }, (_, index) =>
    octets(`serial ${index}`, 16).toString("hex"),
  );
  // Read in the order of the list, as from a store that sorts them: they lie in memory in this order.
  const revoked = serials.sort().map((serial, index) => revokedOf(Buffer.from(serial, "hex"), index));
  return {
    signature: signatureAlgorithms["ecdsa-with-SHA256"],
    issuer: encodeName(name([["commonName", "default issuing-1"]])),
    thisUpdate: now,
    nextUpdate: now + 7 * day,
    revoked,
    authorityKeyIdentifier: octets("key", 20),
    number: 1,
  };
}

/** Its parser takes 10,000 elements at once. */
const chunk = 1_000;

/** The peer's objects for `list`; whoever makes a list of its own would have to build them first. */
function peerList(list: TbsCertListTemplate): TBSCertList {
  const parts = Array.from({ length: entries / chunk }, (_, index) => {
    const revoked = list.revoked.slice(index * chunk, (index + 1) * chunk);
    return AsnConvert.parse(encodeTbsCertList({ ...list, revoked }), TBSCertList);
  });
  const revokedCertificates = parts.flatMap((part) => part.revokedCertificates ?? []);
  return new TBSCertList({ ...parts[0], revokedCertificates });
}

/** We are measured before the peer's objects fill the heap: each of our lists would pay for collecting them. */
export async function benchCrl(): Promise<string> {
  const list = ownList();
  const tbs = encodeTbsCertList(list);
  const [own] = await rates([{ name: "fleetkey", run: () => encodeTbsCertList(list) }], 10);
  const peer = peerList(list);
  if (Buffer.compare(Buffer.from(AsnConvert.serialize(peer)), tbs) !== 0) {
    throw new Error("the peer encodes another list");
  }
  const [other] = await rates([{ name: "@peculiar/asn1-x509", run: () => AsnConvert.serialize(peer) }], 1);
  if (own === undefined || other === undefined) throw new Error("nothing was measured");
  const rows = [own, other].map(({ name: who, perSecond }) => [
    who,
    `${(1000 / perSecond).toFixed(1)} ms`,
    `${((perSecond * entries) / 1e6).toFixed(2)} million entries/s`,
  ]);
  return [
    `A CRL of ${entries} entries, ${(tbs.length / 2 ** 20).toFixed(1)} MiB, encoded`,
    table(rows),
    `  fleetkey / @peculiar/asn1-x509 = ${(own.perSecond / other.perSecond).toFixed(0)}`,
  ].join("\n");
}
