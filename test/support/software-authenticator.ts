/**
 * Room: test/support. An authenticator in software: makes passkeys and signs with them as WebAuthn Level 3 §6.1 and
 * §6.5 have it, and answers as PublicKeyCredential.toJSON() does. Whatever it says may be overridden, so that tests
 * can show what is refused:
 *
 *     const authenticator = softwareAuthenticator({ origin: "https://localhost:8443", relyingPartyId: "localhost" });
 *     const registration = authenticator.register(challenge, { userHandle: "operator-1" });
 *     const good = authenticator.assert(challenge);
 *     const bad = authenticator.assert(challenge, { userVerified: false });
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { bytes, coseKey, map, text } from "./cose-key.ts";

export interface AuthenticatorOptions {
  /** `https://host[:port]`. */
  readonly origin: string;
  readonly relyingPartyId: string;
  /** @default "ES256" */
  readonly algorithm?: AuthenticatorAlgorithm;
  /** Octets of the credential id. @default 32 */
  readonly idLength?: number;
}

export interface AnswerOptions {
  readonly origin?: string;
  readonly relyingPartyId?: string;
  /** @default true, both */
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  /** @default one more than before */
  readonly signCount?: number;
  readonly type?: string;
  /** Attestation statement format. @default "none" */
  readonly format?: string;
  /** Who the passkey is for, kept from the registration on. @default what it was last, or left out */
  readonly userHandle?: string;
  /** Members of the client data beside or instead of the right ones, such as `crossOrigin`. */
  readonly clientData?: Readonly<Record<string, unknown>>;
}

export interface CredentialJson extends Record<string, unknown> {
  readonly id: string;
  /** base64url, what is a string. */
  readonly response: Readonly<Record<string, unknown>> & {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature?: string;
    readonly attestationObject?: string;
  };
}

export interface SoftwareAuthenticator {
  /** base64url. */
  readonly credentialId: string;
  /** `challenge` in base64url, both. */
  register(challenge: string, options?: AnswerOptions): CredentialJson;
  assert(challenge: string, options?: AnswerOptions): CredentialJson;
}

const base64url = (octets: Uint8Array | string): string => Buffer.from(octets).toString("base64url");
const sha256 = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();

/** `cose`: RFC 9053 §2, RFC 8812 §2. The last is one that relying parties do not ask for. */
const algorithms = {
  ES256: { cose: -7, digest: "sha256", keys: () => generateKeyPairSync("ec", { namedCurve: "P-256" }) },
  EdDSA: { cose: -8, digest: null, keys: () => generateKeyPairSync("ed25519") },
  RS256: { cose: -257, digest: "sha256", keys: () => generateKeyPairSync("rsa", { modulusLength: 2048 }) },
  ES384: { cose: -35, digest: "sha384", keys: () => generateKeyPairSync("ec", { namedCurve: "P-384" }) },
} satisfies Record<
  string,
  {
    cose: number;
    digest: string | null;
    keys: () => { publicKey: KeyObject; privateKey: KeyObject };
  }
>;

export type AuthenticatorAlgorithm = keyof typeof algorithms;

export function softwareAuthenticator(own: AuthenticatorOptions): SoftwareAuthenticator {
  const { cose, digest, keys } = algorithms[own.algorithm ?? "ES256"];
  const { privateKey, publicKey } = keys();
  const id = randomBytes(own.idLength ?? 32);
  let count = 0;
  let handle: string | undefined;

  const clientData = (type: string, challenge: string, options: AnswerOptions): Buffer => {
    const right = { type: options.type ?? type, challenge, origin: options.origin ?? own.origin };
    return Buffer.from(JSON.stringify({ ...right, crossOrigin: false, ...options.clientData }));
  };

  const authenticatorData = (options: AnswerOptions, attested: boolean): Buffer => {
    const { userPresent = true, userVerified = true, signCount } = options;
    count = signCount ?? count + 1;
    const flags = (userPresent ? 0x01 : 0) | (userVerified ? 0x04 : 0) | (attested ? 0x40 : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count);
    const idLength = Buffer.from([id.length >> 8, id.length & 0xff]);
    return Buffer.concat([
      sha256(options.relyingPartyId ?? own.relyingPartyId),
      Buffer.from([flags]),
      counter,
      ...(attested ? [Buffer.alloc(16), idLength, id, coseKey(publicKey, cose)] : []),
    ]);
  };

  const credential = (response: CredentialJson["response"]): CredentialJson => ({
    id: base64url(id),
    rawId: base64url(id),
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: {},
    response,
  });

  return {
    credentialId: base64url(id),
    register(challenge, options = {}) {
      handle = options.userHandle ?? handle;
      const data = authenticatorData(options, true);
      const attestationObject = map(
        [text("fmt"), text(options.format ?? "none")],
        [text("attStmt"), map()],
        [text("authData"), bytes(data)],
      );
      return credential({
        clientDataJSON: base64url(clientData("webauthn.create", challenge, options)),
        authenticatorData: base64url(data),
        attestationObject: base64url(attestationObject),
        publicKey: base64url(publicKey.export({ type: "spki", format: "der" })),
        publicKeyAlgorithm: cose,
        transports: ["internal"],
      });
    },
    assert(challenge, options = {}) {
      const client = clientData("webauthn.get", challenge, options);
      const data = authenticatorData(options, false);
      const userHandle = options.userHandle ?? handle;
      return credential({
        clientDataJSON: base64url(client),
        authenticatorData: base64url(data),
        signature: base64url(sign(digest, Buffer.concat([data, sha256(client)]), privateKey)),
        ...(userHandle === undefined ? {} : { userHandle: base64url(userHandle) }),
      });
    },
  };
}
