/** Room: core/enrollment. One-time token: bound to fleet, device, profile and expiry; used up by one request. */
import { AppError } from "../../errors.ts";
import type { KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import { type TokenRecord, tokenItem, tokenKey, tokenRecord } from "../../records/token-record.ts";
import { profiles } from "../../standard/profiles.ts";
import type { EnrollmentCredential } from "../credential.ts";
import { tokenDigest } from "../token.ts";

/** One read, of the fleet's own tokens only. @throws AppError credential_invalid. */
export async function findToken(app: KeylessApp, fleet: string, token: string): Promise<Stored<TokenRecord>> {
  const item = await app.items.get(tokenKey(fleet, tokenDigest(token)));
  if (item !== undefined) return tokenRecord(item);
  throw new AppError(
    "credential_invalid",
    "the enrolment token is not known in this fleet; ask for a new one",
  );
}

function spent(): AppError {
  return new AppError(
    "credential_spent",
    "the enrolment token was used for another request; repeat that request byte for byte, or ask for a new token",
  );
}

export const tokenCredential: EnrollmentCredential<Stored<TokenRecord>> = {
  method: "token",
  async authorise(app, _context, { value: token, version }) {
    if (token.state === "fresh" && token.expiresAt <= app.clock.now())
      throw new AppError("credential_expired", "the enrolment token has expired; ask for a new one");
    return {
      credential: `token:${token.digest}`,
      deviceId: token.deviceId,
      profile: profiles[token.profile],
      consume: [{ put: tokenItem({ ...token, state: "spent" }), when: version }],
      taken: spent,
      spent: token.state === "spent",
    };
  },
};
