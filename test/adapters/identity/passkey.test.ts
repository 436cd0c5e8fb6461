/** Room: test. WebAuthn Level 3 §7.1 and §7.2: what a passkey must say, and whatever else is refused. */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { codeOf } from "../../support/errors.ts";
import {
  type AnswerOptions,
  type AuthenticatorAlgorithm,
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
  { name: "§7.2: inside another site's frame", options: { clientData: { crossOrigin: true } } },
  {
    name: "§7.2: inside a named site's frame",
    options: { clientData: { crossOrigin: true, topOrigin: "https://evil.example" } },
  },
  {
    name: "§7.2: with a top origin and no frame",
    options: { clientData: { topOrigin: "https://evil.example" } },
  },
  { name: "§5.8.1: with a challenge that is a list", options: { clientData: { challenge: [challenge] } } },
  { name: "§5.8.1: with an origin that is a list", options: { clientData: { origin: [own.origin] } } },
];

describe("every algorithm that is asked for", () => {
  it.each<AuthenticatorAlgorithm>(["ES256", "EdDSA", "RS256"])("RFC 9053 §2: %s", async (algorithm) => {
    const authenticator = softwareAuthenticator({ ...own, algorithm });
    const passkey = await verifier.verifyRegistration(authenticator.register(challenge), expected);
    expect(await verifier.verifyAssertion(authenticator.assert(challenge), expected, passkey)).toBe(2);
  });

  it("and no other", async () => {
    const answer = softwareAuthenticator({ ...own, algorithm: "ES384" }).register(challenge);
    expect(await codeOf(verifier.verifyRegistration(answer, expected))).toBe("passkey_invalid");
  });
});

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

it("registration refuses an id beside that of the authenticator's data", async () => {
  const answer = softwareAuthenticator(own).register(challenge);
  const { credentialId } = softwareAuthenticator(own);
  const disguised = { ...answer, id: credentialId, rawId: credentialId };
  expect(await codeOf(verifier.verifyRegistration(disguised, expected))).toBe("passkey_invalid");
});

it("§7.1: a credential id of 1,023 octets is the longest", async () => {
  const longest = softwareAuthenticator({ ...own, idLength: 1_023 }).register(challenge);
  await expect(verifier.verifyRegistration(longest, expected)).resolves.toBeDefined();
  const longer = softwareAuthenticator({ ...own, idLength: 1_024 }).register(challenge);
  expect(await codeOf(verifier.verifyRegistration(longer, expected))).toBe("passkey_invalid");
});

it("GO-2025-4193: an answer that is right but for its size is not read", async () => {
  const { authenticator, passkey } = await registered();
  const padding = "x".repeat(32_768);
  const registration = { ...authenticator.register(challenge), padding };
  expect(await codeOf(verifier.verifyRegistration(registration, expected))).toBe("passkey_invalid");
  const assertion = { ...authenticator.assert(challenge), padding };
  expect(await codeOf(verifier.verifyAssertion(assertion, expected, passkey))).toBe("passkey_invalid");
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

  const counters: readonly { name: string; kept: number; given: number; verified: boolean }[] = [
    { name: "rises", kept: 5, given: 6, verified: true },
    { name: "leaps", kept: 5, given: 0xffffffff, verified: true },
    { name: "is not kept by the authenticator", kept: 0, given: 0, verified: true },
    { name: "falls back", kept: 5, given: 3, verified: false },
    { name: "stands still", kept: 5, given: 5, verified: false },
    { name: "is given up", kept: 5, given: 0, verified: false },
  ];
  it.each(counters)(
    "§6.1.1: a counter that $name (verified: $verified)",
    async ({ kept, given, verified }) => {
      const { authenticator, passkey } = await registered();
      const answer = authenticator.assert(challenge, { signCount: given });
      const outcome = verifier.verifyAssertion(answer, expected, { ...passkey, signCount: kept });
      if (verified) expect(await outcome).toBe(given);
      else expect(await codeOf(outcome)).toBe("passkey_invalid");
    },
  );

  it("refuses a passkey that was made under another relying party id", async () => {
    const { authenticator, passkey } = await registered();
    const elsewhere = { ...passkey, relyingPartyId: "example.test" };
    const answer = authenticator.assert(challenge);
    expect(await codeOf(verifier.verifyAssertion(answer, expected, elsewhere))).toBe("passkey_invalid");
  });

  it("neither message nor cause quotes the answer", async () => {
    const { authenticator, passkey } = await registered();
    const answer = authenticator.assert(challenge, { origin: "https://canary.example" });
    const error: unknown = await verifier
      .verifyAssertion(answer, expected, passkey)
      .catch((thrown) => thrown);
    expect(inspect(error, { depth: 8 })).not.toMatch(/canary/);
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
          const octets = Buffer.from(answer.response[member], "base64url");
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

const inside = (response: object) => ({ id: "eA", rawId: "eA", type: "public-key", response });
const nested = Buffer.alloc(10_000, 0x81).toString("base64url");
it.each<[string, Record<string, unknown>]>([
  ["nothing", {}],
  ["an empty response", { id: "x", rawId: "x", type: "public-key", response: {} }],
  ["null in every place", { id: null, rawId: null, type: null, response: null }],
  ["lists in every place", { id: [], rawId: [], type: [], response: [] }],
  ["40,000 characters", { id: "x".repeat(40_000) }],
  [
    "lists in every place of the response",
    inside({ clientDataJSON: [], attestationObject: [], signature: [] }),
  ],
  ["client data that is null", inside({ clientDataJSON: Buffer.from("null").toString("base64url") })],
  ["CBOR of 10,000 levels", inside({ clientDataJSON: "e30", attestationObject: nested })],
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

describe("whatever JSON comes", () => {
  it.each([
    { ceremony: "register", member: "clientDataJSON" },
    { ceremony: "register", member: "attestationObject" },
    { ceremony: "assert", member: "clientDataJSON" },
    { ceremony: "assert", member: "authenticatorData" },
    { ceremony: "assert", member: "signature" },
  ] as const)("as $member of a right answer ($ceremony)", async ({ ceremony, member }) => {
    const { authenticator, passkey } = await registered();
    const right = authenticator[ceremony](challenge);
    const property = fc.asyncProperty(fc.jsonValue(), async (value) => {
      const answer = { ...right, response: { ...right.response, [member]: value } };
      const outcome =
        ceremony === "register"
          ? verifier.verifyRegistration(answer, expected)
          : verifier.verifyAssertion(answer, expected, passkey);
      expect(await codeOf(outcome)).toBe("passkey_invalid");
    });
    await fc.assert(property, { numRuns: 50 });
  });

  it("as the answer", async () => {
    const { passkey } = await registered();
    const anything = fc.dictionary(fc.constantFrom("id", "rawId", "type", "response", "x"), fc.jsonValue());
    const property = fc.asyncProperty(anything, async (value) => {
      expect(await codeOf(verifier.verifyRegistration(value, expected))).toBe("passkey_invalid");
      expect(await codeOf(verifier.verifyAssertion(value, expected, passkey))).toBe("passkey_invalid");
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
