/**
 * Room: core. What the product asks of the world about who somebody is, as types only: a part of `ports.ts`, from which
 * it is imported.
 */

/** An issuer of OpenID Connect tokens that somebody configured; keys are fetched from no other. */
export interface TokenIssuer {
  /** https URL, exactly as `iss` has it. */
  readonly issuer: string;
  /** Where its JWK Set is. @default `jwks_uri` of the issuer's discovery document */
  readonly jwksUri?: string;
}

export interface ExpectedToken extends TokenIssuer {
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A JWT whose signature, issuer, audience and times hold (RFC 7519 §4.1, RFC 8725). */
export interface VerifiedToken {
  readonly subject: string;
  /** `iat`, milliseconds since the epoch. */
  readonly issuedAt: number;
  /** `exp`, milliseconds since the epoch. */
  readonly expiresAt: number;
  /** All claims, as the token has them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What a proof of possession must say (RFC 9449 §4.3). */
export interface ExpectedProof {
  readonly method: string;
  /** https URL of the request without query and fragment. */
  readonly url: string;
  /** The access token that the proof comes with; absent where one is asked for. */
  readonly accessToken?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface VerifiedProof {
  /** RFC 7638 SHA-256 thumbprint of the key, base64url. */
  readonly keyThumbprint: string;
  /** `jti`: whoever must refuse a replay remembers it. */
  readonly proofId: string;
  /** Milliseconds since the epoch after which the same proof is refused for its age alone. */
  readonly expiresAt: number;
}

/** A passkey as it is kept: public, all of it. */
export interface Passkey {
  /** base64url. */
  readonly credentialId: string;
  /** COSE_Key, CBOR. */
  readonly publicKey: Uint8Array;
  /** Signature counter; 0 from authenticators that keep none. */
  readonly signCount: number;
  /** Relying party id under which it was made. */
  readonly relyingPartyId: string;
}

/** What the browser must have been asked for, where, and by whom. */
export interface ExpectedCeremony {
  /** base64url. */
  readonly challenge: string;
  /** `https://host[:port]`. */
  readonly origin: string;
  /** A domain: the origin's host, or one above it. */
  readonly relyingPartyId: string;
}

/** PublicKeyCredential.toJSON() of a registration or an authentication (WebAuthn Level 3 §5.1). */
export type CredentialJson = Readonly<Record<string, unknown>>;

/** Proofs of identity in formats that well-kept libraries read: OpenID Connect, DPoP, WebAuthn. */
export interface IdentityVerifier {
  /**
   * Algorithms are pinned to asymmetric ones; keys come from the issuer's JWK Set alone, cached, of bounded size.
   * @throws AppError token_invalid (also: too long, no such key); token_expired; issuer_unavailable (worth a retry).
   */
  verifyToken(token: string, expected: ExpectedToken): Promise<VerifiedToken>;
  /** DPoP, RFC 9449 §4.3, but for the replay of its id. @throws AppError proof_invalid. */
  verifyProof(proof: string, expected: ExpectedProof): Promise<VerifiedProof>;
  /** User verification is demanded. @throws AppError passkey_invalid. */
  verifyRegistration(response: CredentialJson, expected: ExpectedCeremony): Promise<Passkey>;
  /**
   * User verification is demanded, and a signature counter that does not fall back.
   * @returns The new signature counter. @throws AppError passkey_invalid.
   */
  verifyAssertion(response: CredentialJson, expected: ExpectedCeremony, passkey: Passkey): Promise<number>;
}
