/**
 * Room: core/rotation. One generation of a server certificate: looked at what it replaces, a key made in memory, issued,
 * imported twice, the key overwritten. The first import is the copy for a rollback, in one of two places that the
 * generations take in turn; the second is over the present one, whose name stays. A crash in between leaves a
 * certificate that `settlePending` takes or revokes: no key is ever kept for a second try.
 */
import { hash } from "node:crypto";
import { assertFleetActive, type Fleet } from "../authority/issuer.ts";
import { issuedCertificate } from "../enrollment/answer.ts";
import { issueAuthorised } from "../enrollment/authorised.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError, isAppError } from "../errors.ts";
import { signatureAlgorithms } from "../formats/algorithms.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import {
  assembleCertificationRequest,
  encodeCertificationRequestInfo,
} from "../formats/certification-request-encoder.ts";
import type { HeldCertificate, ServerApp, ServerKey, ServerMaterial } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import {
  type ServerCertificateRecord,
  type ServerGeneration,
  type ServerSlot,
  serverCertificateItem,
} from "../records/server-certificate-record.ts";
import { profiles } from "../standard/profiles.ts";
import { assertServerNames, patternsOf } from "./server-certificate.ts";
import { assertLeaseLasts, type StoredServerCertificate, writeServerCertificate } from "./server-lease.ts";
import { recordHeld, serverCredential } from "./server-settlement.ts";

/** What the next generation goes over; undefined for a new place. */
interface Places {
  readonly certificateId: string | undefined;
  readonly copyId: string | undefined;
}

/** 0 or 1: the place of the generation's copy. */
const placeOf = (generation: number): 0 | 1 => (generation % 2 === 0 ? 0 : 1);

/** Whether it was issued for this very record. */
export async function isOwn(
  app: ServerApp,
  record: ServerCertificateRecord,
  { serialNumber }: HeldCertificate,
): Promise<boolean> {
  const found = await findCertificate(app, record.fleet, serialNumber);
  return found?.value.credential === serverCredential(record);
}

/**
 * Before anything is made: a certificate that replaces another must have its key type and size.
 * @throws AppError server_certificate_mismatch: nothing was made or imported; certificate_manager_unavailable.
 */
async function preflight(app: ServerApp, record: ServerCertificateRecord): Promise<Places> {
  const { name, certificateId, keyAlgorithm, slots, generation } = record;
  const present = certificateId === undefined ? undefined : await app.certificates.describe(certificateId);
  if (present !== undefined && present.keyAlgorithm !== keyAlgorithm)
    throw new AppError(
      "server_certificate_mismatch",
      `server certificate "${name}" has a key of type ${keyAlgorithm}, what stands in its place ${present.keyAlgorithm}; put one of that type back, or take another name`,
    );
  const copyId = slots[placeOf(generation + 1)]?.certificateId;
  const copy = copyId === undefined ? undefined : await app.certificates.describe(copyId);
  const reusable = copy?.keyAlgorithm === keyAlgorithm && (await isOwn(app, record, copy));
  return { certificateId: present?.certificateId, copyId: reusable ? copyId : undefined };
}

async function requestOf(record: ServerCertificateRecord, key: ServerKey) {
  const info = encodeCertificationRequestInfo({
    subject: [],
    subjectPublicKeyInfo: key.publicKey,
    extensions: [],
  });
  const row =
    signatureAlgorithms[
      record.keyAlgorithm === "P-256"
        ? "ecdsa-with-SHA256"
        : record.keyAlgorithm === "P-384"
          ? "ecdsa-with-SHA384"
          : "sha256WithRSAEncryption"
    ];
  return verifyCsr(assembleCertificationRequest(info, row, await key.sign(info)));
}

/** The record as it is written with the intent: from then on a crash leaves something to settle. */
function intended(record: ServerCertificateRecord, issued: CertificateRecord): ServerCertificateRecord {
  const { authorityId, serialNumber, notBefore, notAfter } = issued;
  const generation = record.generation + 1;
  const pending: ServerGeneration = {
    generation,
    authorityId,
    serialNumber,
    notBefore,
    notAfter,
    dnsNames: record.dnsNames,
  };
  const at = placeOf(generation);
  const slot: ServerSlot = { ...record.slots[at], generation, serialNumber, notAfter };
  const slots = at === 0 ? ([slot, record.slots[1]] as const) : ([record.slots[0], slot] as const);
  return { ...record, pending, slots, attempt: record.attempt + 1 };
}

/** As the service tags it. Neither part has a slash, so no two certificates of any fleets share one. */
const nameOf = ({ fleet, name }: ServerCertificateRecord): string => `${fleet}/${name}`;

interface Issued {
  readonly stored: StoredServerCertificate;
  readonly certificate: CertificateRecord;
}

/** @throws AppError store_condition_failed: another task works on it; what `issueAuthorised` throws. */
async function issue(
  app: ServerApp,
  fleet: Fleet,
  { value: record, version }: StoredServerCertificate,
  key: ServerKey,
): Promise<Issued> {
  const { fleet: name, recordId, generation, attempt, dnsNames } = record;
  const csr = await requestOf(record, key);
  // With the key: another task's certificate must never be the answer to this one.
  const purpose = `${recordId}\n${generation + 1}\n${attempt + 1}\n${csr.publicKey.fingerprint}`;
  const certificate = await issueAuthorised(app, {
    fleet,
    csr,
    profile: profiles.server,
    identity: { kind: "server", fleet: name, dnsNames, ipAddresses: [] },
    credential: serverCredential(record),
    requestDigest: hash("sha256", `server certificate\n${purpose}`),
    consume: [],
    alongside: (issued) => [{ put: serverCertificateItem(intended(record, issued)), when: version }],
    taken: () => new AppError("store_condition_failed", "another task works on this server certificate"),
  });
  return { certificate, stored: { value: intended(record, certificate), version: version + 1 } };
}

/** Where it was deleted a moment ago, it is a new one. */
async function importOver(
  app: ServerApp,
  name: string,
  material: ServerMaterial,
  replaces: string | undefined,
): Promise<string> {
  if (replaces === undefined) return app.certificates.import(name, material);
  try {
    return await app.certificates.import(name, material, replaces);
  } catch (error) {
    if (!isAppError(error, "certificate_not_held")) throw error;
    return app.certificates.import(name, material);
  }
}

async function importCopy(
  app: ServerApp,
  stored: StoredServerCertificate,
  material: ServerMaterial,
  copyId: string | undefined,
): Promise<StoredServerCertificate> {
  const { name, slots, generation } = stored.value;
  const at = placeOf(generation + 1);
  assertLeaseLasts(app, stored.value);
  const certificateId = await importOver(app, `${nameOf(stored.value)}/copy-${at + 1}`, material, copyId);
  const [even, odd] = slots;
  const slot = slots[at];
  if (slot === undefined)
    throw new AppError("internal", `server certificate "${name}" has no place for a copy`);
  const filled = { ...slot, certificateId };
  return writeServerCertificate(app, stored, { slots: at === 0 ? [filled, odd] : [even, filled] });
}

/**
 * The caller holds the lease and has settled what was pending; it is given back with the last write.
 * @throws AppError fleet_suspended, name_not_permitted (whoever asked may no longer have its names),
 * server_certificate_mismatch, authority_unavailable, the policy's codes, certificate_manager_*, store_condition_failed.
 */
export async function renewServerCertificate(
  app: ServerApp,
  fleet: Fleet,
  claimed: StoredServerCertificate,
  count: { issued: number },
): Promise<StoredServerCertificate> {
  const { requestedBy, dnsNames, name, keyAlgorithm } = claimed.value;
  assertFleetActive(fleet);
  assertServerNames(patternsOf(fleet.configuration, requestedBy), dnsNames);
  const places = await preflight(app, claimed.value);
  const key = await app.serverKeys.make(keyAlgorithm);
  try {
    const { certificate, stored } = await issue(app, fleet, claimed, key);
    count.issued += 1;
    const { pending } = stored.value;
    if (pending === undefined)
      throw new AppError("internal", `server certificate "${name}" has nothing pending`);
    const { certificate: pem, chain } = issuedCertificate(fleet, certificate);
    const material: ServerMaterial = { certificate: pem, chain, privateKey: key.privateKey };
    const copied = await importCopy(app, stored, material, places.copyId);
    assertLeaseLasts(app, copied.value);
    const id = await importOver(app, nameOf(copied.value), material, places.certificateId);
    return await recordHeld(app, copied, pending, id);
  } finally {
    key.privateKey.fill(0);
  }
}
