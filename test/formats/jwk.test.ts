/** JSON Web Keys and thumbprints, against the vectors of the RFCs and against jose. */
import { createPublicKey, type JsonWebKey } from "node:crypto";
import { calculateJwkThumbprint, exportJWK } from "jose";
import { describe, expect, test } from "vitest";
import {
  type AuthorityAlgorithmId,
  authorityAlgorithms,
  keyAlgorithms,
} from "../../core/formats/algorithms.ts";
import { jwkAlgorithm, jwkThumbprint, type PublicJwk, publicJwk } from "../../core/formats/jwk.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../core/formats/spki.ts";
import { makeSubject, subjectAlgorithms } from "./certification-request-maker.ts";
import { refusalCode } from "./refusal.ts";

function keyOf(jwk: JsonWebKey): SubjectPublicKey {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return decodeSubjectPublicKey(key.export({ type: "spki", format: "der" }));
}

const rfc7638: PublicJwk = {
  kty: "RSA",
  n:
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4" +
    "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0" +
    "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-cs" +
    "FCur-kEgU8awapJzKnqDKgw",
  e: "AQAB",
};

const rfc8037: PublicJwk = {
  kty: "OKP",
  crv: "Ed25519",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};

describe("vectors", () => {
  test("RFC 7638 §3.1: RSA thumbprint", () => {
    expect(jwkThumbprint(rfc7638)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    expect(publicJwk(keyOf({ ...rfc7638 }))).toEqual(rfc7638);
  });

  test("RFC 8037 §A.3: Ed25519 thumbprint", () => {
    expect(jwkThumbprint(rfc8037)).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    expect(publicJwk(keyOf({ ...rfc8037 }))).toEqual(rfc8037);
  });

  test.each([
    {
      name: "x",
      point:
        "0052989307f70af8c60433318c28bda84b31067f5380affdf3c34a3f6c285603" +
        "82ccdb7dcbfa950bd0dc03f5bec8b63a5aea69d9957568d9b18e7fab88213fbe",
    },
    {
      name: "y",
      point:
        "bce08005c72dabf083d7a58bbe443889a1552aed0d70eb28ef7ec9c15c6be30a" +
        "00e9bf0ae8bc2c9ac68f5829e8e287683731675d619556e837c71dd3957fba16",
    },
  ])("RFC 7518 §6.2.1.2: $name keeps its leading zero octet", async ({ point }) => {
    const octets = Buffer.from(point, "hex");
    const head = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
    const key = decodeSubjectPublicKey(Buffer.concat([head, octets]));
    const jwk = publicJwk(key);
    expect(jwk).toEqual({
      kty: "EC",
      crv: "P-256",
      x: octets.subarray(0, 32).toString("base64url"),
      y: octets.subarray(32).toString("base64url"),
    });
    expect(jwkThumbprint(jwk)).toBe(await calculateJwkThumbprint(await exportJWK(key.keyObject)));
  });
});

describe.each(subjectAlgorithms.map((id) => ({ id })))("a key of $id", ({ id }) => {
  const { spki } = makeSubject(id);
  const key = decodeSubjectPublicKey(spki);
  const jwk = publicJwk(key);

  test("jose exports the same members", async () => {
    expect(jwk).toEqual(await exportJWK(key.keyObject));
  });

  test("jose calculates the same thumbprint", async () => {
    expect(jwkThumbprint(jwk)).toBe(await calculateJwkThumbprint({ ...jwk }));
  });

  test("node:crypto reads the very same key from it", () => {
    expect(keyOf({ ...jwk }).der).toEqual(spki);
  });

  test("RFC 7638 §3.2: members that are not required do not count", () => {
    expect(jwkThumbprint(Object.assign({ kid: "1", use: "sig" }, jwk))).toBe(jwkThumbprint(jwk));
  });
});

test("every key algorithm is among those tested", () => {
  expect([...subjectAlgorithms].sort()).toEqual(Object.keys(keyAlgorithms).sort());
});

test.each([
  { id: "P-256", alg: "ES256" },
  { id: "P-384", alg: "ES384" },
  { id: "RSA-3072", alg: "RS256" },
  { id: "RSA-4096", alg: "RS512" },
  { id: "Ed25519", alg: "Ed25519" },
  { id: "ML-DSA-65", alg: "ML-DSA-65" },
  { id: "ML-DSA-87", alg: "ML-DSA-87" },
] satisfies readonly { id: AuthorityAlgorithmId; alg: string }[])("RFC 7518 §3.1: $id is $alg", (row) => {
  expect(jwkAlgorithm(authorityAlgorithms[row.id])).toBe(row.alg);
});

test("a row that is none of ours has no JOSE name", () => {
  const row = { ...authorityAlgorithms["P-256"], id: "P-521" };
  expect(refusalCode(() => jwkAlgorithm(row))).toBe("key_unsupported");
});
