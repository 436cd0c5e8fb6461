/** Rules about key identifiers, usages and constraints: for each, spoiled certificates that it alone finds, and odd ones that pass. */
import { encodeOidElement, encodeSequence } from "../../../core/formats/der/writer.ts";
import * as x from "../../../core/formats/x509/extensions/index.ts";
import {
  type Cases,
  constraints,
  device,
  dns,
  is,
  issuerWithout,
  purposes,
  raw,
  underConstraints,
  usage,
} from "../spoiled.ts";
import { flipped, subject, withExtension, withFields, without } from "../subjects.ts";

export const keysCases: Cases = {
  "extension-single": {
    bad: [
      is("twice", () =>
        withFields(device(), {
          extensions: [...device().tbs.extensions, ...device().tbs.extensions.slice(-1)],
        }),
      ),
    ],
  },
  "extension-decodes": {
    bad: [
      is("CVE-2026-40097: an empty extKeyUsage", () => raw(x.extendedKeyUsage, Uint8Array.of(0x30, 0))),
      is("policies named twice", () => {
        const policy = encodeSequence(encodeOidElement("2.5.29.32.0"));
        return raw(x.certificatePolicies, encodeSequence(policy, policy));
      }),
      is("nameConstraints without subtrees", () => raw(x.nameConstraints, Uint8Array.of(0x30, 0))),
    ],
  },
  "extension-known-if-critical": {
    bad: [is("critical", () => raw({ oid: "1.3.6.1.4.1.1.1" }, Uint8Array.of(5, 0), true))],
    good: [is("not critical", () => raw({ oid: "1.3.6.1.4.1.1.1" }, Uint8Array.of(5, 0)))],
  },
  "authority-key-identifier-present": {
    bad: [
      is("absent", () => without(device(), x.authorityKeyIdentifier)),
      is("without keyIdentifier", () =>
        withExtension(device(), x.authorityKeyIdentifier, {
          authorityCertIssuer: [dns("ca.example")],
          authorityCertSerialNumber: Uint8Array.of(1),
        }),
      ),
    ],
    good: [is("absent in a root", () => without(subject("root"), x.authorityKeyIdentifier))],
  },
  "authority-key-identifier-matches": {
    bad: [
      is("another key", () =>
        withExtension(device(), x.authorityKeyIdentifier, { keyIdentifier: Uint8Array.of(1, 2, 3) }),
      ),
      is("an issuer without identifier", () => issuerWithout(device(), x.subjectKeyIdentifier)),
    ],
    good: [
      is("a root's own", () =>
        withExtension(subject("root"), x.authorityKeyIdentifier, {
          keyIdentifier: subject("root").publicKey.keyIdentifier,
        }),
      ),
    ],
  },
  "authority-key-identifier-non-critical": {
    bad: [is("critical", () => flipped(device(), x.authorityKeyIdentifier))],
  },
  "subject-key-identifier-in-ca": {
    bad: [is("absent", () => without(subject("issuing"), x.subjectKeyIdentifier))],
    good: [is("absent in a device", () => without(device(), x.subjectKeyIdentifier))],
  },
  "subject-key-identifier-derived": {
    bad: [is("of another key", () => withExtension(device(), x.subjectKeyIdentifier, Buffer.alloc(20, 7)))],
  },
  "subject-key-identifier-non-critical": {
    bad: [is("critical", () => flipped(device(), x.subjectKeyIdentifier))],
  },
  "key-usage-in-ca": {
    bad: [
      is("absent", () => without(subject("issuing"), x.keyUsage)),
      is("without keyCertSign", () => usage(constraints(subject("root"), { cA: true }), "cRLSign")),
    ],
  },
  "key-usage-critical": { bad: [is("not critical", () => flipped(device(), x.keyUsage))] },
  "key-cert-sign-ca-only": {
    bad: [is("a device", () => usage(device(), "digitalSignature", "keyCertSign"))],
  },
  "crl-sign-ca-only": { bad: [is("a device", () => usage(device(), "digitalSignature", "cRLSign"))] },
  "ec-key-usage": {
    bad: [
      is("keyEncipherment", () => usage(device(), "digitalSignature", "keyEncipherment")),
      is("dataEncipherment", () => usage(device(), "digitalSignature", "dataEncipherment")),
    ],
    good: [is("keyEncipherment of RSA", () => subject("device", "RSA-2048"))],
  },
  "ed25519-key-usage": {
    bad: [is("keyAgreement", () => usage(subject("device", "Ed25519"), "digitalSignature", "keyAgreement"))],
  },
  "ml-dsa-key-usage": {
    bad: [
      is("keyEncipherment", () =>
        usage(subject("device", "ML-DSA-44"), "digitalSignature", "keyEncipherment"),
      ),
      is("keyAgreement", () => usage(subject("device", "ML-DSA-65"), "digitalSignature", "keyAgreement")),
    ],
  },
  "key-agreement-only-bits": {
    bad: [
      is("encipherOnly", () => usage(device(), "digitalSignature", "encipherOnly")),
      is("decipherOnly", () => usage(device(), "digitalSignature", "decipherOnly")),
    ],
    good: [
      is("beside keyAgreement", () => usage(device(), "digitalSignature", "keyAgreement", "encipherOnly")),
    ],
  },
  "extended-key-usage-consistent": { bad: [is("keyAgreement alone", () => usage(device(), "keyAgreement"))] },
  "extended-key-usage-any": { bad: [is("any", () => purposes("2.5.29.37.0"))] },
  "extended-key-usage-single": {
    bad: [is("twice", () => purposes(x.keyPurposes.clientAuth, x.keyPurposes.clientAuth))],
  },
  "basic-constraints-profile": {
    bad: [
      is("CA:TRUE in a device", () => underConstraints(constraints(device(), { cA: true }), { cA: true })),
    ],
    good: [is("an empty sequence in a device", () => constraints(device(), { cA: false }, false))],
  },
  "basic-constraints-critical": {
    bad: [is("not critical", () => flipped(subject("issuing"), x.basicConstraints))],
  },
  "path-length-ca-only": {
    bad: [is("without cA", () => constraints(device(), { cA: false, pathLenConstraint: 0 }))],
  },
  "path-length-profile": {
    bad: [
      is("one more", () => constraints(subject("issuing"), { cA: true, pathLenConstraint: 1 })),
      is("without limit", () => constraints(subject("issuing"), { cA: true })),
    ],
  },
  "path-length-issuer": {
    bad: [
      is("an authority under an issuing authority", () =>
        underConstraints(subject("issuing"), { cA: true, pathLenConstraint: 0 }),
      ),
    ],
    good: [
      is("an authority under one of path length 1", () =>
        underConstraints(subject("issuing"), { cA: true, pathLenConstraint: 1 }),
      ),
    ],
  },
};
