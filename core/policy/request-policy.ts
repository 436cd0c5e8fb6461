/**
 * Room: core/policy. What a certification request may ask for. Nothing is copied from it, but a request that
 * asks for something else than it would get is refused: a silent difference would surprise its sender.
 */
import type { CertificationRequest } from "../formats/certification-request.ts";
import { canonicalGeneralName, type GeneralName } from "../formats/general-name.ts";
import { canonicalText } from "../formats/name.ts";
import { nameAttributeRow } from "../formats/name-attribute.ts";
import type { SubjectPublicKey } from "../formats/spki.ts";
import { keyPurposes } from "../formats/x509/extensions/index.ts";
import { signatureAlgorithms } from "../standard/algorithms.ts";
import type { Profile } from "../standard/profiles.ts";
import { allowed, type Decision, type Denial, deny } from "./decision.ts";
import { checkIdentity, identityNames, type SubjectIdentity } from "./identity.ts";

type Check = (csr: CertificationRequest, profile: Profile, identity: SubjectIdentity) => Denial | undefined;

/** The profile is for this kind of subject. */
export function checkProfileKind(profile: Profile, identity: SubjectIdentity): Denial | undefined {
  if (profile.subjectKind === identity.kind) return undefined;
  return deny(
    "profile_not_permitted",
    `profile "${profile.id}" is for subjects of kind ${profile.subjectKind}, not ${identity.kind}`,
  );
}

/** The key's algorithm and, for RSA, its size are the profile's. */
export function checkKeyAlgorithm(
  key: Pick<SubjectPublicKey, "algorithm" | "modulusBits">,
  profile: Profile,
): Denial | undefined {
  if (!profile.subjectAlgorithms.includes(key.algorithm.id)) {
    return deny(
      "algorithm_not_permitted",
      `${key.algorithm.id} keys are not for profile "${profile.id}"; use one of ${profile.subjectAlgorithms.join(", ")}`,
    );
  }
  const { minimum, maximum } = profile.rsaModulusBits;
  const bits = key.modulusBits;
  if (bits === undefined || (bits >= minimum && bits <= maximum)) return undefined;
  return deny(
    "algorithm_not_permitted",
    `RSA key of ${bits} bits; profile "${profile.id}" takes ${minimum} to ${maximum}`,
  );
}

/** SP 800-131A r2 §3: requests are signed with an algorithm of the standard. */
const checkSignatureAlgorithm: Check = ({ signatureAlgorithm }) =>
  signatureAlgorithm.id in signatureAlgorithms
    ? undefined
    : deny("algorithm_not_permitted", `requests may not be signed with ${signatureAlgorithm.id}`);

const attributeName = (type: string): string => nameAttributeRow(type)?.name ?? type;

/** True when canonical forms are equal; a value that has none is equal to nothing. */
function sameText(left: string, right: string): boolean {
  return canonicalText(left) === canonicalText(right);
}

function subjectMismatch(what: string, expected: string | undefined): Denial {
  const remedy =
    expected === undefined ? "leave the subject empty" : `leave the subject empty or ask for CN=${expected}`;
  return deny(
    "csr_subject_mismatch",
    `CSR subject ${what}; the name comes from the verified identity: ${remedy}`,
  );
}

const checkSubject: Check = (csr, _profile, identity) => {
  const expected = identityNames(identity).subject[0]?.[0]?.value;
  const attributes = csr.subject.flat();
  const foreign = attributes.find(({ type }) => attributeName(type) !== "commonName");
  if (foreign !== undefined) return subjectMismatch(`carries ${attributeName(foreign.type)}`, expected);
  if (attributes.length > 1) return subjectMismatch("carries more than one commonName", expected);
  const [commonName] = attributes;
  if (commonName === undefined) return undefined;
  // RFC 5280 §7.1: compared in canonical form; the certificate gets the identity's own spelling.
  const same = expected !== undefined && sameText(commonName.value, expected);
  return same ? undefined : subjectMismatch("is not the identity's", expected);
};

/** Names as people read them; only names of the identity, which are opaque, come here. */
const nameText = (name: GeneralName): string => (typeof name.value === "string" ? name.value : name.kind);

const checkSubjectAltName: Check = (csr, _profile, identity) => {
  const permitted = identityNames(identity).subjectAltName;
  const canonical = new Set(permitted.map(canonicalGeneralName));
  const requested = csr.requested.subjectAltName;
  const index = requested.findIndex((name) => !canonical.has(canonicalGeneralName(name)));
  const foreign = requested[index];
  if (foreign === undefined) return undefined;
  const remedy = permitted.length === 0 ? "none" : `none, or any of ${permitted.map(nameText).join(", ")}`;
  // The value is not repeated: an e-mail address or another personal datum may stand there.
  return deny(
    "csr_san_not_permitted",
    `requested subjectAltName ${index + 1} of ${requested.length} (${foreign.kind}) is not a name of the verified identity; ask for ${remedy}`,
  );
};

const checkBasicConstraints: Check = (csr, profile) => {
  const requested = csr.requested.basicConstraints;
  if (requested === undefined) return undefined;
  const own = profile.basicConstraints;
  if (requested.cA && !own.cA) {
    return deny(
      "csr_ca_requested",
      `CSR asks for CA:TRUE; profile "${profile.id}" makes no authorities: leave basicConstraints out`,
    );
  }
  if (requested.pathLenConstraint === undefined) return undefined;
  const maximum = own.pathLenConstraint ?? Number.POSITIVE_INFINITY;
  // RFC 5280 §4.2.1.9: meaningful only with cA.
  if (requested.cA && requested.pathLenConstraint <= maximum) return undefined;
  return deny(
    "csr_ca_requested",
    `CSR asks for a path length that profile "${profile.id}" does not give; leave it out`,
  );
};

const checkKeyUsage: Check = (csr, profile) => {
  const requested = csr.requested.keyUsage;
  if (requested === undefined) return undefined;
  // RFC 8813 §3: keyEncipherment stays with RSA keys.
  const isRsa = csr.publicKey.algorithm.keyType === "rsa";
  const own: readonly string[] = isRsa ? [...profile.keyUsage, ...profile.rsaKeyUsage] : profile.keyUsage;
  const foreign = [...requested].find((usage) => !own.includes(usage));
  if (foreign === undefined) return undefined;
  return deny(
    "csr_key_usage_not_permitted",
    `key usage ${foreign} is not given to ${csr.publicKey.algorithm.id} keys by profile "${profile.id}"; ask for ${own.join(", ")} or leave keyUsage out`,
  );
};

const checkExtendedKeyUsage: Check = (csr, profile) => {
  const own = profile.extendedKeyUsage.map((purpose) => keyPurposes[purpose]);
  const foreign = csr.requested.extendedKeyUsage?.find((oid) => !own.some((each) => each === oid));
  if (foreign === undefined) return undefined;
  const remedy = own.length === 0 ? "" : `ask for ${profile.extendedKeyUsage.join(", ")} or `;
  return deny(
    "csr_extended_key_usage_not_permitted",
    `key purpose ${foreign} is not given by profile "${profile.id}"; ${remedy}leave extendedKeyUsage out`,
  );
};

const checkOtherExtensions: Check = (csr) => {
  const [foreign] = csr.requested.others;
  if (foreign === undefined) return undefined;
  return deny(
    "csr_extension_not_permitted",
    `extension ${foreign} cannot be requested; leave it out of the CSR`,
  );
};

const checks: readonly Check[] = [
  (_csr, profile, identity) => checkProfileKind(profile, identity),
  (csr, profile) => checkKeyAlgorithm(csr.publicKey, profile),
  checkSignatureAlgorithm,
  checkSubject,
  checkBasicConstraints,
  checkKeyUsage,
  checkExtendedKeyUsage,
  checkSubjectAltName,
  checkOtherExtensions,
];

/**
 * Whether `csr` asks for nothing but what `profile` gives to `identity`. Requests may ask for less.
 * @throws AppError name_not_permitted when a requested name holds a character that no name may hold.
 */
export function decideRequest(
  csr: CertificationRequest,
  profile: Profile,
  identity: SubjectIdentity,
): Decision {
  const verified = checkIdentity(identity);
  if (!verified.allow) return verified;
  for (const check of checks) {
    const denial = check(csr, profile, identity);
    if (denial !== undefined) return denial;
  }
  return allowed;
}
