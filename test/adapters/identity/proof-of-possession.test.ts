/** Room: test. RFC 9449 §4.3, line by line; the proofs are made by jose. */
import { generateKeyPairSync } from "node:crypto";
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

it("RFC 9449 §4.3: htu is compared after normalisation, without query and fragment", async () => {
  const key = await createProofKey();
  const htu = "https://LOCALHOST:8443/v1/fleets/default/sessions?a=b#c";
  await expect(
    verifier.verifyProof(await key.proof({ method: "POST", url: htu, now }), expected),
  ).resolves.toBeDefined();
});

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
