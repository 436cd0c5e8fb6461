/** Room: test. Tokens of a real issuer: a process with its own keys, reached over HTTPS. */
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import type { IdentityVerifier } from "../../../core/ports.ts";
import { codeOf } from "../../support/errors.ts";
import {
  type IssuerAlgorithm,
  type OidcIssuer,
  type SigningOptions,
  startOidcIssuer,
} from "../../support/oidc-issuer.ts";

let issuer: OidcIssuer;
let verifier: IdentityVerifier;
const audience = "https://fleet.example.test";
const subject = "repo:acme/firmware:ref:refs/heads/main";
beforeAll(async () => {
  issuer = await startOidcIssuer();
});
afterAll(() => issuer.close());
beforeEach(async () => {
  // Nothing remembered from the test before.
  verifier = identityVerifier({ ca: issuer.ca });
});

const seconds = (): number => Math.floor(Date.now() / 1000);
const signed = (claims: Record<string, unknown> = {}, options?: SigningOptions): Promise<string> =>
  issuer.sign({ sub: subject, aud: audience, ...claims }, options);
const verify = (token: string, extra: object = {}) =>
  verifier.verifyToken(token, { issuer: issuer.issuer, audience, now: Date.now(), ...extra });

const octetsOf = (token: string): string[] =>
  token.split(".").map((part) => Buffer.from(part, "base64url").toString("hex"));
const isSameOctets = (one: string, other: string): boolean => octetsOf(one).join() === octetsOf(other).join();
function kidOf(token: string): unknown {
  const [header = ""] = token.split(".");
  return (JSON.parse(Buffer.from(header, "base64url").toString()) as Record<string, unknown>)["kid"];
}

it("RFC 7519 §7.2: a token whose signature, issuer, audience and times hold is read", async () => {
  const token = await verify(await signed({ ref: "refs/heads/main" }));
  expect(token.subject).toBe(subject);
  expect(token.claims["ref"]).toBe("refs/heads/main");
  expect(token.expiresAt - token.issuedAt).toBe(300_000);
});

describe("accepted", () => {
  afterAll(() => issuer.rotate());

  it.each<IssuerAlgorithm>(["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"])(
    "RFC 8725 §3.1: %s, which is among those that are pinned",
    async (algorithm) => {
      await issuer.rotate(algorithm);
      await expect(verify(await signed())).resolves.toMatchObject({ subject });
    },
  );

  it.each<{ name: string; claims?: () => Record<string, unknown>; options?: SigningOptions }>([
    { name: "the audience among others", claims: () => ({ aud: ["https://other.example.test", audience] }) },
    { name: "expired 29 s ago, within the tolerance", claims: () => ({ exp: seconds() - 28 }) },
    { name: "valid in 29 s, within the tolerance", claims: () => ({ nbf: seconds() + 28 }) },
    { name: "good for 24 hours", claims: () => ({ iat: seconds(), exp: seconds() + 86_400 }) },
    { name: "a subject of 512 characters", claims: () => ({ sub: "s".repeat(512) }) },
    { name: "RFC 9068 §2.1: typ at+jwt", options: { header: { typ: "application/at+JWT" } } },
    { name: "RFC 7519 §5.1: no typ", options: { header: { typ: undefined } } },
    { name: "no kid, where the issuer has one key", options: { header: { kid: undefined } } },
  ])("$name", async ({ claims = () => ({}), options }) => {
    // The clock of the claims, however busy the machine is.
    const now = Date.now();
    await expect(verify(await signed(claims(), options), { now })).resolves.toBeDefined();
  });
});

describe("refused", () => {
  const wrong: readonly unknown[] = [null, true, 5, {}, [], [audience], { a: 1 }, ""];
  const times = ["iat", "exp", "nbf"];
  it.each(["iss", "aud", "sub", ...times])(
    "CVE-2026-40097: %s of another type, empty ones among them",
    async (claim) => {
      for (const value of wrong) {
        // What is right: a number where a time is, and a list of audiences (RFC 7519 §4.1.3).
        if (
          claim === "aud"
            ? JSON.stringify(value) === JSON.stringify([audience])
            : times.includes(claim) && value === 5
        )
          continue;
        expect(await codeOf(verify(await signed({ [claim]: value }))), String(value)).toBe("token_invalid");
      }
    },
  );

  it.each<IssuerAlgorithm>(["ES512", "RS512"])(
    "RFC 8725 §3.1: %s under the issuer's own key, as it is not pinned",
    async (algorithm) => {
      await issuer.rotate(algorithm);
      const before = await issuer.fetches();
      expect(await codeOf(verify(await signed()))).toBe("token_invalid");
      // Nor does such a token cost a fetch.
      expect(await issuer.fetches()).toEqual(before);
      await issuer.rotate();
    },
  );

  it("another issuer's token in this one's name, its key under the same kid", async () => {
    const stranger = await startOidcIssuer();
    try {
      const header = { kid: String(kidOf(await signed())) };
      const token = await stranger.sign({ iss: issuer.issuer, sub: subject, aud: audience }, { header });
      expect(await codeOf(verify(token))).toBe("token_invalid");
    } finally {
      await stranger.close();
    }
  });

  const cases: readonly {
    name: string;
    claims?: () => Record<string, unknown>;
    options?: SigningOptions;
    code: string;
  }[] = [
    {
      name: "another audience",
      claims: () => ({ aud: "https://other.example.test" }),
      code: "token_invalid",
    },
    { name: "no audience", options: { without: ["aud"] }, code: "token_invalid" },
    {
      name: "another issuer's name",
      claims: () => ({ iss: "https://other.example.test" }),
      code: "token_invalid",
    },
    { name: "RFC 8725 §3.2: alg none", options: { key: "none" }, code: "token_invalid" },
    {
      name: "RFC 8725 §2.1: HS256 with the public key, PEM",
      options: { key: "publicPem" },
      code: "token_invalid",
    },
    {
      name: "RFC 8725 §2.1: HS256 with the public key, JWK",
      options: { key: "publicJwk" },
      code: "token_invalid",
    },
    { name: "another key under the published kid", options: { key: "other" }, code: "token_invalid" },
    { name: "expired", claims: () => ({ exp: seconds() - 60 }), code: "token_expired" },
    { name: "not yet valid", claims: () => ({ nbf: seconds() + 120 }), code: "token_invalid" },
    { name: "issued in the future", claims: () => ({ iat: seconds() + 120 }), code: "token_invalid" },
    { name: "without an end", options: { without: ["exp"] }, code: "token_invalid" },
    { name: "without a beginning", options: { without: ["iat"] }, code: "token_invalid" },
    { name: "good for two days", claims: () => ({ exp: seconds() + 172_800 }), code: "token_invalid" },
    { name: "without a subject", options: { without: ["sub"] }, code: "token_invalid" },
    {
      name: "with a subject of 513 characters",
      claims: () => ({ sub: "s".repeat(513) }),
      code: "token_invalid",
    },
    { name: "with an end that is no number", claims: () => ({ exp: "tomorrow" }), code: "token_invalid" },
    {
      name: "with a subject that is a number",
      claims: () => ({ sub: 5 }),
      code: "token_invalid",
    },
    { name: "expired 31 s ago", claims: () => ({ exp: seconds() - 31 }), code: "token_expired" },
    {
      name: "good for 24 hours and a second",
      claims: () => ({ iat: seconds(), exp: seconds() + 86_401 }),
      code: "token_invalid",
    },
    ...[
      "dpop+jwt",
      "logout+jwt",
      "secevent+jwt",
      "token-introspection+jwt",
      "entity-statement+jwt",
      "JOSE",
    ].map((typ) => ({
      name: `RFC 8725 §3.11: made for another purpose, ${typ}`,
      options: { header: { typ } },
      code: "token_invalid",
    })),
    { name: "a typ that is no string", options: { header: { typ: ["JWT"] } }, code: "token_invalid" },
    {
      name: "RFC 7515 §4.1.11: crit",
      options: { header: { crit: ["x-unknown"], "x-unknown": 1 } },
      code: "token_invalid",
    },
  ];

  it.each(cases)("$name", async ({ claims = () => ({}), options, code }) => {
    expect(await codeOf(verify(await signed(claims(), options)))).toBe(code);
  });

  it("GO-2025-4193: more than 8,192 characters, before anything reads them or fetches a key", async () => {
    const before = await issuer.fetches();
    expect(await codeOf(verify(await signed({ padding: "x".repeat(8_192) })))).toBe("token_invalid");
    expect(await issuer.fetches()).toEqual(before);
  });

  it.each(["", ".", "..", "a.b.c", "e30.e30.", `${"e30.".repeat(40)}e30`, "\u0000.\u0000.\u0000"])(
    "what is no token: %j",
    async (token) => {
      expect(await codeOf(verify(token))).toBe("token_invalid");
    },
  );

  it("neither message nor cause quotes the token: its claims may be somebody's name", async () => {
    const secretly = { email: "canary@example.com" };
    const refusedOnes = [
      await signed({ ...secretly, iss: "https://other.example.test" }),
      await signed({ ...secretly, exp: seconds() - 600 }),
      await signed({ ...secretly, sub: 5 }),
      `${"x".repeat(20)}.canary.${"x".repeat(20)}`,
    ];
    for (const token of refusedOnes) {
      const error: unknown = await verify(token).catch((thrown: unknown) => thrown);
      expect(inspect(error, { depth: 8 })).not.toMatch(/canary|other\.example|eyJ/);
    }
  });

  it("any token with one character changed, left out or doubled", async () => {
    const token = await signed();
    const mutations = fc.record({
      at: fc.nat({ max: token.length - 1 }),
      put: fc.oneof(fc.constant(""), fc.string({ unit: "binary", minLength: 1, maxLength: 3 })),
    });
    const property = fc.asyncProperty(mutations, async ({ at, put }) => {
      const mutant = token.slice(0, at) + put + token.slice(at + 1);
      // The last character of base64url may carry bits that mean nothing.
      fc.pre(mutant !== token && !isSameOctets(mutant, token));
      expect(await codeOf(verify(mutant))).toBe("token_invalid");
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it("any header and any claims, signed by nobody", async () => {
    const part = fc
      .oneof(fc.json({ maxDepth: 3 }), fc.string())
      .map((text) => Buffer.from(text).toString("base64url"));
    const property = fc.asyncProperty(part, part, part, async (header, claims, signature) => {
      expect(await codeOf(verify(`${header}.${claims}.${signature}`))).toBe("token_invalid");
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
