/**
 * Room: core/policy. The last word before a signature: the final TBS, read back from its own bytes, names the
 * verified identity and nobody else, and carries exactly what its profile gives.
 */
import { isAppError } from "../errors.ts";
import type { GeneralName } from "../formats/general-name.ts";
import { keyKindOf } from "../formats/key-kind.ts";
import { encodeName } from "../formats/name.ts";
import { decodedExtension } from "../formats/x509/extension.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  extensionTypes,
  keyPurposes,
  keyUsage,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from "../formats/x509/extensions/index.ts";
import type { TbsCertificate } from "../formats/x509/tbs-certificate.ts";
import type { Profile } from "../standard/profiles.ts";
import { allowed, type Decision, type Denial, deny } from "./decision.ts";
import { checkIdentity, type IdentityNames, identityNames, type SubjectIdentity } from "./identity.ts";
import { checkKeyAlgorithm, checkProfileKind } from "./request-policy.ts";

interface Subject {
  readonly tbs: TbsCertificate;
  readonly profile: Profile;
  readonly names: IdentityNames;
  readonly issuer: { readonly notAfter: number } | "self";
}

type Check = (subject: Subject) => Denial | undefined;

/** Pointers to keys and services, which name no subject. Everything else comes from the profile or the identity. */
const neutral: ReadonlySet<string> = new Set(
  [subjectKeyIdentifier, authorityKeyIdentifier, crlDistributionPoints, authorityInfoAccess].map(
    ({ oid }) => oid,
  ),
);

function notTheProfiles(profile: Profile, what: string): Denial {
  return deny(
    "profile_not_permitted",
    `certificate's ${what} is not exactly what profile "${profile.id}" gives`,
  );
}

const checkKey: Check = ({ tbs, profile }) => {
  const kind = keyKindOf(tbs.subjectPublicKeyInfo);
  return kind === undefined
    ? deny("algorithm_not_permitted", "certificate's subject key is of no known algorithm")
    : checkKeyAlgorithm(kind, profile);
};

const checkSubjectName: Check = ({ tbs, names }) =>
  // Octet by octet: another spelling, even one that compares equal, was not made here.
  Buffer.compare(encodeName(names.subject), tbs.subjectRaw) === 0
    ? undefined
    : deny("name_not_permitted", "certificate's subject does not trace to the verified identity");

const sameName = (left: GeneralName, right: GeneralName): boolean =>
  left.kind === right.kind && left.value === right.value;

const checkAltNames: Check = ({ tbs, names }) => {
  const actual = decodedExtension(tbs, subjectAltName) ?? [];
  const foreign = actual.findIndex((each) => !names.subjectAltName.some((own) => sameName(own, each)));
  if (foreign >= 0) {
    return deny(
      "name_not_permitted",
      `certificate's subjectAltName ${foreign + 1} of ${actual.length} (${actual[foreign]?.kind}) does not trace to the verified identity`,
    );
  }
  const missing = names.subjectAltName.some((own) => !actual.some((each) => sameName(own, each)));
  if (!missing && actual.length === names.subjectAltName.length) return undefined;
  return deny(
    "name_not_permitted",
    "certificate's subjectAltName does not list each name of the identity once",
  );
};

const checkBasicConstraints: Check = ({ tbs, profile }) => {
  const own = profile.basicConstraints;
  // RFC 5280 §4.2.1.9: absent means no authority.
  const actual = decodedExtension(tbs, basicConstraints) ?? { cA: false };
  const same = actual.cA === own.cA && actual.pathLenConstraint === own.pathLenConstraint;
  return same ? undefined : notTheProfiles(profile, basicConstraints.name);
};

function sameSet(actual: Iterable<string>, own: readonly string[]): boolean {
  const left = new Set(actual);
  return left.size === own.length && own.every((each) => left.has(each));
}

const checkKeyUsage: Check = ({ tbs, profile }) => {
  const isRsa = keyKindOf(tbs.subjectPublicKeyInfo)?.algorithm.keyType === "rsa";
  const own = isRsa ? [...profile.keyUsage, ...profile.rsaKeyUsage] : profile.keyUsage;
  return sameSet(decodedExtension(tbs, keyUsage) ?? [], own)
    ? undefined
    : notTheProfiles(profile, keyUsage.name);
};

const checkExtendedKeyUsage: Check = ({ tbs, profile }) => {
  const own = profile.extendedKeyUsage.map((purpose) => keyPurposes[purpose]);
  return sameSet(decodedExtension(tbs, extendedKeyUsage) ?? [], own)
    ? undefined
    : notTheProfiles(profile, extendedKeyUsage.name);
};

const checkNoCheck: Check = ({ tbs, profile }) => {
  const carried = decodedExtension(tbs, ocspNoCheck) !== undefined;
  return carried === (profile.ocspNoCheck === true) ? undefined : notTheProfiles(profile, ocspNoCheck.name);
};

const judged: ReadonlySet<string> = new Set(
  [subjectAltName, basicConstraints, keyUsage, extendedKeyUsage, ocspNoCheck].map(({ oid }) => oid),
);

const checkExtensionSet: Check = ({ tbs, profile }) => {
  const seen = new Set<string>();
  for (const { oid } of tbs.extensions) {
    const label = extensionTypes.get(oid)?.name ?? oid;
    if (!judged.has(oid) && !neutral.has(oid)) return notTheProfiles(profile, `extension ${label}`);
    // A second one would hide behind the first, which is the one judged above.
    if (seen.has(oid)) return deny("profile_not_permitted", `certificate carries extension ${label} twice`);
    seen.add(oid);
  }
  return undefined;
};

const day = 86_400_000;

const checkValidity: Check = ({ tbs, profile, issuer }) => {
  const { notBefore, notAfter } = tbs.validity;
  // RFC 5280 §4.1.2.5: both ends belong to the period, so the last second counts.
  const duration = notAfter - notBefore + 1000;
  if (duration <= 0) return deny("validity_not_permitted", "notAfter is before notBefore");
  if (duration > profile.maximumDays * day) {
    const days = Math.ceil((duration / day) * 100) / 100;
    return deny(
      "validity_not_permitted",
      `validity ${days} d exceeds profile "${profile.id}" maximum ${profile.maximumDays} d; ask for a shorter notAfter`,
    );
  }
  // No certificate outlives its issuer: nobody could revoke it.
  if (issuer === "self" || notAfter <= issuer.notAfter) return undefined;
  return deny(
    "validity_not_permitted",
    "notAfter is after the issuer's own; ask for a shorter one or rotate the issuer",
  );
};

const checks: readonly Check[] = [
  // First, so that the checks that look for one extension of a type may take the first.
  checkExtensionSet,
  checkKey,
  checkSubjectName,
  checkAltNames,
  checkBasicConstraints,
  checkKeyUsage,
  checkExtendedKeyUsage,
  checkNoCheck,
  checkValidity,
];

function decide(subject: Subject): Decision {
  for (const check of checks) {
    const denial = check(subject);
    if (denial !== undefined) return denial;
  }
  return allowed;
}

/**
 * Whether `tbs` may be signed for `identity` under `profile`. `issuer` is "self" for a root.
 * `issuer.notAfter` in milliseconds since the epoch, inclusive.
 */
export function decideCertificate(
  tbs: TbsCertificate,
  profile: Profile,
  identity: SubjectIdentity,
  issuer: { readonly notAfter: number } | "self",
): Decision {
  const verified = checkIdentity(identity);
  if (!verified.allow) return verified;
  const wrongKind = checkProfileKind(profile, identity);
  if (wrongKind !== undefined) return wrongKind;
  try {
    return decide({ tbs, profile, names: identityNames(identity), issuer });
  } catch (error) {
    // What does not decode cannot be judged, so it is not allowed.
    if (isAppError(error))
      return deny("profile_not_permitted", `certificate does not decode: ${error.message}`);
    throw error;
  }
}
