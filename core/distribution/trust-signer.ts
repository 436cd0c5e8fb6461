/**
 * Room: core/distribution. The keys that sign a fleet's trust manifests. A root certifies each, in deployments only;
 * from then on a manifest names who signs the next.
 */
import { type Fleet, getFleet, type Issuer } from "../authority/issuer.ts";
import { certifyOwnKey } from "../enrollment/own-key.ts";
import { isAppError } from "../errors.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import type { DeploymentApp, KeylessApp } from "../ports.ts";
import { type TrustSignerRecord, trustSignerItem } from "../records/publication-record.ts";
import { assertInCryptoperiod } from "../rotation/cryptoperiod.ts";
import { assertRootUsable, rootInForce } from "../rotation/signing-root.ts";
import { profiles } from "../standard/profiles.ts";
import { trustSigners } from "./known-signers.ts";
import { publishedJwk } from "./manifest-content.ts";
import type { PublishedJwk } from "./trust-manifest.ts";

/** What every reader can verify, the smallest devices too. */
export const signerAlgorithm = "P-256";

export function signerJwk({ certificate, algorithm }: TrustSignerRecord): PublishedJwk {
  const { subjectPublicKeyInfo } = decodeCertificate(certificate).tbs;
  return publishedJwk(decodeSubjectPublicKey(subjectPublicKeyInfo), authorityAlgorithms[algorithm]);
}

/**
 * Past its grace a signer signs one thing more: the version that names its successor, for nobody else could. What was
 * taken in time is finished.
 * @param time When the version was taken; milliseconds since the epoch.
 * @param signers How many the version names.
 * @throws AppError key_overdue.
 */
export function assertMaySign(
  { signerId, createdAt }: TrustSignerRecord,
  time: number,
  signers: number,
): void {
  if (signers > 1) return;
  assertInCryptoperiod("trustManifestSigner", createdAt, time, `trust signer "${signerId}"`);
}

/** Name of its key in the key service. */
export const signerAlias = (fleet: string, signerId: string): string => `${fleet}-${signerId}`;

/** @throws AppError authority_unavailable, key_offline, key_overdue: see `assertRootUsable`. */
function certifyingRoot(app: KeylessApp, fleet: Fleet): Issuer {
  const root = rootInForce(fleet);
  assertRootUsable(app, root);
  return root;
}

/**
 * The signer of this id, made and certified by the root in force when there is none. A repetition finds it, whatever has
 * become of it since.
 * @throws AppError not_found, authority_unavailable, key_offline, key_overdue, key_service_unavailable, store_unavailable.
 */
export async function createTrustSigner(
  app: DeploymentApp,
  fleet: string,
  signerId: string,
  state: "active" | "next",
): Promise<void> {
  const known = await trustSigners(app, fleet);
  if (known.some(({ value }) => value.signerId === signerId)) return;
  const { key, record, certificate } = await certifyOwnKey(app, {
    fleet,
    alias: signerAlias(fleet, signerId),
    algorithm: signerAlgorithm,
    profile: profiles.trustSigner,
    identity: { kind: "service", fleet, serviceId: signerId },
    issuer: certifyingRoot(app, await getFleet(app, fleet)),
    purpose: "trustSigner",
  });
  const signer: TrustSignerRecord = {
    fleet,
    signerId,
    keyId: key.keyId,
    algorithm: key.algorithm,
    certificate,
    createdAt: record.createdAt,
    state,
  };
  try {
    await app.items.transact([{ put: trustSignerItem(signer), when: "absent" }]);
  } catch (error) {
    // Another run has recorded the same: one alias is one key, and its certificate answers one request.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}
