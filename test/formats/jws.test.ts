/** Compact JWS over remote signatures: verified by jose, and what is not the key's is refused. */
import { createHmac, sign } from "node:crypto";
import { CompactSign, compactVerify } from "jose";
import { describe, expect, test } from "vitest";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { jwkAlgorithm } from "../../core/formats/jwk.ts";
import { assembleJws, decodeJws, jwsSigningInput, verifyJws } from "../../core/formats/jws.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import { makeSubject } from "./certification-request-maker.ts";
import { accepts, refusal, refusalCode } from "./refusal.ts";
import { seededRandom } from "./seeded-random.ts";
import { type Authority, authorityIds, makeAuthority } from "./x509/certificate-maker.ts";

const payload = Buffer.from('{"fleet":"default","ü":1}');
const part = (value: string | Uint8Array): string => Buffer.from(value).toString("base64url");

function signJws(authority: Authority, header: object, content: Uint8Array = payload): string {
  const row = authorityAlgorithms[authority.id];
  const input = jwsSigningInput(header, content);
  return assembleJws(input, row, sign(row.signature.digest, input, authority.privateKey));
}

const authorities = authorityIds.map((id) => ({
  id,
  alg: jwkAlgorithm(authorityAlgorithms[id]),
  authority: makeAuthority(id),
}));

describe.each(authorities)("a JWS of $id", ({ alg, authority }) => {
  const text = signJws(authority, { alg, kid: "k1" });
  const { keyObject } = authority.publicKey;

  test("jose verifies it under the named algorithm alone", async () => {
    const verified = await compactVerify(text, keyObject, { algorithms: [alg] });
    expect(Buffer.from(verified.payload)).toEqual(payload);
    expect(verified.protectedHeader).toEqual({ alg, kid: "k1" });
  });

  test("we verify it, and what jose signs", async () => {
    expect(await verifyJws(decodeJws(text), authority.publicKey)).toBe(true);
    const theirs = await new CompactSign(payload).setProtectedHeader({ alg }).sign(authority.privateKey);
    const decoded = decodeJws(theirs);
    expect(Buffer.from(decoded.payload)).toEqual(payload);
    expect(await verifyJws(decoded, authority.publicKey)).toBe(true);
  });

  test("changed payload, header and signature do not verify", async () => {
    const [header = "", body = "", signature = ""] = text.split(".");
    const flipped = Buffer.from(signature, "base64url");
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    const changed = [
      `${header}.${part("{}")}.${signature}`,
      `${part(JSON.stringify({ alg, kid: "k2" }))}.${body}.${signature}`,
      `${header}.${body}.${part(flipped)}`,
      `${header}.${body}.${part(flipped.subarray(1))}`,
      `${header}.${body}.${part(Buffer.alloc(flipped.length))}`,
    ];
    for (const each of changed) {
      expect(await verifyJws(decodeJws(each), authority.publicKey)).toBe(false);
    }
  });

  test("RFC 8725 §3.1: a header that names any other algorithm does not verify, though the key signed it", async () => {
    const others = [...authorities.map((other) => other.alg), "none", "HS256", "EdDSA", "PS256", "RS384", ""];
    for (const other of others.filter((each) => each !== alg)) {
      expect(await verifyJws(decodeJws(signJws(authority, { alg: other })), authority.publicKey)).toBe(false);
    }
  });

  test("another key does not verify it", async () => {
    const outcomes = authorities.map(
      async (other) => [other.id, await verifyJws(decodeJws(text), other.authority.publicKey)] as const,
    );
    expect((await Promise.all(outcomes)).filter(([, valid]) => valid)).toEqual([[authority.id, true]]);
  });
});

describe("confusion", () => {
  test("RFC 8725 §2.1: an HMAC under the public key's octets does not verify", async () => {
    const { publicKey } = makeAuthority("RSA-3072");
    const input = jwsSigningInput({ alg: "HS256" }, payload);
    const mac = createHmac("sha256", publicKey.keyObject.export({ type: "spki", format: "pem" }));
    const text = `${input.toString("latin1")}.${part(mac.update(input).digest())}`;
    expect(await verifyJws(decodeJws(text), publicKey)).toBe(false);
  });

  test("a key in the header is not looked at", async () => {
    const [mine, theirs] = [makeAuthority("P-256"), makeAuthority("P-256")];
    const jwk = theirs.publicKey.keyObject.export({ format: "jwk" });
    const decoded = decodeJws(signJws(theirs, { alg: "ES256", jwk }));
    expect(await verifyJws(decoded, theirs.publicKey)).toBe(true);
    expect(await verifyJws(decoded, mine.publicKey)).toBe(false);
  });

  test("RFC 7518 §3.4: the DER of an ECDSA signature is none of JOSE", async () => {
    const { privateKey, publicKey } = makeAuthority("P-256");
    const input = jwsSigningInput({ alg: "ES256" }, payload);
    const text = `${input.toString("latin1")}.${part(sign("sha256", input, privateKey))}`;
    expect(await verifyJws(decodeJws(text), publicKey)).toBe(false);
  });

  test("a key that no authority may have verifies nothing", async () => {
    const { spki, privateKey, row } = makeSubject("ML-DSA-44");
    const input = jwsSigningInput({ alg: "ML-DSA-44" }, payload);
    const text = `${input.toString("latin1")}.${part(sign(row.digest, input, privateKey))}`;
    expect(await verifyJws(decodeJws(text), decodeSubjectPublicKey(spki))).toBe(false);
  });
});

test("RFC 7518 §3.4: R and S keep their leading zeros", () => {
  // Ecdsa-Sig-Value (1, 128).
  const text = assembleJws(
    Buffer.from("a.b"),
    authorityAlgorithms["P-256"],
    Buffer.from("3007020101" + "02020080", "hex"),
  );
  const signature = Buffer.from(text.slice(4), "base64url");
  expect(signature.toString("hex")).toBe(`${"00".repeat(31)}01${"00".repeat(31)}80`);
});

test.each([
  { name: "not a SEQUENCE", der: "020101" },
  { name: "one number", der: "3003020101" },
  { name: "a negative number", der: "30060201ff020101" },
  { name: "a number of 33 octets", der: `3026022101${"00".repeat(32)}020101` },
  { name: "octets left over", der: "3009020101020101020101" },
])("an ECDSA signature is refused: $name", ({ der }) => {
  const act = () => assembleJws(Buffer.from("a.b"), authorityAlgorithms["P-256"], Buffer.from(der, "hex"));
  expect(refusalCode(act)).toBe("der_malformed");
});

const jws = (header: string | Uint8Array): string => `${part(header)}.e30.AAAA`;

describe("decodeJws", () => {
  test("RFC 7515 §A.1: gives the header, payload and signature as they stand", () => {
    const text =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx" +
      "lLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const decoded = decodeJws(text);
    expect(decoded.header).toEqual({ typ: "JWT", alg: "HS256" });
    expect(JSON.parse(Buffer.from(decoded.payload).toString())).toHaveProperty("iss", "joe");
    expect(decoded.signingInput.toString()).toBe(text.slice(0, text.lastIndexOf(".")));
    expect(decoded.signature).toHaveLength(32);
  });

  test.each([
    { name: "RFC 7515 §7.1: two parts", text: "e30.e30" },
    { name: "four parts", text: `${jws('{"alg":"ES256"}')}.AAAA` },
    { name: "five parts, which are a JWE", text: `${jws('{"alg":"ES256"}')}.AAAA.AAAA` },
    { name: "nothing", text: "" },
    { name: "RFC 7518 §3.6: no signature", text: `${part('{"alg":"none"}')}.e30.` },
    { name: "RFC 7515 §2: padding", text: `${part('{"alg":"ES256"}')}.e30=.AAAA` },
    { name: "the alphabet of base64", text: `${part('{"alg":"ES256"}')}.e30.AA+/` },
    { name: "RFC 4648 §3.5: padding bits that are set", text: `${part('{"alg":"ES256"}')}.e30.AAB` },
    { name: "one character that stands for no octet", text: `${part('{"alg":"ES256"}')}.e30.AAAAA` },
    { name: "a space", text: `${part('{"alg":"ES256"}')}.e30.AA AA` },
    { name: "a line feed at the end", text: `${jws('{"alg":"ES256"}')}\n` },
    { name: "a header that is not JSON", text: jws("{alg:1}") },
    { name: "a header that is empty", text: jws("") },
    { name: "a header that is an array", text: jws('["alg"]') },
    { name: "a header that is null", text: jws("null") },
    { name: "a header that is not UTF-8", text: jws(Buffer.from('{"alg":"\xff"}', "latin1")) },
    { name: "a byte order mark", text: jws('\ufeff{"alg":"ES256"}') },
    { name: "RFC 7515 §4.1.1: no alg", text: jws("{}") },
    { name: "an alg that is not a string", text: jws('{"alg":["ES256"]}') },
    { name: "RFC 7515 §4.1.11: crit", text: jws('{"alg":"ES256","crit":["b64"],"b64":false}') },
    { name: "crit that is empty", text: jws('{"alg":"ES256","crit":[]}') },
    { name: "RFC 7515 §4: alg twice", text: jws('{"alg":"ES256","alg":"ES256"}') },
    { name: "alg twice, once escaped", text: jws('{"alg":"ES256","\\u0061lg":"none"}') },
    { name: "a member twice further in", text: jws('{"alg":"ES256","jwk":{"a":[{"x":1,"x":2}]}}') },
    { name: "more than 65,536 characters", text: `${jws('{"alg":"ES256"}')}${"A".repeat(65_536)}` },
  ])("refused: $name", ({ text }) => {
    expect(refusalCode(() => decodeJws(text))).toBe("jws_malformed");
  });

  test("the same name in two objects, and quotes and braces inside strings, are no repetition", () => {
    const header = { alg: "ES256", a: { a: '{"a":1,"a":2}', b: [{ a: '\\"' }, { a: "]" }] }, b: ['a":'] };
    expect(decodeJws(jws(JSON.stringify(header))).header).toEqual(header);
  });

  test("the limit is the caller's; the payload may be empty", () => {
    const text = `${part('{"alg":"ES256"}')}..AAAA`;
    expect(decodeJws(text, text.length).payload).toHaveLength(0);
    expect(refusal(() => decodeJws(text, text.length - 1)).message).toBe(
      `not a compact JWS: ${text.length} characters exceed the limit of ${text.length - 1}`,
    );
  });

  test("what was sent is not repeated", () => {
    const { message, cause } = refusal(() => decodeJws(jws("secret")));
    expect(`${message} ${cause}`).not.toContain("secret");
  });

  test("random changes meet an AppError or do not verify", async () => {
    const authority = makeAuthority("Ed25519");
    const text = signJws(authority, { alg: "Ed25519" });
    const random = seededRandom(7);
    const alphabet = ["A", "_", ".", "=", "\u00ff", ""] as const;
    for (let i = 0; i < 500; i += 1) {
      const at = random.below(text.length);
      const changed = text.slice(0, at) + random.pick(alphabet) + text.slice(at + 1);
      if (changed === text || !accepts(() => decodeJws(changed))) continue;
      expect(await verifyJws(decodeJws(changed), authority.publicKey)).toBe(false);
    }
  });
});
