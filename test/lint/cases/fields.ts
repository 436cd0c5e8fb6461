/** Rules about the fields of the TBS: for each, spoiled certificates that it alone finds, and odd ones that pass. */
import { signatureAlgorithms } from "../../../core/formats/algorithms.ts";
import { encodeBitString, encodeOidElement, encodeSequence } from "../../../core/formats/der/writer.ts";
import * as x from "../../../core/formats/x509/extensions/index.ts";
import {
  type Cases,
  day,
  device,
  is,
  issuerWithout,
  lasting,
  rekeyed,
  serial,
  server,
  validity,
  withKey,
} from "../spoiled.ts";
import { subject, withFields, withIssuer } from "../subjects.ts";

export const fieldsCases: Cases = {
  "version-3": { bad: [is("version 1", () => withFields(device(), { version: 1 }))] },
  "serial-number-positive": {
    bad: [is("negative", () => serial(0x80, ...new Array<number>(15).fill(1))), is("zero", () => serial(0))],
  },
  "serial-number-length": {
    bad: [is("21 octets", () => serial(...new Array<number>(21).fill(0x40)))],
    good: [is("20 octets", () => serial(...new Array<number>(20).fill(0x40)))],
  },
  "serial-number-entropy": {
    bad: [is("one", () => serial(1)), is("63 bits", () => serial(0x7f, ...new Array<number>(7).fill(0xff)))],
    good: [is("64 bits with a sign octet", () => serial(0, 0x80, ...new Array<number>(7).fill(0)))],
  },
  "signature-algorithm-known": {
    bad: [
      is("SHA-1", () =>
        withFields(device(), { signature: encodeSequence(encodeOidElement("1.2.840.10045.4.1")) }),
      ),
      is("RFC 5758 §3.2: ECDSA with NULL parameters", () =>
        withFields(device(), {
          signature: encodeSequence(encodeOidElement("1.2.840.10045.4.3.2"), Uint8Array.of(5, 0)),
        }),
      ),
    ],
  },
  "signature-algorithm-issuer-key": {
    bad: [
      is("SHA-384 under a P-256 issuer", () =>
        withFields(device(), { signature: signatureAlgorithms["ecdsa-with-SHA384"].identifier }),
      ),
      is("an issuer with an RSA key of 2048 bits", () =>
        withIssuer(
          withFields(device(), { signature: signatureAlgorithms.sha256WithRSAEncryption.identifier }),
          (issuer) => ({
            ...issuer,
            subjectPublicKeyInfo: subject("device", "RSA-2048").publicKey.der,
          }),
        ),
      ),
      is("RSA signature under an EC issuer", () =>
        withFields(device(), { signature: signatureAlgorithms.sha256WithRSAEncryption.identifier }),
      ),
      is("a root of another kind than its own key", () =>
        withFields(subject("root"), { signature: signatureAlgorithms.Ed25519.identifier }),
      ),
    ],
  },
  "issuer-not-empty": {
    bad: [
      is("empty in both", () =>
        withIssuer(withFields(device(), { issuer: [], issuerRaw: encodeSequence() }), (issuer) => ({
          ...issuer,
          subjectRaw: encodeSequence(),
        })),
      ),
    ],
  },
  "issuer-name-chain": {
    bad: [
      is("another name", () => withFields(device(), { issuerRaw: device().tbs.subjectRaw })),
      is("a root that names another", () =>
        withFields(subject("root"), { issuerRaw: device().tbs.subjectRaw }),
      ),
    ],
  },
  "issuer-is-ca": {
    bad: [
      is("without basicConstraints", () => issuerWithout(device(), x.basicConstraints)),
      is("without keyUsage", () => issuerWithout(device(), x.keyUsage)),
    ],
  },
  "ca-subject-not-empty": { bad: [is("empty", () => withFields(subject("issuing"), { subject: [] }))] },
  "validity-order": {
    bad: [is("ends first", () => lasting(device(), -1000))],
    good: [is("one second", () => lasting(device(), 0))],
  },
  "validity-encoding": {
    bad: [
      is("GeneralizedTime before 2050", () => withFields(device(), { validityTags: [0x18, 0x17] })),
      is("GeneralizedTime for an end before 2050", () =>
        withFields(device(), { validityTags: [0x17, 0x18] }),
      ),
    ],
    good: [
      is("GeneralizedTime from 2050", () => {
        const at = Date.UTC(2050, 0, 1);
        const issued = withFields(validity(device(), at, at + day), { validityTags: [0x18, 0x18] });
        return withIssuer(issued, (issuer) => ({
          ...issuer,
          validity: { notBefore: at, notAfter: at + 2 * day },
        }));
      }),
    ],
  },
  "validity-duration": {
    bad: [
      is("device, 397 days and a second", () => lasting(device(), 397 * day)),
      is("server, 90 days and a second", () => lasting(server(), 90 * day)),
    ],
    good: [is("server, 90 days", () => lasting(server(), 90 * day - 1000))],
  },
  "validity-within-issuer": {
    bad: [
      is("ends later", () =>
        withIssuer(device(), (issuer) => ({
          ...issuer,
          validity: { ...issuer.validity, notAfter: device().tbs.validity.notAfter - 1000 },
        })),
      ),
      is("starts sooner", () =>
        withIssuer(device(), (issuer) => ({
          ...issuer,
          validity: { ...issuer.validity, notBefore: device().tbs.validity.notBefore + 1000 },
        })),
      ),
    ],
  },
  "unique-identifiers-absent": {
    bad: [is("present", () => withFields(device(), { hasUniqueIdentifiers: true }))],
  },
  "subject-public-key-known": {
    bad: [
      is("X25519", () =>
        withKey(
          device(),
          encodeSequence(encodeSequence(encodeOidElement("1.3.101.110")), encodeBitString(Buffer.alloc(32))),
        ),
      ),
      is("RFC 9881 §2: ML-DSA with NULL parameters", () =>
        withKey(
          device(),
          encodeSequence(
            encodeSequence(encodeOidElement("2.16.840.1.101.3.4.3.17"), Uint8Array.of(5, 0)),
            encodeBitString(Buffer.alloc(1312)),
          ),
        ),
      ),
    ],
  },
  "subject-public-key-permitted": {
    bad: [is("ML-DSA-44 authority", () => rekeyed(subject("issuing"), "ML-DSA-44"))],
    good: [is("ML-DSA-65 authority", () => rekeyed(subject("issuing"), "ML-DSA-65"))],
  },
  "subject-public-key-differs": {
    bad: [
      is("the issuer's own", () =>
        withIssuer(device(), (issuer) => ({
          ...issuer,
          subjectPublicKeyInfo: device().tbs.subjectPublicKeyInfo,
        })),
      ),
    ],
  },
  "rsa-modulus-size": {
    bad: [is("2048 bits for an authority", () => rekeyed(subject("issuing"), "RSA-2048"))],
    good: [
      is("3072 bits for an authority", () => rekeyed(subject("issuing"), "RSA-3072")),
      is("2048 bits for a device", () => subject("device", "RSA-2048")),
    ],
  },
};
