/** Room: test. WebAuthn Level 3 §7.1 and §7.2: what a passkey must say, and whatever else is refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { codeOf } from "../../support/errors.ts";
import {
  type AnswerOptions,
  type CredentialJson,
  softwareAuthenticator,
} from "../../support/software-authenticator.ts";

const verifier = identityVerifier();
const own = { origin: "https://localhost:8443", relyingPartyId: "localhost" };
const challenge = Buffer.alloc(32, 7).toString("base64url");
const expected = { challenge, ...own };

async function registered() {
  const authenticator = softwareAuthenticator(own);
  const passkey = await verifier.verifyRegistration(authenticator.register(challenge), expected);
  return { authenticator, passkey };
}

const refused: readonly { name: string; options: AnswerOptions }[] = [
  { name: "§7.2: another origin", options: { origin: "https://evil.example" } },
  { name: "§7.2: another port of the host", options: { origin: "https://localhost:8444" } },
  { name: "§7.2: another relying party", options: { relyingPartyId: "evil.example" } },
  { name: "§7.2: without user verification", options: { userVerified: false } },
  { name: "§7.2: without user presence", options: { userPresent: false } },
  { name: "§7.2: of another ceremony", options: { type: "payment.get" } },
];

describe("registration", () => {
  it("gives the public half of the passkey", async () => {
    const { authenticator, passkey } = await registered();
    expect(passkey).toMatchObject({ credentialId: authenticator.credentialId, relyingPartyId: "localhost" });
    expect(passkey.publicKey.length).toBeGreaterThan(70);
  });

  it.each(refused)("refuses $name", async ({ options }) => {
    const answer = softwareAuthenticator(own).register(challenge, options);
    expect(await codeOf(verifier.verifyRegistration(answer, expected))).toBe("passkey_invalid");
  });

  it("refuses another challenge", async () => {
    const answer = softwareAuthenticator(own).register(Buffer.alloc(32, 8).toString("base64url"));
    expect(await codeOf(verifier.verifyRegistration(answer, expected))).toBe("passkey_invalid");
  });

  it.each(["packed", "fido-u2f", "android-safetynet", "tpm", "apple", "unknown"])(
    "never reads an attestation of format %s, nor what its certificates point to",
    async (format) => {
      const answer = softwareAuthenticator(own).register(challenge, { format });
      expect(await codeOf(verifier.verifyRegistration(answer, expected))).toBe("passkey_invalid");
    },
  );
});

describe("assertion", () => {
  it("verifies, and gives the new counter", async () => {
    const { authenticator, passkey } = await registered();
    const answer = authenticator.assert(challenge, { signCount: 9 });
    expect(await verifier.verifyAssertion(answer, expected, passkey)).toBe(9);
  });

  it.each(refused)("refuses $name", async ({ options }) => {
    const { authenticator, passkey } = await registered();
    const answer = authenticator.assert(challenge, options);
    expect(await codeOf(verifier.verifyAssertion(answer, expected, passkey))).toBe("passkey_invalid");
  });

  it("refuses a counter that falls back: the passkey was cloned (§6.1.1)", async () => {
    const { authenticator, passkey } = await registered();
    const answer = authenticator.assert(challenge, { signCount: 3 });
    const later = { ...passkey, signCount: 5 };
    expect(await codeOf(verifier.verifyAssertion(answer, expected, later))).toBe("passkey_invalid");
  });

  it("refuses another passkey's signature, under either id", async () => {
    const { passkey } = await registered();
    const { authenticator: other } = await registered();
    const foreign = other.assert(challenge);
    const disguised = { ...foreign, id: passkey.credentialId, rawId: passkey.credentialId };
    for (const answer of [foreign, disguised])
      expect(await codeOf(verifier.verifyAssertion(answer, expected, passkey))).toBe("passkey_invalid");
  });

  it("refuses the signature of another answer", async () => {
    const { authenticator, passkey } = await registered();
    const { signature = "" } = authenticator.assert(Buffer.alloc(32, 9).toString("base64url")).response;
    const answer = authenticator.assert(challenge);
    const mixed = { ...answer, response: { ...answer.response, signature } };
    expect(await codeOf(verifier.verifyAssertion(mixed, expected, passkey))).toBe("passkey_invalid");
  });

  it("refuses what was signed with one octet changed", async () => {
    const { authenticator, passkey } = await registered();
    const answer = authenticator.assert(challenge);
    const members = ["clientDataJSON", "authenticatorData"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...members),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (member, at, change) => {
          const octets = Buffer.from(answer.response[member] ?? "", "base64url");
          octets[at % octets.length] = (octets[at % octets.length] ?? 0) ^ change;
          const response = { ...answer.response, [member]: octets.toString("base64url") };
          const code = await codeOf(verifier.verifyAssertion({ ...answer, response }, expected, passkey));
          expect(code).toBe("passkey_invalid");
        },
      ),
      { numRuns: 200 },
    );
  });
});

it.each<[string, Record<string, unknown>]>([
  ["nothing", {}],
  ["an empty response", { id: "x", rawId: "x", type: "public-key", response: {} }],
  ["null in every place", { id: null, rawId: null, type: null, response: null }],
  ["lists in every place", { id: [], rawId: [], type: [], response: [] }],
  ["40,000 characters", { id: "x".repeat(40_000) }],
  [
    "CBOR that is cut off",
    {
      id: "eA",
      rawId: "eA",
      type: "public-key",
      response: { clientDataJSON: "e30", attestationObject: "ow" },
    },
  ],
])("what is no answer of a passkey is refused as one: %s", async (_name, json) => {
  const { passkey } = await registered();
  expect(await codeOf(verifier.verifyRegistration(json, expected))).toBe("passkey_invalid");
  expect(await codeOf(verifier.verifyAssertion(json as CredentialJson, expected, passkey))).toBe(
    "passkey_invalid",
  );
});
