/**
 * Room: core/distribution. A version of the trust in the object store: its own object, which is written once, and those
 * that always hold the newest.
 */
import { publish } from "../bootstrap/publication.ts";
import { AppError, isAppError } from "../errors.ts";
import { authorityAlgorithms } from "../formats/algorithms.ts";
import { assembleJws, decodeJws, jwsSigningInput, verifyJws } from "../formats/jws.ts";
import { encodePem } from "../formats/pem.ts";
import { encodeCertsOnly } from "../formats/pkcs7.ts";
import { decodeSubjectPublicKey } from "../formats/spki.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import type { NewObject, PublisherApp, StoredObject } from "../ports.ts";
import type { PublicationRecord, TrustSignerRecord } from "../records/publication-record.ts";
import {
  type ArtifactName,
  artifact,
  artifactKey,
  manifestVersionKey,
  manifestVersionKind,
} from "./artifacts.ts";
import { assertOurs, firstText, keepText, keptText, textOf } from "./kept-manifests.ts";
import { trustSigners } from "./known-signers.ts";
import { decodeManifest } from "./manifest-decoding.ts";
import { readManifest, type UnverifiedManifest } from "./manifest-signature.ts";
import { manifestCharacters, manifestTokenType, type TrustManifest } from "./trust-manifest.ts";
import { assertMaySign, signerJwk } from "./trust-signer.ts";

async function signVersion(
  app: PublisherApp,
  { payload, trustVersion }: PublicationRecord,
  signer: TrustSignerRecord,
): Promise<string> {
  const { signers, issuedAt } = decodeManifest(Buffer.from(payload));
  assertMaySign(signer, Date.parse(issuedAt), signers.length);
  const { alg, kid } = signerJwk(signer);
  const header = {
    alg,
    kid,
    typ: manifestTokenType,
    x5c: [Buffer.from(signer.certificate).toString("base64")],
  };
  const input = jwsSigningInput(header, Buffer.from(payload));
  const signature = await app.keys.sign(signer.keyId, input);
  const text = assembleJws(input, authorityAlgorithms[signer.algorithm], signature);
  const key = decodeSubjectPublicKey(decodeCertificate(signer.certificate).tbs.subjectPublicKeyInfo);
  // A fault in the key service must not become a version that no one can verify: its number is spent for good.
  if (await verifyJws(decodeJws(text, manifestCharacters), key)) return text;
  throw new AppError("signature_invalid", `the signature of trust version ${trustVersion} does not verify`);
}

/**
 * The text of the version on record: the one that is there, the one that was kept, or signed now. Of many who sign it,
 * one is kept; it is kept before readers find it.
 * @throws AppError internal (the object is another's), key_overdue, signature_invalid, those of the ports.
 */
export async function versionText(app: PublisherApp, record: PublicationRecord): Promise<string> {
  const key = manifestVersionKey(record.fleet, record.trustVersion);
  const signers = (await trustSigners(app, record.fleet)).map(({ value }) => value);
  const present = await app.artifacts.get(key);
  const text = present === undefined ? await writeVersion(app, key, record, signers) : textOf(present);
  await assertOurs(record, signers, text);
  await keepText(app, { ...versionOf(record), text });
  return text;
}

const versionOf = ({ fleet, trustVersion }: PublicationRecord) => ({ fleet, trustVersion });

async function writeVersion(
  app: PublisherApp,
  key: string,
  record: PublicationRecord,
  signers: readonly TrustSignerRecord[],
): Promise<string> {
  const signer = signers.find(({ signerId }) => signerId === record.signerId);
  if (signer === undefined)
    throw new AppError("internal", `trust signer ${record.signerId} is not on record`);
  const kept = await keptText(app, record);
  const text =
    kept ?? (await firstText(app, { ...versionOf(record), text: await signVersion(app, record, signer) }));
  await assertOurs(record, signers, text);
  try {
    await app.artifacts.put(key, { body: Buffer.from(text), ...manifestVersionKind }, "absent");
    return text;
  } catch (error) {
    const present = isAppError(error, "store_condition_failed") ? await app.artifacts.get(key) : undefined;
    if (present === undefined) throw error;
    return textOf(present);
  }
}

const derOf = (authorities: readonly { readonly certificate: string }[]): readonly Buffer[] =>
  authorities.map(({ certificate }) => Buffer.from(certificate, "base64"));

/** The root above the authority that issues, for who takes one alone; a rollover that can be taken back does not change it. */
function rootToPin({ roots, authorities }: TrustManifest): Uint8Array {
  const issuing = authorities.filter(({ state }) => state === "active").at(-1);
  const above = roots.find(({ authorityId }) => authorityId === issuing?.issuer) ?? roots.at(-1);
  return Buffer.from(above?.certificate ?? "", "base64");
}

/** The artefacts that follow from a manifest, by name. */
function artifactsOf({
  manifest,
  text,
}: UnverifiedManifest): readonly (readonly [ArtifactName, Uint8Array])[] {
  const roots = derOf(manifest.roots);
  const issuing = derOf(manifest.authorities.filter(({ state }) => state !== "retired"));
  const crossed = derOf(manifest.crossCertificates);
  return [
    ["trust.jws", Buffer.from(text)],
    ["trust.pem", Buffer.from(roots.map((der) => encodePem("CERTIFICATE", der)).join(""))],
    ["trust.p7b", encodeCertsOnly([...roots, ...crossed, ...issuing])],
    ["trust.der", rootToPin(manifest)],
    ["jwks.json", Buffer.from(JSON.stringify(manifest.keys))],
  ];
}

/** The version of a manifest as it lies in the store; 0 for what is none. */
function versionIn({ body }: StoredObject): number {
  try {
    return readManifest(Buffer.from(body).toString("latin1")).manifest.version;
  } catch (error) {
    if (isAppError(error, "trust_malformed")) return 0;
    throw error;
  }
}

/**
 * Puts a verified version where readers look. `assertNewest` is asked after the present object was read, and the write
 * is conditioned on that object: an older version never comes over a newer one.
 * @throws AppError what `assertNewest` throws; those of the store.
 */
export async function placeArtifacts(
  app: PublisherApp,
  fleet: string,
  text: string,
  assertNewest: () => Promise<void>,
): Promise<void> {
  const read = readManifest(text);
  for (const [name, body] of artifactsOf(read)) {
    await publish(app.artifacts, artifactKey(fleet, name), async (current): Promise<NewObject> => {
      await assertNewest();
      const newer =
        name === "trust.jws" && current !== undefined && versionIn(current) > read.manifest.version;
      return newer ? current : artifact(name, body);
    });
  }
}
