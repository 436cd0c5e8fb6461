/**
 * Room: test/support. The holder of a session's key: makes DPoP proofs (RFC 9449 §4.2) with jose, so that what the
 * product reads was written by somebody else.
 */
import { hash, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  /** The access token that the proof goes with. */
  readonly accessToken?: string;
  /** Milliseconds since the epoch. @default now */
  readonly now?: number;
  /** Claims instead of those that follow from the above; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Members of the header instead of the right ones. */
  readonly header?: Readonly<Record<string, unknown>>;
}

export interface ProofKey {
  readonly jwk: JWK;
  /** RFC 7638, base64url. */
  readonly thumbprint: string;
  proof(request: ProofRequest): Promise<string>;
}

/** A new P-256 key. */
export async function createProofKey(): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk,
    thumbprint: await calculateJwkThumbprint(jwk),
    async proof({ method, url, accessToken, now = Date.now(), claims = {}, header = {} }) {
      const all = {
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(now / 1000),
        ...(accessToken === undefined ? {} : { ath: hash("sha256", accessToken, "base64url") }),
        ...claims,
      };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(payload)
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk, ...header })
        .sign(privateKey);
    },
  };
}
