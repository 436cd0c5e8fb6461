/** A certificate authority in a few lines: one root that signs whatever it is asked to. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { commonNames, type Name, name } from "../../core/formats/name.ts";
import { decodePem, encodePem } from "../../core/formats/pem.ts";
import { encodeCertificate } from "../../core/formats/x509/certificate.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  subjectAltName,
} from "../../core/formats/x509/extensions/index.ts";
import { encodeTbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";

const signature = signatureAlgorithms["ecdsa-with-SHA256"];
const day = 86_400_000;

export interface FakeAuthority {
  /** PEM. */
  readonly root: string;
  /** For the CSR's key; for its own name unless another is given. */
  issue(csr: string, commonName?: string): Promise<{ serialNumber: string; certificate: string }>;
  /** DER, for a key of any purpose. */
  certify(commonName: string, key: KeyObject, extensions: readonly Extension[]): Buffer;
  /** Of the root's own key over `octets`, DER. */
  sign(octets: Uint8Array): Buffer;
  issueServer(address: string): { certificate: string; privateKey: string };
}

const makeKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: "spki", format: "der" });

export function makeFakeAuthority(): FakeAuthority {
  const { privateKey } = makeKeys();
  const issuer = name([["commonName", "fake root"]]);
  const now = Math.floor(Date.now() / 1000) * 1000;
  let serial = 0;

  const certify = (subject: Name, subjectPublicKeyInfo: Uint8Array, extensions: readonly Extension[]) => {
    serial += 1;
    const serialNumber = Buffer.from([0x10, serial >> 8, serial & 0xff]);
    const tbs = encodeTbsCertificate({
      serialNumber,
      signature,
      issuer,
      validity: { notBefore: now - day, notAfter: now + 90 * day },
      subject,
      subjectPublicKeyInfo,
      extensions,
    });
    const der = encodeCertificate(tbs, signature, sign(signature.digest, tbs, privateKey));
    return { serialNumber: serialNumber.toString("hex"), certificate: encodePem("CERTIFICATE", der) };
  };

  // As every certificate of the service has it: the name of its renewal (RFC 9773 §4.1) is made of it.
  const issuedBy = extension(authorityKeyIdentifier, { keyIdentifier: Buffer.from("fake root") }, false);
  const authorityExtensions = [extension(basicConstraints, { cA: true }, true)];
  const root = certify(issuer, spkiOf(privateKey), authorityExtensions).certificate;
  return {
    root,
    certify(commonName, key, extensions) {
      const { certificate } = certify(name([["commonName", commonName]]), spkiOf(key), extensions);
      const [der = Buffer.alloc(0)] = decodePem(certificate, "CERTIFICATE");
      return der;
    },
    sign: (octets) => sign(signature.digest, octets, privateKey),
    async issue(csr, commonName) {
      const [der = Buffer.alloc(0)] = decodePem(csr, "CERTIFICATE REQUEST");
      const { subject, publicKey } = await verifyCsr(der);
      const [own = "nobody"] = commonNames(subject);
      return certify(name([["commonName", commonName ?? own]]), publicKey.der, [issuedBy]);
    },
    issueServer(address) {
      const keys = makeKeys();
      const names = extension(subjectAltName, [{ kind: "iPAddress", value: address }], false);
      return {
        certificate: certify(name([["commonName", address]]), spkiOf(keys.privateKey), [names]).certificate,
        privateKey: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}
