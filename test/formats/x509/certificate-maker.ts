/** Certificates for tests, signed by node:crypto keys of any authority algorithm. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  type AuthorityAlgorithmId,
  authorityAlgorithms,
  signatureAlgorithms,
} from "../../../core/formats/algorithms.ts";
import { name } from "../../../core/formats/name.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../../core/formats/spki.ts";
import { encodeCertificate } from "../../../core/formats/x509/certificate.ts";
import { type Extension, extension } from "../../../core/formats/x509/extension.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "../../../core/formats/x509/extensions/index.ts";
import {
  encodeTbsCertificate,
  type TbsCertificateTemplate,
} from "../../../core/formats/x509/tbs-certificate.ts";

export interface Authority {
  readonly id: AuthorityAlgorithmId;
  readonly privateKey: KeyObject;
  readonly publicKey: SubjectPublicKey;
}

const generators = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "RSA-3072": () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  "RSA-4096": () => generateKeyPairSync("rsa", { modulusLength: 4096 }),
  Ed25519: () => generateKeyPairSync("ed25519"),
  "ML-DSA-65": () => generateKeyPairSync("ml-dsa-65"),
  "ML-DSA-87": () => generateKeyPairSync("ml-dsa-87"),
} satisfies Record<AuthorityAlgorithmId, () => { publicKey: KeyObject; privateKey: KeyObject }>;

export const authorityIds = Object.keys(authorityAlgorithms) as readonly AuthorityAlgorithmId[];

export function makeAuthority(id: AuthorityAlgorithmId): Authority {
  const { publicKey, privateKey } = generators[id]();
  const spki = publicKey.export({ type: "spki", format: "der" });
  return { id, privateKey, publicKey: decodeSubjectPublicKey(spki) };
}

export const validity = { notBefore: Date.UTC(2025, 0, 1), notAfter: Date.UTC(2055, 0, 1) };
const rootName = name([
  ["organizationName", "Acme, Pümps"],
  ["commonName", "root 1"],
]);
const deviceUri = "spiffe://fleet.example/fleet/default/device/pump-7";

export function rootExtensions(authority: Authority): readonly Extension[] {
  return [
    extension(basicConstraints, { cA: true }, true),
    extension(keyUsage, new Set(["keyCertSign", "cRLSign"] as const), true),
    extension(subjectKeyIdentifier, authority.publicKey.keyIdentifier, false),
  ];
}

export function deviceExtensions(authority: Authority, subject: SubjectPublicKey): readonly Extension[] {
  return [
    extension(basicConstraints, { cA: false }, true),
    extension(keyUsage, new Set(["digitalSignature"] as const), true),
    extension(extendedKeyUsage, [keyPurposes.clientAuth, keyPurposes.serverAuth], false),
    extension(subjectAltName, [{ kind: "uniformResourceIdentifier", value: deviceUri }], false),
    extension(subjectKeyIdentifier, subject.keyIdentifier, false),
    extension(authorityKeyIdentifier, { keyIdentifier: authority.publicKey.keyIdentifier }, false),
  ];
}

export function deviceTemplate(authority: Authority, subject: SubjectPublicKey): TbsCertificateTemplate {
  return {
    serialNumber: Buffer.from("f00102030405060708090a0b0c0d0e0f", "hex"),
    signature: authorityAlgorithms[authority.id].signature,
    issuer: rootName,
    validity,
    subject: name([["commonName", "pump-7"]]),
    subjectPublicKeyInfo: subject.der,
    extensions: deviceExtensions(authority, subject),
  };
}

export function rootTemplate(authority: Authority): TbsCertificateTemplate {
  return {
    ...deviceTemplate(authority, authority.publicKey),
    serialNumber: Buffer.of(1),
    subject: rootName,
    extensions: rootExtensions(authority),
  };
}

/** Signs the template with the authority's key, whatever the template says of itself. */
export function signCertificate(authority: Authority, template: TbsCertificateTemplate): Buffer {
  const tbs = encodeTbsCertificate(template);
  const { signature } = authorityAlgorithms[authority.id];
  return encodeCertificate(tbs, signature, sign(signature.digest, tbs, authority.privateKey));
}

/** The row of another signature algorithm that the same kind of key could use. */
export const otherSignature = signatureAlgorithms["ecdsa-with-SHA512"];
