/**
 * Room: core/enrollment. The TBS of a profile: names and extensions rebuilt from the verified identity and
 * the profile, never copied from the request.
 */
import { AppError } from "../errors.ts";
import type { SignatureAlgorithm } from "../formats/algorithms.ts";
import type { SubjectPublicKey } from "../formats/spki.ts";
import { constantExtension, type Extension, extension } from "../formats/x509/extension.ts";
import {
  accessMethods,
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from "../formats/x509/extensions/index.ts";
import type { TbsCertificate, TbsCertificateTemplate, Validity } from "../formats/x509/tbs-certificate.ts";
import { identityNames, type SubjectIdentity } from "../policy/identity.ts";
import type { StatusPointers } from "../revocation/status-places.ts";
import { type Profile, profiles } from "../standard/profiles.ts";

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
  /** Days of validity, both ends included. @default the profile's */
  readonly days?: number;
  /** Where the status of a certificate that ends at `notAfter` is found. @default nowhere is said */
  readonly statusOf?: (notAfter: number) => StatusPointers;
}

/**
 * A validity of `days` from `now`, back-dated for slow clocks and clamped to the issuer's.
 * RFC 5280 §4.1.2.5: both ends are inclusive, so the last second is taken off.
 * @throws AppError authority_unavailable when nothing is left of the issuer's own validity.
 */
export function validityFor(
  profile: Profile,
  issuer: TemplateIssuer,
  now: number,
  days: number = profile.defaultDays,
): Validity {
  const start = Math.floor(now / 1000) * 1000 - profile.backdateSeconds * 1000;
  const end = start + days * day - 1000;
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

/** What a profile gives every certificate, whoever its subject is. */
function profileExtensions(profile: Profile, isRsa: boolean): readonly Extension[] {
  const extensions: Extension[] = [];
  // RFC 5280 §4.2.1.9: critical in authorities; an end entity does without.
  if (profile.basicConstraints.cA)
    extensions.push(constantExtension(basicConstraints, profile.basicConstraints, true));
  // RFC 8813 §3: keyEncipherment is for RSA keys only.
  const usage = new Set(isRsa ? [...profile.keyUsage, ...profile.rsaKeyUsage] : profile.keyUsage);
  extensions.push(constantExtension(keyUsage, usage, true));
  if (profile.extendedKeyUsage.length > 0) {
    const purposes = profile.extendedKeyUsage.map((purpose) => keyPurposes[purpose]);
    extensions.push(constantExtension(extendedKeyUsage, purposes, false));
  }
  if (profile.ocspNoCheck === true) extensions.push(constantExtension(ocspNoCheck, true, false));
  return extensions;
}

const constants: ReadonlyMap<
  Profile,
  { readonly rsa: readonly Extension[]; readonly other: readonly Extension[] }
> = new Map(
  Object.values(profiles).map((profile) => [
    profile,
    { rsa: profileExtensions(profile, true), other: profileExtensions(profile, false) },
  ]),
);

function constantsOf(profile: Profile, publicKey: SubjectPublicKey): readonly Extension[] {
  const isRsa = publicKey.algorithm.keyType === "rsa";
  const own = constants.get(profile);
  if (own === undefined) return profileExtensions(profile, isRsa);
  return isRsa ? own.rsa : own.other;
}

const uri = (value: string) => ({ kind: "uniformResourceIdentifier", value }) as const;

function statusExtensions({ crl, ocsp }: StatusPointers): readonly Extension[] {
  const accessMethod = accessMethods.ocsp;
  return [
    extension(crlDistributionPoints, [{ fullName: [uri(crl)] }], false),
    extension(authorityInfoAccess, [{ accessMethod, accessLocation: uri(ocsp) }], false),
  ];
}

function extensionsOf(request: TemplateRequest, notAfter: number): readonly Extension[] {
  const { profile, publicKey, issuer } = request;
  const { subject, subjectAltName: names } = identityNames(request.identity);
  const extensions = [
    ...constantsOf(profile, publicKey),
    extension(subjectKeyIdentifier, publicKey.keyIdentifier, false),
  ];
  if (issuer.kind === "authority") {
    const { keyIdentifier } = issuer.publicKey;
    extensions.push(extension(authorityKeyIdentifier, { keyIdentifier }, false));
  }
  // RFC 5280 §4.2.1.6: critical when it is the only name.
  if (names.length > 0) extensions.push(extension(subjectAltName, names, subject.length === 0));
  if (profile.statusPointers && request.statusOf !== undefined)
    extensions.push(...statusExtensions(request.statusOf(notAfter)));
  return extensions;
}

/** @throws AppError authority_unavailable (see `validityFor`). */
export function buildTemplate(request: TemplateRequest): TbsCertificateTemplate {
  const { subject } = identityNames(request.identity);
  const validity = validityFor(request.profile, request.issuer, request.now, request.days);
  return {
    serialNumber: request.serialNumber,
    signature: request.signature,
    issuer: request.issuer.kind === "self" ? subject : request.issuer.tbs.subjectRaw,
    validity,
    subject,
    subjectPublicKeyInfo: request.publicKey.der,
    extensions: extensionsOf(request, validity.notAfter),
  };
}
