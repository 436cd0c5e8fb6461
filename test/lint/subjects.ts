/** Certificates of every profile as issuance builds them, and ways to spoil them one field at a time. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { buildTemplate, type TemplateIssuer } from "../../core/enrollment/template.ts";
import {
  type AuthorityAlgorithm,
  authorityAlgorithms,
  type SignatureAlgorithm,
} from "../../core/formats/algorithms.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../core/formats/spki.ts";
import type { ExtensionType } from "../../core/formats/x509/extension.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  type TbsCertificate,
} from "../../core/formats/x509/tbs-certificate.ts";
import type { LintContext } from "../../core/lint/rule.ts";
import type { SubjectIdentity } from "../../core/policy/identity.ts";
import { type ProfileId, profiles } from "../../core/standard/index.ts";

export const now = Date.UTC(2026, 5, 1, 12, 0, 0);

export type TestKey = "P-256" | "P-384" | "Ed25519" | "RSA-2048" | "RSA-3072" | "ML-DSA-44" | "ML-DSA-65";

function generate(kind: TestKey): KeyObject {
  switch (kind) {
    case "P-256":
    case "P-384":
      return generateKeyPairSync("ec", { namedCurve: kind }).publicKey;
    case "Ed25519":
      return generateKeyPairSync("ed25519").publicKey;
    case "RSA-2048":
    case "RSA-3072":
      return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) }).publicKey;
    case "ML-DSA-44":
      return generateKeyPairSync("ml-dsa-44").publicKey;
    case "ML-DSA-65":
      return generateKeyPairSync("ml-dsa-65").publicKey;
  }
}

/** A fresh public key. */
export function publicKey(kind: TestKey): SubjectPublicKey {
  return decodeSubjectPublicKey(generate(kind).export({ format: "der", type: "spki" }));
}

export const identities: Readonly<Record<ProfileId, SubjectIdentity>> = {
  root: { kind: "authority", fleet: "clinic", authorityId: "root-1" },
  issuing: { kind: "authority", fleet: "clinic", authorityId: "issuing-1" },
  cross: { kind: "authority", fleet: "clinic", authorityId: "root-2" },
  device: { kind: "device", fleet: "clinic", trustDomain: "fleet.example", deviceId: "pump-7" },
  server: { kind: "server", fleet: "clinic", dnsNames: ["api.fleet.example"], ipAddresses: ["192.0.2.1"] },
  operator: { kind: "operator", fleet: "clinic", trustDomain: "fleet.example", operatorId: "op-3f9a" },
  claim: { kind: "claim", fleet: "clinic", trustDomain: "fleet.example", claimId: "batch-7" },
  backend: { kind: "backend", fleet: "clinic", trustDomain: "fleet.example", backendId: "observations" },
  quarantine: { kind: "device", fleet: "clinic", trustDomain: "fleet.example", deviceId: "pump-7" },
  ocspResponder: { kind: "service", fleet: "clinic", serviceId: "ocsp-1" },
  trustSigner: { kind: "service", fleet: "clinic", serviceId: "trust-1" },
};

/** A serial number as issuance draws them, but the same each time. */
const serialNumber = Uint8Array.from({ length: 16 }, (_, i) => 0x40 + i);

/** A TBS and what it is judged by. */
export interface Subject {
  readonly tbs: TbsCertificate;
  readonly context: LintContext;
  readonly publicKey: SubjectPublicKey;
}

function signatureFor({ algorithm, modulusBits }: SubjectPublicKey): SignatureAlgorithm {
  const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);
  const row = rows.find((each) => each.key.id === algorithm.id && each.modulusBits === modulusBits);
  if (row === undefined) throw new Error(`${algorithm.id} is no authority's`);
  return row.signature;
}

function build(
  profile: ProfileId,
  key: SubjectPublicKey,
  issuer: TemplateIssuer,
  at: number,
): TbsCertificate {
  return decodeTbsCertificate(
    encodeTbsCertificate(
      buildTemplate({
        profile: profiles[profile],
        identity: identities[profile],
        publicKey: key,
        issuer,
        signature: signatureFor(issuer.kind === "self" ? key : issuer.publicKey),
        serialNumber,
        now: at,
      }),
    ),
  );
}

const rootKey = publicKey("P-384");
const issuingKey = publicKey("P-256");
const rootTbs = build("root", rootKey, { kind: "self" }, now);
const rootIssuer = { kind: "authority", tbs: rootTbs, publicKey: rootKey } as const;
const issuingTbs = build("issuing", issuingKey, rootIssuer, now);
const issuingIssuer = { kind: "authority", tbs: issuingTbs, publicKey: issuingKey } as const;
const crossKey = publicKey("P-256");
const crossTbs = build("cross", crossKey, rootIssuer, now);
const endEntityKeys = new Map<TestKey, SubjectPublicKey>();

/** What issuance would sign for `profile`; for end entities with the key of that kind. */
export function subject(profile: ProfileId, kind: TestKey = "P-256"): Subject {
  const { [profile]: own } = profiles;
  if (profile === "root")
    return { tbs: rootTbs, context: { profile: own, issuer: "self" }, publicKey: rootKey };
  if (profile === "issuing") {
    return { tbs: issuingTbs, context: { profile: own, issuer: rootTbs }, publicKey: issuingKey };
  }
  if (profile === "cross") {
    return { tbs: crossTbs, context: { profile: own, issuer: rootTbs }, publicKey: crossKey };
  }
  const key = endEntityKeys.get(kind) ?? publicKey(kind);
  endEntityKeys.set(kind, key);
  const tbs = build(profile, key, issuingIssuer, now);
  return { tbs, context: { profile: own, issuer: issuingTbs }, publicKey: key };
}

/** With some fields of the decoded TBS replaced; its octets stay, since rules read the fields. */
export function withFields(base: Subject, fields: Partial<TbsCertificate>): Subject {
  return { ...base, tbs: { ...base.tbs, ...fields } };
}

/** Without the extension of `type`. */
export function without(base: Subject, type: { readonly oid: string }): Subject {
  return withFields(base, { extensions: base.tbs.extensions.filter(({ oid }) => oid !== type.oid) });
}

/** With the extension of `type` set to `value`, in the place of any that stood there. */
export function withExtension<Value>(
  base: Subject,
  type: ExtensionType<Value>,
  value: Value,
  critical = false,
): Subject {
  const { extensions } = without(base, type).tbs;
  return withFields(base, {
    extensions: [...extensions, { oid: type.oid, critical, value: type.encode(value) }],
  });
}

/** With the criticality of the extension of `type` turned round. */
export function flipped(base: Subject, type: { readonly oid: string }): Subject {
  const extensions = base.tbs.extensions.map((each) =>
    each.oid === type.oid ? { ...each, critical: !each.critical } : each,
  );
  return withFields(base, { extensions });
}

/** Issued by a certificate with some fields replaced. */
export function withIssuer(base: Subject, change: (issuer: TbsCertificate) => TbsCertificate): Subject {
  const { issuer } = base.context;
  if (issuer === "self") throw new Error("a root has no issuer");
  return { ...base, context: { ...base.context, issuer: change(issuer) } };
}
