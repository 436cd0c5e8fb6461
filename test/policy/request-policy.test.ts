import { describe, expect, test } from "vitest";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import type { CertificationRequest } from "../../core/formats/certification-request.ts";
import type { GeneralName } from "../../core/formats/general-name.ts";
import { type Name, name } from "../../core/formats/name.ts";
import { keyPurposes } from "../../core/formats/x509/extensions/index.ts";
import type { SubjectIdentity } from "../../core/policy/identity.ts";
import { decideRequest } from "../../core/policy/request-policy.ts";
import { type ProfileId, profiles } from "../../core/standard/index.ts";
import { publicKey } from "../lint/subjects.ts";

const keys = {
  "P-256": publicKey("P-256"),
  "RSA-2048": publicKey("RSA-2048"),
  "ML-DSA-44": publicKey("ML-DSA-44"),
};

const device: SubjectIdentity = {
  kind: "device",
  fleet: "clinic",
  trustDomain: "fleet.example",
  deviceId: "pump-7",
};
const server: SubjectIdentity = {
  kind: "server",
  fleet: "clinic",
  dnsNames: ["a.example", "b.example"],
  ipAddresses: ["2001:db8::1"],
};
const authority: SubjectIdentity = { kind: "authority", fleet: "clinic", authorityId: "issuing-1" };
const spiffe = "spiffe://fleet.example/fleet/clinic/device/pump-7";

const uri = (value: string): GeneralName => ({ kind: "uniformResourceIdentifier", value });
const dns = (value: string): GeneralName => ({ kind: "dNSName", value });
const ip = (value: string): GeneralName => ({ kind: "iPAddress", value });
const cn = (value: string): Name => name([["commonName", value]]);

type Requested = Partial<CertificationRequest["requested"]>;

function request(requested: Requested = {}, more: Partial<CertificationRequest> = {}): CertificationRequest {
  return {
    raw: Buffer.alloc(0),
    subject: [],
    publicKey: keys["P-256"],
    signatureAlgorithm: signatureAlgorithms["ecdsa-with-SHA256"],
    requested: { subjectAltName: [], others: [], ...requested },
    digest: "00",
    ...more,
  };
}

const decide = (
  csr: CertificationRequest,
  profile: ProfileId = "device",
  identity: SubjectIdentity = device,
): ReturnType<typeof decideRequest> => decideRequest(csr, profiles[profile], identity);

describe("requests that ask for no more than they get", () => {
  const allowed: Readonly<Record<string, ReturnType<typeof decide>>> = {
    "nothing at all": decide(request()),
    "the identity's common name": decide(request({}, { subject: cn("pump-7") })),
    "RFC 5280 §7.1: the common name in another case": decide(request({}, { subject: cn("PUMP-7") })),
    "the SPIFFE ID": decide(request({ subjectAltName: [uri(spiffe)] })),
    "RFC 3986 §6.2.2: the SPIFFE ID in another spelling": decide(
      request({ subjectAltName: [uri(spiffe.replace("fleet.example", "FLEET.example"))] }),
    ),
    "CA:FALSE": decide(request({ basicConstraints: { cA: false } })),
    "the profile's key usage": decide(request({ keyUsage: new Set(["digitalSignature"]) })),
    "one of the profile's purposes": decide(request({ extendedKeyUsage: [keyPurposes.clientAuth] })),
    "keyEncipherment for RSA": decide(
      request({ keyUsage: new Set(["keyEncipherment"]) }, { publicKey: keys["RSA-2048"] }),
    ),
    "some names of a server": decide(
      request({ subjectAltName: [dns("B.EXAMPLE"), ip("2001:DB8:0::1"), dns("b.example")] }),
      "server",
      server,
    ),
    "CA:TRUE for an authority": decide(
      request({ basicConstraints: { cA: true, pathLenConstraint: 0 } }),
      "issuing",
      authority,
    ),
  };
  for (const [title, decision] of Object.entries(allowed)) {
    test(title, () => expect(decision).toEqual({ allow: true }));
  }
});

describe("requests that ask for something else", () => {
  const denied: Readonly<Record<string, readonly [code: string, decision: ReturnType<typeof decide>]>> = {
    "another device": ["csr_subject_mismatch", decide(request({}, { subject: cn("pump-8") }))],
    "a look-alike in another script": [
      "csr_subject_mismatch",
      decide(request({}, { subject: cn("рump-7") })),
    ],
    "an organization": [
      "csr_subject_mismatch",
      decide(
        request(
          {},
          {
            subject: name([
              ["organizationName", "Acme"],
              ["commonName", "pump-7"],
            ]),
          },
        ),
      ),
    ],
    "two common names": [
      "csr_subject_mismatch",
      decide(request({}, { subject: [...cn("pump-7"), ...cn("pump-7")] })),
    ],
    "another SPIFFE ID": ["csr_san_not_permitted", decide(request({ subjectAltName: [uri(`${spiffe}8`)] }))],
    "a SPIFFE ID whose path differs in case": [
      "csr_san_not_permitted",
      decide(request({ subjectAltName: [uri(spiffe.replace("pump-7", "PUMP-7"))] })),
    ],
    "a foreign name after a good one": [
      "csr_san_not_permitted",
      decide(request({ subjectAltName: [uri(spiffe), dns("evil.example")] })),
    ],
    "CVE-2026-115369: an IP address": [
      "csr_san_not_permitted",
      decide(request({ subjectAltName: [ip("192.0.2.1")] })),
    ],
    "an e-mail address": [
      "csr_san_not_permitted",
      decide(request({ subjectAltName: [{ kind: "rfc822Name", value: "jane@example.com" }] })),
    ],
    "a URI that reads like a DNS name of the server": [
      "csr_san_not_permitted",
      decide(request({ subjectAltName: [uri("dns:a.example")] }), "server", server),
    ],
    "CA:TRUE": ["csr_ca_requested", decide(request({ basicConstraints: { cA: true } }))],
    "a path length without cA": [
      "csr_ca_requested",
      decide(request({ basicConstraints: { cA: false, pathLenConstraint: 0 } })),
    ],
    "a longer path than the profile's": [
      "csr_ca_requested",
      decide(request({ basicConstraints: { cA: true, pathLenConstraint: 1 } }), "issuing", authority),
    ],
    keyCertSign: ["csr_key_usage_not_permitted", decide(request({ keyUsage: new Set(["keyCertSign"]) }))],
    "RFC 8813 §3: keyEncipherment for EC": [
      "csr_key_usage_not_permitted",
      decide(request({ keyUsage: new Set(["digitalSignature", "keyEncipherment"]) })),
    ],
    codeSigning: [
      "csr_extended_key_usage_not_permitted",
      decide(request({ extendedKeyUsage: [keyPurposes.clientAuth, keyPurposes.codeSigning] })),
    ],
    "OCSPSigning (serverless-ca)": [
      "csr_extended_key_usage_not_permitted",
      decide(request({ extendedKeyUsage: [keyPurposes.OCSPSigning] })),
    ],
    "another extension": ["csr_extension_not_permitted", decide(request({ others: ["2.5.29.30"] }))],
    "a key that the profile does not take": [
      "algorithm_not_permitted",
      decide(request({}, { publicKey: keys["ML-DSA-44"] }), "issuing", authority),
    ],
    "an RSA key too short for the profile": [
      "algorithm_not_permitted",
      decide(request({}, { publicKey: keys["RSA-2048"] }), "issuing", authority),
    ],
    "a profile for another kind of subject": ["profile_not_permitted", decide(request(), "server")],
    "an identity that breaks its syntax": [
      "name_not_permitted",
      decide(request(), "device", { ...device, deviceId: "a b" }),
    ],
  };
  for (const [title, [code, decision]] of Object.entries(denied)) {
    test(`${title}: ${code}`, () => expect(decision).toMatchObject({ allow: false, code }));
  }

  test("the reason names the extension by its OID and says what to do", () => {
    expect(decide(request({ others: ["2.5.29.30"] }))).toMatchObject({
      reason: "extension 2.5.29.30 cannot be requested; leave it out of the CSR",
    });
  });

  test("the reason never repeats a requested name", () => {
    const decision = decide(request({ subjectAltName: [{ kind: "rfc822Name", value: "jane@example.com" }] }));
    expect(JSON.stringify(decision)).not.toContain("jane");
    expect(JSON.stringify(decide(request({}, { subject: cn("Jane Doe") })))).not.toContain("Jane");
  });
});
