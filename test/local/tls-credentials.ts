/** Self-signed certificates for tests of the transport. What they are worth, core decides. */
import { generateKeyPairSync, sign } from "node:crypto";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { name } from "../../core/formats/name.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { encodeCertificate } from "../../core/formats/x509/certificate.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import { basicConstraints, subjectAltName } from "../../core/formats/x509/extensions/index.ts";
import { encodeTbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";

export interface Credential {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

const signature = signatureAlgorithms["ecdsa-with-SHA256"];
const day = 86_400_000;

let serial = 0x10_00;

/** A new key, and a certificate that it signs for itself: for `subject`, localhost and 127.0.0.1. */
export function selfSigned(...subject: Parameters<typeof name>[0]): Credential {
  return selfSignedWith([], ...subject);
}

/** The same with as many more extensions, of some sixty octets each, as nobody knows. */
export function selfSignedWithExtensions(count: number): Credential {
  const arc = (index: number): string => `1.3.6.1.4.1.99999.${index}`;
  const value = Buffer.concat([Buffer.of(0x04, 40), Buffer.alloc(40)]);
  const unknown = Array.from({ length: count }, (_, at) => ({ oid: arc(at + 1), critical: false, value }));
  return selfSignedWith(unknown, ["commonName", "large"]);
}

function selfSignedWith(more: readonly Extension[], ...subject: Parameters<typeof name>[0]): Credential {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const today = Math.floor(Date.now() / day) * day;
  serial += 1;
  const tbs = encodeTbsCertificate({
    serialNumber: Buffer.of(serial >> 8, serial & 0xff),
    signature,
    issuer: name(subject),
    validity: { notBefore: today - day, notAfter: today + 2 * day },
    subject: name(subject),
    subjectPublicKeyInfo: publicKey.export({ type: "spki", format: "der" }),
    extensions: [
      extension(basicConstraints, { cA: true }, true),
      extension(
        subjectAltName,
        [
          { kind: "dNSName", value: "localhost" },
          { kind: "iPAddress", value: "127.0.0.1" },
        ],
        false,
      ),
      ...more,
    ],
  });
  const der = encodeCertificate(tbs, signature, sign(signature.digest, tbs, privateKey));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: encodePem("CERTIFICATE", der),
  };
}
