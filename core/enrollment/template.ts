/**
 * Room: core/enrollment. The TBS of a profile: names and extensions rebuilt from the verified identity and
 * the profile, never copied from the request.
 */
import { AppError } from "../errors.ts";
import type { SignatureAlgorithm } from "../formats/algorithms.ts";
import type { SubjectPublicKey } from "../formats/spki.ts";
import { type Extension, extension } from "../formats/x509/extension.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  type KeyUsageBit,
  keyPurposes,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "../formats/x509/extensions/index.ts";
import type { TbsCertificate, TbsCertificateTemplate, Validity } from "../formats/x509/tbs-certificate.ts";
import { identityNames, type SubjectIdentity } from "../policy/identity.ts";
import type { Profile } from "../standard/profiles.ts";

const day = 86_400_000;

/** Who signs: an authority's certificate and key, or the subject itself for a root. */
export type TemplateIssuer =
  | { readonly kind: "self" }
  | { readonly kind: "authority"; readonly tbs: TbsCertificate; readonly publicKey: SubjectPublicKey };

export interface TemplateRequest {
  readonly profile: Profile;
  readonly identity: SubjectIdentity;
  readonly publicKey: SubjectPublicKey;
  readonly issuer: TemplateIssuer;
  readonly signature: SignatureAlgorithm;
  /** Unsigned, big-endian; 16 octets with the first bit clear. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The profile's default validity from `now`, back-dated for slow clocks and clamped to the issuer's.
 * RFC 5280 §4.1.2.5: both ends are inclusive, so the last second is taken off.
 * @throws AppError authority_unavailable when nothing is left of the issuer's own validity.
 */
export function validityFor(profile: Profile, issuer: TemplateIssuer, now: number): Validity {
  const start = Math.floor(now / 1000) * 1000 - profile.backdateSeconds * 1000;
  const end = start + profile.defaultDays * day - 1000;
  if (issuer.kind === "self") return { notBefore: start, notAfter: end };
  const notBefore = Math.max(start, issuer.tbs.validity.notBefore);
  const notAfter = Math.min(end, issuer.tbs.validity.notAfter);
  if (notAfter <= now) {
    throw new AppError(
      "authority_unavailable",
      "the issuing authority's certificate is at its end; rotate it",
    );
  }
  return { notBefore, notAfter };
}

function keyUsageOf(profile: Profile, publicKey: SubjectPublicKey): ReadonlySet<KeyUsageBit> {
  // RFC 8813 §3: keyEncipherment is for RSA keys only.
  const names =
    publicKey.algorithm.keyType === "rsa" ? [...profile.keyUsage, ...profile.rsaKeyUsage] : profile.keyUsage;
  return new Set(names);
}

function extensionsOf(request: TemplateRequest): readonly Extension[] {
  const { profile, publicKey, issuer } = request;
  const { subject, subjectAltName: names } = identityNames(request.identity);
  const extensions: Extension[] = [];
  // RFC 5280 §4.2.1.9: critical in authorities; an end entity does without.
  if (profile.basicConstraints.cA)
    extensions.push(extension(basicConstraints, profile.basicConstraints, true));
  extensions.push(extension(keyUsage, keyUsageOf(profile, publicKey), true));
  if (profile.extendedKeyUsage.length > 0) {
    const purposes = profile.extendedKeyUsage.map((purpose) => keyPurposes[purpose]);
    extensions.push(extension(extendedKeyUsage, purposes, false));
  }
  extensions.push(extension(subjectKeyIdentifier, publicKey.keyIdentifier, false));
  if (issuer.kind === "authority") {
    const { keyIdentifier } = issuer.publicKey;
    extensions.push(extension(authorityKeyIdentifier, { keyIdentifier }, false));
  }
  // RFC 5280 §4.2.1.6: critical when it is the only name.
  if (names.length > 0) extensions.push(extension(subjectAltName, names, subject.length === 0));
  return extensions;
}

/** @throws AppError authority_unavailable (see `validityFor`). */
export function buildTemplate(request: TemplateRequest): TbsCertificateTemplate {
  const { subject } = identityNames(request.identity);
  return {
    serialNumber: request.serialNumber,
    signature: request.signature,
    issuer: request.issuer.kind === "self" ? subject : request.issuer.tbs.subject,
    validity: validityFor(request.profile, request.issuer, request.now),
    subject,
    subjectPublicKeyInfo: request.publicKey.der,
    extensions: extensionsOf(request),
  };
}
