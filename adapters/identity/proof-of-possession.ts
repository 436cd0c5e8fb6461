/** Room: adapters/identity. DPoP proofs: RFC 9449 §4.3, but for the replay of `jti`, which needs a store. */
import { hash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWTPayload, jwtVerify } from "jose";
import { AppError } from "../../core/errors.ts";
import type { ExpectedProof, VerifiedProof } from "../../core/ports.ts";

const maximumCharacters = 4_096;
const windowMilliseconds = 60_000;
const idPattern = /^[\x21-\x7e]{1,128}$/;
/** RFC 3986 §2: what a URI is written with. WHATWG's parser mends what is not, so it may not see it. */
const uriPattern =
  /^https:\/\/[A-Za-z0-9\-._~:[\]@!$&'()*+,;=%]+(?:[/?#][A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*)?$/i;
/** RFC 7518 §6: members of private and symmetric keys. */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/** Never with a cause: what a library says of a proof may quote it. */
function invalid(what: string): AppError {
  return new AppError("proof_invalid", `the DPoP proof ${what}; make a new one for this request`);
}

/** RFC 9449 §4.3: compared after normalisation, without query and fragment. */
function isSameUrl(claimed: unknown, expected: string): boolean {
  if (typeof claimed !== "string" || !uriPattern.test(claimed) || !URL.canParse(claimed)) return false;
  const url = new URL(claimed);
  url.search = "";
  url.hash = "";
  return url.href === new URL(expected).href;
}

function checkClaims(
  payload: JWTPayload,
  expected: ExpectedProof,
): { readonly proofId: string; readonly at: number } {
  const { jti, iat } = payload;
  if (payload["htm"] !== expected.method) throw invalid(`is not for method ${expected.method}`);
  if (!isSameUrl(payload["htu"], expected.url)) throw invalid("is for another URL");
  if (typeof jti !== "string" || !idPattern.test(jti)) throw invalid("has no jti of 1 to 128 characters");
  if (typeof iat !== "number" || Math.abs(iat * 1000 - expected.now) > windowMilliseconds)
    throw invalid(`was not made within ${windowMilliseconds / 1000} s of the service's clock`);
  const { accessToken } = expected;
  if (accessToken !== undefined && payload["ath"] !== hash("sha256", accessToken, "base64url"))
    throw invalid("is for another access token");
  return { proofId: jti, at: iat * 1000 };
}

/** @throws AppError proof_invalid. */
export async function verifyProofOfPossession(
  proof: string,
  expected: ExpectedProof,
): Promise<VerifiedProof> {
  if (proof.length > maximumCharacters)
    throw invalid(`has ${proof.length} characters, limit ${maximumCharacters}`);
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: ["ES256"],
      typ: "dpop+jwt",
      currentDate: new Date(expected.now),
    });
    const { jwk = {} } = protectedHeader;
    if (privateMembers.some((member) => member in jwk)) throw invalid("carries a private key");
    const { proofId, at } = checkClaims(payload, expected);
    return {
      keyThumbprint: await calculateJwkThumbprint(jwk, "sha256"),
      proofId,
      expiresAt: at + windowMilliseconds,
    };
  } catch (error) {
    if (error instanceof AppError) throw error;
    // jose's codes are a closed set, its messages are not.
    const reason = error instanceof errors.JOSEError ? `, ${error.code}` : "";
    throw invalid(`does not verify (RFC 9449 §4.3${reason})`);
  }
}
