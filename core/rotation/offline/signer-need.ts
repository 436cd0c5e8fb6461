/**
 * Room: core/rotation. Whether a root without a network has to certify the next signer of trust manifests: the present
 * one is due, or stands below a root that is to go.
 */
import type { Fleet, Issuer } from "../../authority/issuer.ts";
import { nextSignerId, signerIn, trustSigners } from "../../distribution/known-signers.ts";
import { decodeCertificate } from "../../formats/x509/certificate.ts";
import type { KeylessApp } from "../../ports.ts";
import { missingSignerKey, missingSignerRecord } from "../../records/offline-record.ts";
import type { TrustSignerRecord } from "../../records/publication-record.ts";
import { isDue } from "../cryptoperiod.ts";

/** The root in force, where it is offline; undefined also where none is, or more than one. */
export function offlineRoot({ authorities }: Fleet): Issuer | undefined {
  const active = authorities.filter(({ record: { kind, state } }) => kind === "root" && state === "active");
  return active.length === 1 && active[0]?.record.custody === "offline" ? active[0] : undefined;
}

/** By name: a fleet's roots have one each. */
export const isBelow = ({ certificate }: TrustSignerRecord, root: Issuer): boolean =>
  Buffer.compare(decodeCertificate(certificate).tbs.issuerRaw, root.certificate.tbs.subjectRaw) === 0;

/** Id of the signer to be, `trust-2`. Undefined where the root is not offline, or all is well. */
export async function wantedSigner(app: KeylessApp, fleet: Fleet): Promise<string | undefined> {
  const root = offlineRoot(fleet);
  if (root === undefined) return undefined;
  const signers = await trustSigners(app, fleet.record.fleet);
  const active = signerIn(signers, "active")?.value;
  if (active === undefined || signerIn(signers, "next") !== undefined) return undefined;
  const isOld = isDue("trustManifestSigner", active.createdAt, app.clock.now());
  return isOld || !isBelow(active, root) ? nextSignerId(signers) : undefined;
}

/** The signer that cannot be asked for, since no deployment has made its key yet. One read. */
export async function missingSigner(app: KeylessApp, fleet: string): Promise<string | undefined> {
  const item = await app.items.get(missingSignerKey(fleet));
  return item === undefined ? undefined : missingSignerRecord(item).value.signerId;
}
