/** Room: test. RFC 9449 §4.3, line by line; the proofs are made by jose. */
import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { exportJWK, SignJWT } from "jose";
import { expect, it } from "vitest";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { createProofKey, type ProofRequest } from "../../support/dpop.ts";
import { codeOf } from "../../support/errors.ts";

const verifier = identityVerifier();
const url = "https://localhost:8443/v1/fleets/default/sessions";
const now = Date.now();
const expected = { method: "POST", url, now };
const accessToken = "default.secret";

it("RFC 9449 §4.3: a proof for this request, this key and this access token", async () => {
  const key = await createProofKey();
  const proof = await key.proof({ method: "POST", url, accessToken, now });
  const verified = await verifier.verifyProof(proof, { ...expected, accessToken });
  expect(verified.keyThumbprint).toBe(key.thumbprint);
  expect(verified.proofId).toMatch(/^[0-9a-f-]{36}$/);
  expect(verified.expiresAt).toBe(Math.floor(now / 1000) * 1000 + 60_000);
});

it.each([
  "https://LOCALHOST:8443/v1/fleets/default/sessions?a=b#c",
  "HTTPS://localhost:8443/v1/fleets/default/sessions",
  "https://localhost:8443/v1/./other/../fleets/default/sessions",
])("RFC 3986 §6.2.2: htu is compared after normalisation, without query and fragment: %s", async (htu) => {
  const key = await createProofKey();
  const proof = await key.proof({ method: "POST", url: htu, now });
  await expect(verifier.verifyProof(proof, expected)).resolves.toBeDefined();
});

it("RFC 3986 §6.2.3: the default port is no other URL", async () => {
  const key = await createProofKey();
  const proof = await key.proof({ method: "POST", url: "https://api.example.test:443/v1", now });
  const without = { ...expected, url: "https://api.example.test/v1" };
  await expect(verifier.verifyProof(proof, without)).resolves.toBeDefined();
});

it.each([
  "https:localhost:8443/v1/fleets/default/sessions",
  "https:/localhost:8443/v1/fleets/default/sessions",
  "https:///localhost:8443/v1/fleets/default/sessions",
  "https:\\\\localhost:8443\\v1\\fleets\\default\\sessions",
  " https://localhost:8443/v1/fleets/default/sessions",
  "https://localhost:8443/v1/fleets/default/sessions\n",
  "https://localhost:8443/v1/fleets/def\tault/sessions",
  "https://user@localhost:8443/v1/fleets/default/sessions",
  "https://localhost:8443/v1/fleets/default/sessions/",
  "https://localhost:8443/v1/fleets/Default/sessions",
  "https://localhost:8443/v1/fleets/default%2fsessions",
  "https://localhost:8443//v1/fleets/default/sessions",
])(
  "RFC 3986 §2: what a browser's parser would mend, or a slip would match, is another URL: %j",
  async (htu) => {
    const key = await createProofKey();
    const proof = await key.proof({ method: "POST", url: htu, now });
    expect(await codeOf(verifier.verifyProof(proof, expected))).toBe("proof_invalid");
  },
);

const refused: readonly { name: string; request: Partial<ProofRequest> }[] = [
  { name: "another method", request: { method: "GET" } },
  { name: "another path", request: { url: `${url}/current` } },
  { name: "Vault CVE-2020-16250: another host", request: { url: url.replace("localhost", "evil.example") } },
  { name: "another port", request: { url: url.replace("8443", "8444") } },
  { name: "plain HTTP", request: { url: url.replace("https", "http") } },
  { name: "made 61 s ago", request: { now: now - 61_000 } },
  { name: "made in 62 s", request: { now: now + 62_000 } },
  { name: "no jti", request: { claims: { jti: undefined } } },
  { name: "a jti of 129 characters", request: { claims: { jti: "x".repeat(129) } } },
  { name: "a jti with a space", request: { claims: { jti: "a b" } } },
  { name: "an empty jti", request: { claims: { jti: "" } } },
  { name: "the method in lower case", request: { method: "post" } },
  { name: "an iat that is no number", request: { claims: { iat: String(Math.floor(now / 1000)) } } },
  { name: "an iat without end", request: { claims: { iat: 1e300 } } },
  { name: "an exp that is over", request: { claims: { exp: Math.floor(now / 1000) - 1 } } },
  { name: "an nbf to come", request: { claims: { nbf: Math.floor(now / 1000) + 60 } } },
  { name: "no typ", request: { header: { typ: undefined } } },
  { name: "a key that is a string", request: { header: { jwk: "key" } } },
  { name: "an empty key", request: { header: { jwk: {} } } },
  { name: "no htm", request: { claims: { htm: undefined } } },
  { name: "htu that is no URL", request: { claims: { htu: ["a"] } } },
  { name: "no iat", request: { claims: { iat: undefined } } },
  { name: "another type", request: { header: { typ: "JWT" } } },
  { name: "alg none", request: { header: { alg: "none" } } },
  { name: "no key", request: { header: { jwk: undefined } } },
];

it.each(refused)("refused: $name", async ({ request }) => {
  const key = await createProofKey();
  const made = key.proof({ method: "POST", url, now, ...request }).catch(() => "not.a.proof");
  expect(await codeOf(verifier.verifyProof(await made, expected))).toBe("proof_invalid");
});

it.each([
  { alg: "RS256", keys: () => generateKeyPairSync("rsa", { modulusLength: 2048 }) },
  { alg: "ES384", keys: () => generateKeyPairSync("ec", { namedCurve: "P-384" }) },
  { alg: "EdDSA", keys: () => generateKeyPairSync("ed25519") },
])("refused: $alg, which is not ES256", async ({ alg, keys }) => {
  const { publicKey, privateKey } = keys();
  const claims = { htm: "POST", htu: url, jti: "1", iat: Math.floor(now / 1000) };
  const header = { alg, typ: "dpop+jwt", jwk: await exportJWK(publicKey) };
  const proof = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
  expect(await codeOf(verifier.verifyProof(proof, expected))).toBe("proof_invalid");
});

it.each(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])(
  "RFC 9449 §4.3: a key with %s, which belongs to private and symmetric ones",
  async (member) => {
    const key = await createProofKey();
    const header = { jwk: { ...key.jwk, [member]: "AA" } };
    const proof = await key.proof({ method: "POST", url, now, header });
    expect(await codeOf(verifier.verifyProof(proof, expected))).toBe("proof_invalid");
  },
);

it("refused: HS256 with the embedded key as the secret", async () => {
  const { jwk } = await createProofKey();
  const claims = { htm: "POST", htu: url, jti: "1", iat: Math.floor(now / 1000) };
  const header = { alg: "HS256", typ: "dpop+jwt", jwk: { kty: "oct", k: String(jwk.x) } };
  const secret = Buffer.from(String(jwk.x), "base64url");
  const proof = await new SignJWT(claims).setProtectedHeader(header as never).sign(secret);
  expect(await codeOf(verifier.verifyProof(proof, expected))).toBe("proof_invalid");
});

it("neither message nor cause quotes the proof", async () => {
  const key = await createProofKey();
  const proofs = [
    await key.proof({ method: "POST", url, now, claims: { htu: "https://canary.example" } }),
    await key.proof({ method: "POST", url, now, claims: { exp: 1, note: "canary" } }),
    "canary.canary.canary",
  ];
  for (const proof of proofs) {
    const error: unknown = await verifier.verifyProof(proof, expected).catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 8 })).not.toMatch(/canary|eyJ/);
  }
});

it("refused: any proof with one character changed, left out or doubled", async () => {
  const key = await createProofKey();
  const proof = await key.proof({ method: "POST", url, now });
  const octetsOf = (text: string) =>
    text.split(".").map((part) => Buffer.from(part, "base64url").toString("hex"));
  const mutation = fc.record({
    at: fc.nat({ max: proof.length - 1 }),
    put: fc.oneof(fc.constant(""), fc.string({ unit: "binary", minLength: 1, maxLength: 3 })),
  });
  const property = fc.asyncProperty(mutation, async ({ at, put }) => {
    const mutant = proof.slice(0, at) + put + proof.slice(at + 1);
    fc.pre(octetsOf(mutant).join() !== octetsOf(proof).join());
    expect(await codeOf(verifier.verifyProof(mutant, expected))).toBe("proof_invalid");
  });
  await fc.assert(property, { numRuns: 150 });
});

it("refused: another access token, and none where one is presented", async () => {
  const key = await createProofKey();
  const other = await key.proof({ method: "POST", url, now, accessToken: "default.other" });
  const none = await key.proof({ method: "POST", url, now });
  for (const proof of [other, none])
    expect(await codeOf(verifier.verifyProof(proof, { ...expected, accessToken }))).toBe("proof_invalid");
});

it("refused: another key than the one that signed, and a private key in the open", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const claims = { htm: "POST", htu: url, jti: "1", iat: Math.floor(now / 1000) };
  const sign = async (jwk: object) =>
    new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk }).sign(privateKey);
  const foreign = await sign(await exportJWK(other.publicKey));
  const open = await sign(await exportJWK(privateKey));
  const good = await sign(await exportJWK(publicKey));
  expect(await codeOf(verifier.verifyProof(foreign, expected))).toBe("proof_invalid");
  expect(await codeOf(verifier.verifyProof(open, expected))).toBe("proof_invalid");
  await expect(verifier.verifyProof(good, expected)).resolves.toBeDefined();
});

it.each(["", "a", "a.b.c", "x".repeat(4_097)])("refused: what is no proof, of %# kind", async (proof) => {
  expect(await codeOf(verifier.verifyProof(proof, expected))).toBe("proof_invalid");
});
