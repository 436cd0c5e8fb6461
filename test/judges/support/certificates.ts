/** Certificates of all profiles and algorithms, built, judged by policy and lint, and signed as issuance does. */
import { createHash, sign } from "node:crypto";
import { buildTemplate, type TemplateIssuer } from "../../../core/enrollment/template.ts";
import { authorityAlgorithms, type SignatureAlgorithm } from "../../../core/formats/algorithms.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../../core/formats/spki.ts";
import { encodeCertificate } from "../../../core/formats/x509/certificate.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  type TbsCertificate,
} from "../../../core/formats/x509/tbs-certificate.ts";
import { lint } from "../../../core/lint/lint.ts";
import { decideCertificate } from "../../../core/policy/certificate-policy.ts";
import type { SubjectIdentity } from "../../../core/policy/identity.ts";
import { type ProfileId, profiles } from "../../../core/standard/index.ts";
import { type DeviceKey, deviceKey } from "../../support/device.ts";

export type AuthorityAlgorithmId = keyof typeof authorityAlgorithms;

export interface Authority {
  readonly algorithm: AuthorityAlgorithmId;
  /** The algorithm that its own certificate is signed with. */
  readonly signer: AuthorityAlgorithmId;
  readonly key: DeviceKey;
  readonly publicKey: SubjectPublicKey;
  readonly tbs: TbsCertificate;
  readonly der: Buffer;
}

export interface Issued {
  readonly profile: ProfileId;
  readonly signer: AuthorityAlgorithmId;
  readonly der: Buffer;
}

/** One of 2^127 serial numbers, the same for the same label. */
function serialNumber(label: string): Uint8Array {
  const octets = createHash("sha256").update(label).digest().subarray(0, 16);
  octets[0] = (octets[0] ?? 0) & 0x7f;
  return octets;
}

export interface Order {
  readonly profile: ProfileId;
  readonly identity: SubjectIdentity;
  readonly publicKey: SubjectPublicKey;
  readonly issuer: Authority | { readonly algorithm: AuthorityAlgorithmId; readonly key: DeviceKey };
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const isAuthority = (issuer: Order["issuer"]): issuer is Authority => "tbs" in issuer;

/** Policy and lint allow what is about to be signed, or the judge would judge what is never issued. */
function assertIssuable(tbs: TbsCertificate, { profile, identity, issuer }: Order): void {
  const issuerTbs = isAuthority(issuer) ? issuer.tbs : "self";
  const limit = issuerTbs === "self" ? issuerTbs : { notAfter: issuerTbs.validity.notAfter };
  const decision = decideCertificate(tbs, profiles[profile], identity, limit);
  if (!decision.allow) throw new Error(`${profile}: ${decision.reason}`);
  const findings = lint(tbs, { profile: profiles[profile], issuer: issuerTbs });
  if (findings.length > 0) throw new Error(`${profile}: ${JSON.stringify(findings)}`);
}

export function issue(order: Order): { readonly tbs: TbsCertificate; readonly der: Buffer } {
  const { profile, identity, publicKey, issuer, now } = order;
  const signature: SignatureAlgorithm = authorityAlgorithms[issuer.algorithm].signature;
  const templateIssuer: TemplateIssuer = isAuthority(issuer)
    ? { kind: "authority", tbs: issuer.tbs, publicKey: issuer.publicKey }
    : { kind: "self" };
  const raw = encodeTbsCertificate(
    buildTemplate({
      profile: profiles[profile],
      identity,
      publicKey,
      issuer: templateIssuer,
      signature,
      serialNumber: serialNumber(JSON.stringify([profile, identity, issuer.algorithm, now])),
      now,
    }),
  );
  const tbs = decodeTbsCertificate(raw);
  assertIssuable(tbs, order);
  return { tbs, der: encodeCertificate(raw, signature, sign(signature.digest, raw, issuer.key.privateKey)) };
}

/** The key of the root `subject`, certified by another root (RFC 9810 §4.4). */
export function cross(subject: Authority, issuer: Authority, now: number): Issued {
  const authorityId = `root-${subject.algorithm}-self`;
  const identity = { kind: "authority", fleet: "default", authorityId } as const;
  const order: Order = { profile: "cross", identity, publicKey: subject.publicKey, issuer, now };
  return { profile: "cross", signer: issuer.algorithm, der: issue(order).der };
}

/** A root, or an authority under `parent`. */
export function authority(algorithm: AuthorityAlgorithmId, now: number, parent?: Authority): Authority {
  const key = deviceKey(algorithm);
  const publicKey = decodeSubjectPublicKey(key.spki);
  const profile = parent === undefined ? "root" : "issuing";
  const authorityId = `${profile}-${algorithm}-${parent?.algorithm ?? "self"}`;
  const order: Order = {
    profile,
    identity: { kind: "authority", fleet: "default", authorityId },
    publicKey,
    issuer: parent ?? { algorithm, key },
    now,
  };
  return { algorithm, signer: parent?.algorithm ?? algorithm, key, publicKey, ...issue(order) };
}
