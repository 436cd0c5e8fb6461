/**
 * Room: core/rotation. What follows from the loss of an authority's key beside its replacement: devices are asked to
 * renew within a day, and the certificates of the lost key are revoked, so that lists name them.
 */
import { getFleet } from "../authority/issuer.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { findWindows, pullForward } from "../enrollment/renewal-window.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { RotationApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { revocationChange } from "../revocation/entries.ts";
import { type Move, moveOf, storedAuthority } from "./rollover-store.ts";

const day = 86_400_000;

/** By a run that died before it could note that it had asked. */
async function isAsked(
  app: RotationApp,
  { fleet, fromId, activatedAt = 0 }: RolloverRecord,
): Promise<boolean> {
  const windows = (await findWindows(app, fleet))?.value ?? [];
  return windows.some(
    ({ authorityId, createdBy, createdAt }) =>
      authorityId === fromId && createdBy === "system" && createdAt >= activatedAt,
  );
}

/** Asks once, and twice where two runs meet: devices then renew within the narrower window. */
export async function renewalAsked(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move> {
  const now = app.clock.now();
  const { fleet, fromId } = stored.value;
  const noted = moveOf(stored, { ...stored.value, windowsAt: now });
  if (await isAsked(app, stored.value)) return noted;
  await pullForward(app, {
    fleet,
    actor: "system",
    authorityId: fromId,
    from: now,
    until: now + day,
    reason: "keyCompromise",
    emergency: true,
  });
  return noted;
}

/** Serial numbers of what makes others trust the lost key: its own certificate, or those that other roots gave it. */
async function lostCertificates(app: RotationApp, rollover: RolloverRecord): Promise<readonly string[]> {
  const { fleet, fromId, kind } = rollover;
  const { value } = await storedAuthority(app, fleet, fromId);
  const crossed = (value.crossCertificates ?? []).map((one) => Buffer.from(one, "base64"));
  // RFC 5280 §6.1: nobody looks for the status of a root; it leaves the trust.
  const raws = kind === "root" ? crossed : [value.certificate];
  return raws.map((raw) => serialNumberHex(decodeCertificate(raw).tbs.serialNumber));
}

/** RFC 5280 §5.3.1: cACompromise. The root's list names them with the next ceremony. */
export async function revoked(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move> {
  const { fleet } = stored.value;
  const writes: WriteOperation[] = [];
  for (const serialNumber of await lostCertificates(app, stored.value)) {
    const found = await findCertificate(app, fleet, serialNumber);
    if (found === undefined || found.value.state !== "issued") continue;
    const change = revocationChange(app, found, { actor: "system", reason: "cACompromise" });
    writes.push(...change.operations);
  }
  return moveOf(stored, { ...stored.value, revokedAt: app.clock.now() }, ...writes);
}

/** A rollover of what stands below a root that is lost is as urgent. */
export async function issuerBelow(app: RotationApp, { fleet, fromId }: RolloverRecord): Promise<boolean> {
  const { record, authorities } = await getFleet(app, fleet);
  const issuer = authorities.find((one) => one.record.authorityId === record.issuingAuthorityId);
  return issuer?.record.parentId === fromId;
}
