/** Room: test/support. The few items of CBOR (RFC 8949 §3) that an authenticator writes, and its public key in them. */
import type { KeyObject } from "node:crypto";

/** Major type and argument below 65,536. */
function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument]);
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument]);
  return Buffer.from([(major << 5) | 25, argument >> 8, argument & 0xff]);
}

export const integer = (value: number): Buffer => (value >= 0 ? head(0, value) : head(1, -1 - value));

export const bytes = (value: Uint8Array): Buffer => Buffer.concat([head(2, value.length), value]);

export const text = (value: string): Buffer =>
  Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);

export const map = (...pairs: readonly (readonly [Buffer, Buffer])[]): Buffer =>
  Buffer.concat([head(5, pairs.length), ...pairs.flat()]);

const curves: Readonly<Record<string, number>> = { "P-256": 1, "P-384": 2, Ed25519: 6 };
const member = (name: string | undefined): Buffer => bytes(Buffer.from(name ?? "", "base64url"));

/** COSE_Key of RFC 9053 §7.1.1 (EC2), §7.2 (OKP), RFC 8230 §4 (RSA). */
export function coseKey(publicKey: KeyObject, algorithm: number): Buffer {
  const { kty, crv = "", x, y, n, e } = publicKey.export({ format: "jwk" });
  const alg = [integer(3), integer(algorithm)] as const;
  const curve = [integer(-1), integer(curves[crv] ?? 0)] as const;
  if (kty === "RSA")
    return map([integer(1), integer(3)], alg, [integer(-1), member(n)], [integer(-2), member(e)]);
  if (kty === "OKP") return map([integer(1), integer(1)], alg, curve, [integer(-2), member(x)]);
  return map([integer(1), integer(2)], alg, curve, [integer(-2), member(x)], [integer(-3), member(y)]);
}
