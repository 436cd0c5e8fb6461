/** Room: core/access. An operator proves who it is by an ID token of an identity provider that the fleet trusts. */
import { hash } from "node:crypto";
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, VerifiedToken } from "../ports.ts";
import type { OperatorIssuer } from "../records/fleet-configuration.ts";
import { oidcSubjectHash } from "../records/oidc-subject-record.ts";

/** An ID token that holds; what it was asked for (`nonce`) is the caller's to compare. */
export interface ProvenToken {
  readonly issuer: OperatorIssuer;
  /** As `oidcSubjectHash` gives it. */
  readonly subjectHash: string;
  /** Absent where the token has none, or none that is text. */
  readonly nonce?: string;
  /** `auth_time`, milliseconds since the epoch; absent where the token has none. */
  readonly authenticatedAt?: number;
}

const invalid = (what: string): AppError =>
  new AppError("token_invalid", `the ID token ${what}; sign in at the identity provider again`);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Before anything reads it: GO-2025-4193, memory from a token. */
const maximumCharacters = 8_192;

/** What the token says of itself: worth nothing but to choose under whose keys it must verify. */
function unverifiedClaims(idToken: string): Readonly<Record<string, unknown>> {
  const [, payload = ""] = idToken.length > maximumCharacters ? [] : idToken.split(".", 3);
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    if (isRecord(claims)) return claims;
  } catch {
    // The parser's message quotes the token.
  }
  throw invalid("is no JWT of at most 8192 characters");
}

function names(audience: unknown, wanted: string): boolean {
  return audience === wanted || (Array.isArray(audience) && audience.includes(wanted));
}

/** RFC 8725 §3.8, §3.9: exactly as configured, issuer and audience both. */
function issuerOf({ configuration }: Fleet, idToken: string): OperatorIssuer {
  const { iss, aud } = unverifiedClaims(idToken);
  const found = configuration.operatorIssuers.find(
    ({ issuer, audience }) => issuer === iss && names(aud, audience),
  );
  if (found !== undefined) return found;
  throw invalid("is not from an identity provider of this fleet, or not for this service");
}

/** OpenID Connect Core §2; RFC 8176: `amr` lists methods, `acr` is one class. */
function provesSecondFactor(claims: VerifiedToken["claims"], { mfa }: OperatorIssuer): boolean {
  const claim = Object.hasOwn(claims, mfa.claim) ? claims[mfa.claim] : undefined;
  return mfa.claim === "amr" ? Array.isArray(claim) && claim.includes(mfa.value) : claim === mfa.value;
}

/**
 * @throws AppError token_invalid (malformed, another issuer's or audience's, no second factor), token_expired,
 * issuer_unavailable.
 */
export async function proveToken(app: KeylessApp, fleet: Fleet, idToken: string): Promise<ProvenToken> {
  const issuer = issuerOf(fleet, idToken);
  const { mfa: _, ...expected } = issuer;
  const token = await app.identities.verifyToken(idToken, { ...expected, now: app.clock.now() });
  const { azp = issuer.audience } = token.claims;
  // OpenID Connect Core §3.1.3.7 step 5: issued to this client, whoever else may read it.
  if (azp !== issuer.audience) throw invalid("was issued to another client");
  if (!provesSecondFactor(token.claims, issuer))
    throw invalid(`does not prove a second factor (claim ${issuer.mfa.claim})`);
  const { nonce, auth_time: authTime } = token.claims;
  return {
    issuer,
    subjectHash: oidcSubjectHash(issuer.issuer, hash("sha256", token.subject)),
    ...(typeof nonce === "string" ? { nonce } : {}),
    ...(typeof authTime === "number" ? { authenticatedAt: authTime * 1000 } : {}),
  };
}
