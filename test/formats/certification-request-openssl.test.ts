import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { commonNames } from "../../core/formats/name.ts";
import { opensslInstalled, opensslOutput, withFiles } from "../support/openssl.ts";
import {
  extensionRequest,
  makeRequest,
  makeSubject,
  usualExtensions,
} from "./certification-request-maker.ts";
import { opensslVerdicts } from "./openssl-request-judge.ts";

const config = `[req]
distinguished_name = name
[name]
[asked]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth, serverAuth
subjectAltName = URI:spiffe://fleet.example/fleet/a/device/pump-0001, DNS:pump.example, IP:192.0.2.1
`;

function opensslRequest(key: readonly string[], options: readonly string[]): Promise<Buffer> {
  return withFiles({ config }, async (path) => {
    const files = ["-config", path("config"), "-keyout", path("key"), "-out", path("request")];
    await opensslOutput(["req", "-new", "-nodes", "-outform", "DER", ...key, ...options, ...files]);
    return readFile(path("request"));
  });
}

const ec = (curve: string): readonly string[] => ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${curve}`];

const kinds = [
  { name: "P-256", key: ec("P-256"), algorithm: "P-256", signature: "ecdsa-with-SHA256" },
  { name: "P-384", key: [...ec("P-384"), "-sha384"], algorithm: "P-384", signature: "ecdsa-with-SHA384" },
  { name: "Ed25519", key: ["-newkey", "ed25519"], algorithm: "Ed25519", signature: "Ed25519" },
  { name: "RSA 2048", key: ["-newkey", "rsa:2048"], algorithm: "RSA", signature: "sha256WithRSAEncryption" },
  {
    name: "RSA 3072 with SHA-512",
    key: ["-newkey", "rsa:3072", "-sha512"],
    algorithm: "RSA",
    signature: "sha512WithRSAEncryption",
  },
] as const;

describe.skipIf(!opensslInstalled)("requests between OpenSSL, where installed, and us", () => {
  it.each(kinds)(
    "of OpenSSL, $name: accepted, and read as they were asked",
    async ({ key, algorithm, signature }) => {
      const asked = await verifyCsr(
        await opensslRequest(key, ["-subj", "/CN=pump-0001", "-reqexts", "asked"]),
      );
      expect(asked.publicKey.algorithm.id).toBe(algorithm);
      expect(asked.signatureAlgorithm.id).toBe(signature);
      expect(commonNames(asked.subject)).toEqual(["pump-0001"]);
      expect(asked.requested).toEqual({
        subjectAltName: [
          { kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/fleet/a/device/pump-0001" },
          { kind: "dNSName", value: "pump.example" },
          { kind: "iPAddress", value: "192.0.2.1" },
        ],
        basicConstraints: { cA: false },
        keyUsage: new Set(["digitalSignature"]),
        extendedKeyUsage: ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"],
        others: [],
      });
      const plain = await verifyCsr(await opensslRequest(key, ["-subj", "/"]));
      expect(plain.requested).toEqual({ subjectAltName: [], others: [] });
    },
  );

  it.each(["P-256", "P-384", "Ed25519", "RSA"] as const)("of ours, %s: OpenSSL verifies them", async (id) => {
    const subject = makeSubject(id);
    const requests = [[], [extensionRequest(...usualExtensions)]].map((attributes) =>
      makeRequest(subject, { attributes }),
    );
    expect(await opensslVerdicts(requests)).toEqual([true, true]);
  });

  it("the judge does refuse: a signature with its last bit changed", async () => {
    const request = makeRequest(makeSubject("P-256"));
    request[request.length - 1] = (request[request.length - 1] ?? 0) ^ 1;
    expect(await opensslVerdicts([request])).toEqual([false]);
  });
});
