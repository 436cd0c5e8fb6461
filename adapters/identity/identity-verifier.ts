/**
 * Room: adapters/identity. The IdentityVerifier port over jose and SimpleWebAuthn. Every function carries this, and
 * few requests need it: the libraries are loaded by the first one that does.
 */
import type { IdentityVerifier } from "../../core/ports.ts";
import type { FetchOptions } from "./bounded-json.ts";
import type { KeySets } from "./key-sets.ts";

/** @param options How issuers' keys are fetched. */
export function identityVerifier(options: FetchOptions = {}): IdentityVerifier {
  let keySets: Promise<KeySets> | undefined;
  const loadKeySets = async (): Promise<KeySets> => {
    keySets ??= import("./key-sets.ts").then((module) => new module.KeySets(options));
    return keySets;
  };
  return {
    async verifyToken(token, expected) {
      const { verifyJsonWebToken } = await import("./json-web-token.ts");
      return verifyJsonWebToken(await loadKeySets(), token, expected);
    },
    async verifyProof(proof, expected) {
      const { verifyProofOfPossession } = await import("./proof-of-possession.ts");
      return verifyProofOfPossession(proof, expected);
    },
    async verifyRegistration(response, expected) {
      const { verifyPasskeyRegistration } = await import("./passkey.ts");
      return verifyPasskeyRegistration(response, expected);
    },
    async verifyAssertion(response, expected, passkey) {
      const { verifyPasskeyAssertion } = await import("./passkey.ts");
      return verifyPasskeyAssertion(response, expected, passkey);
    },
  };
}
