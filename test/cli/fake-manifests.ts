/** Trust manifests as a service publishes them, signed by keys that a fake authority certified. */
import {
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import { publishedJwk } from "../../core/distribution/manifest-content.ts";
import { manifestDigest } from "../../core/distribution/manifest-walk.ts";
import {
  manifestTokenType,
  manifestType,
  type TrustManifest,
} from "../../core/distribution/trust-manifest.ts";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { assembleJws, jwsSigningInput } from "../../core/formats/jws.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { extension } from "../../core/formats/x509/extension.ts";
import { extendedKeyUsage, keyPurposes, keyUsage } from "../../core/formats/x509/extensions/index.ts";
import type { FakeAuthority } from "./fake-authority.ts";
import type { FakeRequest, FakeService, Interception } from "./fake-service.ts";

const row = authorityAlgorithms["P-256"];

export interface ManifestSigner {
  readonly jwk: TrustManifest["signers"][number];
  readonly certificate: Buffer;
  readonly privateKey: KeyObject;
}

export function makeSigner(
  authority: FakeAuthority,
  purpose: string = keyPurposes.documentSigning,
): ManifestSigner {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const certificate = authority.certify("default trust", privateKey, [
    extension(keyUsage, new Set(["digitalSignature"] as const), true),
    extension(extendedKeyUsage, [purpose], true),
  ]);
  return { jwk: publishedJwk(decodeSubjectPublicKey(spki), row), certificate, privateKey };
}

export interface ManifestPlan {
  readonly authority: FakeAuthority;
  readonly signer: ManifestSigner;
  readonly version: number;
  /** Text of the version before. */
  readonly previous?: string;
  /** Who may sign what comes next; `signer` when absent. */
  readonly signers?: readonly ManifestSigner[];
  readonly change?: Partial<TrustManifest>;
}

const isoSeconds = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
const day = 86_400_000;

export function signedManifest({
  authority,
  signer,
  version,
  previous,
  signers,
  change,
}: ManifestPlan): string {
  const root = new X509Certificate(authority.root).raw;
  const base = "https://keys.example/v1/fleets/default";
  const known = { authorityId: "root-1", certificate: root.toString("base64"), sha256: hash("sha256", root) };
  const now = Date.now();
  const manifest: TrustManifest = {
    type: manifestType,
    fleet: "default",
    trustDomain: "fleetkey.internal",
    version,
    issuedAt: isoSeconds(now),
    notBefore: isoSeconds(now - 300_000),
    nextUpdate: isoSeconds(now + 30 * day),
    roots: [{ ...known, crl: `${base}/crl/root-1/complete.crl` }],
    authorities: [
      {
        ...known,
        authorityId: "issuing-1",
        issuer: "root-1",
        state: "active",
        crl: `${base}/crl/{shard}.crl`,
      },
    ],
    crossCertificates: [],
    crl: { windowDays: 7 },
    ocsp: `${base}/ocsp`,
    keys: { keys: [] },
    sshAuthorities: [],
    signers: (signers ?? [signer]).map(({ jwk }) => jwk),
    ...(previous === undefined ? {} : { previous: manifestDigest(previous) }),
    ...change,
  };
  const { alg, kid } = signer.jwk;
  const header = { alg, kid, typ: manifestTokenType, x5c: [signer.certificate.toString("base64")] };
  const input = jwsSigningInput(header, Buffer.from(JSON.stringify(manifest)));
  return assembleJws(input, row, sign("sha256", input, signer.privateKey));
}

/** Versions 1 to `count` of one history by one signer. */
export function history(authority: FakeAuthority, signer: ManifestSigner, count: number): readonly string[] {
  const texts: string[] = [];
  for (let version = 1; version <= count; version += 1) {
    const previous = texts.at(-1);
    texts.push(
      signedManifest({ authority, signer, version, ...(previous === undefined ? {} : { previous }) }),
    );
  }
  return texts;
}

/** The service serves these versions, the last as the newest; undefined is missing. */
export function publishManifests(service: FakeService, versions: readonly (string | undefined)[]): void {
  const answer = (text: string | undefined): Interception =>
    text === undefined
      ? undefined
      : { status: 200, headers: { "content-type": "application/jose" }, body: text };
  service.intercept = ({ path }: FakeRequest) => {
    if (path.endsWith("/trust.jws")) return answer(versions.at(-1));
    const version = /\/trust\/(\d+)\.jws$/.exec(path)?.[1];
    return version === undefined ? undefined : answer(versions[Number(version) - 1]);
  };
}
