/** Room: lambdas/http. What requests about data at rest look like. */
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import type { ContextRequest } from "../../core/policy/encryption-context.ts";
import type { EncryptedDataKey } from "../../core/ports.ts";
import { shredReasons } from "../../core/records/shred-record.ts";
import { dataKeyPairAlgorithms, protectionStandard } from "../../core/standard/protection.ts";
import { page } from "./fields.ts";
import { decodeBase64 } from "./request.ts";
import { documented, lazily } from "./schemas.ts";

const { plaintextBytes } = protectionStandard.message;
/** Octets of a message beyond its plaintext: header, context, one wrapped key, the tags of at most four frames. */
const messageOverheadBytes = 16_384;
const messageBytes = plaintextBytes + messageOverheadBytes;

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be one of ${words.join(", ")}` });

/** Base64 (RFC 4648 §4) of at most `bytes` octets; decoded where it is used. */
const base64 = (bytes: number, description: string) => {
  const characters = Math.ceil(bytes / 3) * 4;
  const message = `must be base64 of at most ${bytes.toLocaleString("en")} octets`;
  return documented(z.string({ error: message }).check(z.maxLength(characters, { error: message })), {
    description,
  });
};

/** @throws AppError request_invalid; the message names the member and quotes nothing. */
export function octetsOf(encoded: string, member: string, maximum: number): Buffer {
  const octets = decodeBase64(encoded);
  if (octets === undefined)
    throw new AppError("request_invalid", `body: ${member} is not base64 with padding (RFC 4648 §4)`);
  if (octets.byteLength <= maximum) return octets;
  throw new AppError(
    "request_too_large",
    `${member} has ${octets.byteLength} octets, limit ${maximum}; split it, or encrypt it where it is with a data key`,
  );
}

export const messageOf = (encoded: string): Buffer => octetsOf(encoded, "message", messageBytes);
export const operatorMessageOf = (encoded: string): Buffer =>
  octetsOf(encoded, "message", protectionStandard.operatorMessageBytes);
export const plaintextOf = (encoded: string): Buffer => octetsOf(encoded, "plaintext", plaintextBytes);

const member = z.string({ error: "must be text" }).check(
  z.maxLength(protectionStandard.context.valueCharacters, {
    error: `must have at most ${protectionStandard.context.valueCharacters} characters`,
  }),
);

const contextMessage = "must be an object of texts, `purpose` and `subject` among them";

/** Names of members are the caller's own text: a refusal repeats none, which zod's records would. */
function isContext(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const isText = Object.values(value).every((each) => typeof each === "string");
  return isText && Object.hasOwn(value, "purpose") && Object.hasOwn(value, "subject");
}

const contextShape = {
  type: "object",
  required: ["purpose", "subject"],
  properties: {
    purpose: { type: "string", description: "What the data is for." },
    subject: { type: "string", description: "Whose data it is: an opaque id." },
    fleet: { type: "string", description: "The path's own, if it is given." },
  },
  additionalProperties: { type: "string" },
  example: { purpose: "observations", subject: "s-7f3a91" },
};

export const encryptionContext = lazily(() =>
  documented(z.custom<Readonly<Record<string, string>>>(isContext, { error: contextMessage }), {
    id: "EncryptionContext",
    description:
      "What the ciphertext is bound to: `purpose`, `subject` and up to 8 more, all opaque; the service adds `fleet`. It stands in the clear beside the ciphertext and in the log of the key service: never a name, a number or an address of a person.",
    override: ({ jsonSchema }) => {
      Object.assign(jsonSchema, contextShape);
    },
  }),
);
type EncryptionContext = Readonly<Record<string, string>>;

/** @throws AppError request_invalid: it names another fleet than the path. */
export function contextRequest(fleet: string, context: EncryptionContext): ContextRequest {
  const { purpose = "", subject = "", fleet: named = fleet, ...extra } = context;
  if (named === fleet) return { purpose, subject, extra };
  throw new AppError("request_invalid", "context names another fleet than the path; leave it out");
}

const wrappedPart = (description: string) => base64(2_048, description);
export const wrappedDataKey = lazily(() =>
  documented(
    z.strictObject({
      providerId: documented(z.string().check(z.maxLength(128)), { example: "fleetkey" }),
      providerInfo: wrappedPart("Which key wraps it."),
      encryptedDataKey: wrappedPart("The data key, wrapped."),
    }),
    {
      id: "WrappedDataKey",
      description: "As it stands in a message of the AWS Encryption SDK (Encrypted data key).",
    },
  ),
);

export function encryptedDataKey(wrapped: z.infer<ReturnType<typeof wrappedDataKey>>): EncryptedDataKey {
  const { providerId, providerInfo, encryptedDataKey: key } = wrapped;
  return {
    providerId,
    providerInfo: octetsOf(providerInfo, "wrapped.providerInfo", 2_048),
    encryptedDataKey: octetsOf(key, "wrapped.encryptedDataKey", 2_048),
  };
}

export const createDataKeyRequest = lazily(() =>
  documented(
    z.strictObject({
      context: encryptionContext(),
      plaintext: z.exactOptional(
        documented(z.boolean(), { description: "Whether the key is given in the clear too. Default: true." }),
      ),
    }),
    { id: "CreateDataKeyRequest" },
  ),
);
export const unwrapDataKeyRequest = lazily(() =>
  documented(z.strictObject({ context: encryptionContext(), wrapped: wrappedDataKey() }), {
    id: "UnwrapDataKeyRequest",
  }),
);
export const createDataKeyPairRequest = lazily(() =>
  documented(
    z.strictObject({
      context: encryptionContext(),
      keyAlgorithm: z.exactOptional(oneOf(dataKeyPairAlgorithms)),
    }),
    { id: "CreateDataKeyPairRequest" },
  ),
);
export const subjectKeyRequest = lazily(() =>
  documented(z.strictObject({ subject: documented(member, { description: "Whose key: an opaque id." }) }), {
    id: "SubjectKeyRequest",
  }),
);
export const encryptRequest = lazily(() =>
  documented(
    z.strictObject({ context: encryptionContext(), plaintext: base64(plaintextBytes, "What to encrypt.") }),
    { id: "EncryptRequest" },
  ),
);
const message = lazily(() =>
  base64(messageBytes, "AWS Encryption SDK, message format version 2, with key commitment."),
);
export const decryptRequest = lazily(() =>
  documented(z.strictObject({ context: encryptionContext(), message: message() }), { id: "DecryptRequest" }),
);
export const reencryptRequest = lazily(() =>
  documented(
    z.strictObject({
      context: encryptionContext(),
      message: message(),
      to: z.exactOptional(encryptionContext()),
    }),
    { id: "ReencryptRequest" },
  ),
);

const { operatorMessageBytes, reasonCharacters } = protectionStandard;
export const operatorDecryptionRequest = lazily(() => {
  const reason = `must be text of 1 to ${reasonCharacters} characters`;
  return documented(
    z.strictObject({
      context: encryptionContext(),
      message: base64(operatorMessageBytes, "The message to read."),
      reason: documented(
        z
          .string({ error: reason })
          .check(z.minLength(1, { error: reason }), z.maxLength(reasonCharacters, { error: reason })),
        { description: "Why, in your own words; kept sealed, for whoever audits it." },
      ),
    }),
    { id: "OperatorDecryptionRequest" },
  );
});

export const shredRequest = lazily(() =>
  documented(
    z.strictObject({
      scope: documented(oneOf(["subject", "fleet"]), {
        description: "Of one subject, or of everything that the fleet has protected.",
      }),
      subject: z.exactOptional(documented(member, { description: "With scope `subject`." })),
      reason: oneOf(shredReasons),
    }),
    { id: "ShredRequest" },
  ),
);

export const listOperatorDecryptionsQuery = lazily(() => z.strictObject(page("readings")));
export const listReencryptionsQuery = lazily(() => z.strictObject(page("re-encryptions")));
export const listShredsQuery = lazily(() => z.strictObject(page("destructions")));
