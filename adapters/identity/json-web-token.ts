/** Room: adapters/identity. Tokens of OpenID Connect issuers: RFC 7519 as RFC 8725 wants it read. */
import { errors, type FlattenedJWSInput, type JWSHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import { AppError } from "../../core/errors.ts";
import type { ExpectedToken, VerifiedToken } from "../../core/ports.ts";
import type { KeySets } from "./key-sets.ts";

/** Asymmetric, all of them, so that no public key is ever taken for a secret. RFC 8725 §3.1: never from the header. */
const algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];
const maximumCharacters = 8_192;
const subjectCharacters = 512;
const toleranceSeconds = 30;
const longestSeconds = 86_400;
/**
 * RFC 8725 §3.11: whatever an issuer signs for another purpose under the same keys (proofs, logouts, events) says so
 * here. ID tokens say `JWT` or nothing, access tokens of RFC 9068 say `at+jwt`.
 */
const tokenTypes = /^(?:application\/)?(?:at\+)?jwt$/i;

/** Never with a cause: what a library says of a token quotes it, and its claims may hold personal data. */
function invalid(what: string): AppError {
  return new AppError("token_invalid", `the token ${what}; ask its issuer for another`);
}

function refusal(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired)
    return new AppError("token_expired", "the token has expired; ask its issuer for another");
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(`is refused for its claim ${error.claim}`);
  // jose's codes are a closed set, its messages are not.
  const reason = error instanceof errors.JOSEError ? ` (${error.code})` : "";
  return invalid(`does not verify under the issuer's keys${reason}`);
}

/**
 * The key that the header names, out of the configured issuer's set. jose asks for it after it has refused other
 * algorithms, so these cost no fetch.
 */
function keyOf(keySets: KeySets, expected: ExpectedToken) {
  return async (header: JWSHeaderParameters, token: FlattenedJWSInput) => {
    const keys = await keySets.current(expected, expected.now);
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const newer = await keySets.after(expected, keys, expected.now);
      if (newer === undefined) throw error;
      return newer(header, token);
    }
  };
}

/** `iat` in the past, and a life that is not endless: what was stolen long ago is worth nothing. */
function timesOf({ iat = Number.NaN, exp = Number.NaN }: JWTPayload, now: number) {
  if (iat > now / 1000 + toleranceSeconds) throw invalid("was issued in the future");
  const lifetime = exp - iat;
  // Written so that what is no number is refused.
  if (!(lifetime <= longestSeconds)) throw invalid(`is good for ${lifetime} s, limit ${longestSeconds} s`);
  return { issuedAt: iat * 1000, expiresAt: exp * 1000 };
}

function subjectOf({ sub }: JWTPayload): string {
  // RFC 7519 §4.1.2: a string, which jose does not check.
  if (typeof sub !== "string") throw invalid("has no subject that is a string");
  if (sub.length >= 1 && sub.length <= subjectCharacters) return sub;
  throw invalid(`has a subject of ${sub.length} characters, limit 1 to ${subjectCharacters}`);
}

/** @throws AppError token_invalid, token_expired, issuer_unavailable, configuration_invalid. */
export async function verifyJsonWebToken(
  keySets: KeySets,
  token: string,
  expected: ExpectedToken,
): Promise<VerifiedToken> {
  // Before anything reads it: GO-2025-4193, memory from a token.
  if (token.length > maximumCharacters)
    throw invalid(`has ${token.length} characters, limit ${maximumCharacters}`);
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keyOf(keySets, expected), {
      algorithms,
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: toleranceSeconds,
      currentDate: new Date(expected.now),
      requiredClaims: ["sub", "iat", "exp"],
    });
    const typ: unknown = protectedHeader.typ;
    if (typ !== undefined && !(typeof typ === "string" && tokenTypes.test(typ)))
      throw invalid("is of a type (typ) other than JWT or at+jwt");
    return { subject: subjectOf(payload), ...timesOf(payload, expected.now), claims: payload };
  } catch (error) {
    throw refusal(error);
  }
}
