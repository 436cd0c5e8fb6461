/** Room: test. Manifests that somebody else signs: any content, any header, a key certified by whoever is asked. */
import type { Issuer } from "../../core/authority/issuer.ts";
import { trustSigners } from "../../core/distribution/known-signers.ts";
import { publishedJwk } from "../../core/distribution/manifest-content.ts";
import type { TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { type CertifiedKey, certifyOwnKey } from "../../core/enrollment/own-key.ts";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { assembleJws, jwsSigningInput } from "../../core/formats/jws.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import type { DeploymentApp } from "../../core/ports.ts";
import { type ProfileId, profiles } from "../../core/standard/profiles.ts";
import { trustFleet } from "./trust-world.ts";

export type ForgingKey = Pick<CertifiedKey, "key" | "certificate">;

/** A key of the profile, certified by `issuer`; `id` names it. */
export function certifiedKey(
  app: DeploymentApp,
  issuer: Issuer,
  id: string,
  profile: Extract<ProfileId, "trustSigner" | "ocspResponder"> = "trustSigner",
): Promise<CertifiedKey> {
  return certifyOwnKey(app, {
    fleet: trustFleet,
    alias: `forged-${id}`,
    algorithm: "P-256",
    profile: profiles[profile],
    identity: { kind: "service", fleet: trustFleet, serviceId: id },
    issuer,
    purpose: "forgery",
  });
}

export const jwkOf = ({ key }: ForgingKey) =>
  publishedJwk(decodeSubjectPublicKey(key.publicKey), authorityAlgorithms[key.algorithm]);

/** The manifest's compact JWS by that key, its header as ours but for `header`. */
export async function forge(
  app: DeploymentApp,
  signer: ForgingKey,
  manifest: TrustManifest | object,
  header: object = {},
): Promise<string> {
  const { alg, kid } = jwkOf(signer);
  const x5c = [Buffer.from(signer.certificate).toString("base64")];
  const input = jwsSigningInput(
    { alg, kid, typ: "fleetkey-trust+jws", x5c, ...header },
    Buffer.from(JSON.stringify(manifest)),
  );
  const signature = await app.keys.sign(signer.key.keyId, input);
  return assembleJws(input, authorityAlgorithms[signer.key.algorithm], signature);
}

/** The key that signs the fleet's manifests. */
export async function genuineSigner(app: DeploymentApp, signerId = "trust-1"): Promise<ForgingKey> {
  const signers = await trustSigners(app, trustFleet);
  const signer = signers.find(({ value }) => value.signerId === signerId)?.value;
  if (signer === undefined) throw new Error(`there is no ${signerId}`);
  const key = await app.keys.describeKey(signer.keyId);
  return { key, certificate: signer.certificate };
}
