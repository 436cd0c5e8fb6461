/** Room: adapters/identity. Passkeys: WebAuthn Level 3 §7.1 and §7.2, read by a library that others keep. */
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { decodeAttestationObject, decodeClientDataJSON, isoBase64URL } from "@simplewebauthn/server/helpers";
import { AppError } from "../../core/errors.ts";
import type { CredentialJson, ExpectedCeremony, Passkey } from "../../core/ports.ts";

/** COSE algorithm identifiers: ES256, EdDSA, RS256. */
const algorithms = [-7, -8, -257];
const maximumCharacters = 32_768;

/** WebAuthn Level 3 §7.1: a credential id of 1,023 octets is the longest; so many characters of base64url. */
const maximumIdCharacters = 1_364;

/** Never with a cause: what a library says of an answer quotes it. */
function invalid(what: string): AppError {
  return new AppError("passkey_invalid", `the passkey's answer ${what}; try again with a new challenge`);
}

function checkSize(response: CredentialJson): void {
  const { length } = JSON.stringify(response);
  if (length > maximumCharacters) throw invalid(`has ${length} characters, limit ${maximumCharacters}`);
}

/**
 * Attestation is not asked for (§5.4.7 `none`). Other formats hold certificates, and a library that judges them may
 * fetch what they point to: nothing of the kind is read.
 */
function checkAttestation({ response }: RegistrationResponseJSON): void {
  const object = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject));
  if (object.get("fmt") !== "none") throw invalid("carries an attestation, which nobody asked for");
}

/**
 * §7.1 and §7.2, `crossOrigin`: nobody signs in here from inside another site's frame. The library lets an answer
 * pass that names no `topOrigin`.
 */
function checkFrame({ clientDataJSON }: { readonly clientDataJSON: string }): void {
  const { crossOrigin = false, topOrigin } = decodeClientDataJSON(clientDataJSON);
  if (crossOrigin || topOrigin !== undefined) throw invalid("was made inside another site's frame");
}

/** Whatever the library throws of untrusted input is the input's fault. */
async function judged<Value>(judge: () => Promise<Value>): Promise<Value> {
  try {
    return await judge();
  } catch (error) {
    throw error instanceof AppError ? error : invalid("does not verify (WebAuthn Level 3 §7)");
  }
}

const ceremony = ({ challenge, origin, relyingPartyId }: ExpectedCeremony) => ({
  expectedChallenge: challenge,
  expectedOrigin: origin,
  expectedRPID: relyingPartyId,
  requireUserVerification: true,
});

/** @throws AppError passkey_invalid. */
export async function verifyPasskeyRegistration(
  json: CredentialJson,
  expected: ExpectedCeremony,
): Promise<Passkey> {
  return judged(async () => {
    checkSize(json);
    const response = json as unknown as RegistrationResponseJSON;
    checkAttestation(response);
    checkFrame(response.response);
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      ...ceremony(expected),
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified) throw invalid("does not verify");
    const { id, publicKey, counter } = registrationInfo.credential;
    if (id !== response.id) throw invalid("names two passkeys");
    if (id.length > maximumIdCharacters)
      throw invalid(`has an id of ${id.length} characters, limit ${maximumIdCharacters}`);
    return {
      credentialId: id,
      publicKey: Uint8Array.from(publicKey),
      signCount: counter,
      relyingPartyId: expected.relyingPartyId,
    };
  });
}

/** @returns The new signature counter. @throws AppError passkey_invalid. */
export async function verifyPasskeyAssertion(
  json: CredentialJson,
  expected: ExpectedCeremony,
  passkey: Passkey,
): Promise<number> {
  return judged(async () => {
    checkSize(json);
    if (json["id"] !== passkey.credentialId) throw invalid("is another passkey's");
    if (passkey.relyingPartyId !== expected.relyingPartyId) throw invalid("is for another site");
    const response = json as unknown as AuthenticationResponseJSON;
    checkFrame(response.response);
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      ...ceremony(expected),
      credential: {
        id: passkey.credentialId,
        publicKey: Uint8Array.from(passkey.publicKey),
        counter: passkey.signCount,
      },
    });
    if (!verified) throw invalid("does not verify");
    return authenticationInfo.newCounter;
  });
}
