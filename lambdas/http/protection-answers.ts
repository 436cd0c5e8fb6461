/** Room: lambdas/http. What answers about data at rest look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { operatorDecryptionStates } from "../../core/records/operator-decryption-record.ts";
import { reencryptionStates } from "../../core/records/reencryption-record.ts";
import { shredReasons, shredStates } from "../../core/records/shred-record.ts";
import { time } from "./answer-schemas.ts";
import { wrappedDataKey } from "./protection-schemas.ts";
import { cursor, decryptionId, documented, operatorId, reencryptionId, shredId } from "./schemas.ts";

const base64 = (description: string) => documented(z.string(), { description });
const count = (description: string) => documented(z.int(), { description });
const context = documented(z.record(z.string(), z.string()), {
  description: "The whole context that it is bound to, `fleet` included.",
});
const message = base64("Base64 of a message of the AWS Encryption SDK.");

export const dataKey = documented(
  z.strictObject({
    context,
    wrapped: wrappedDataKey(),
    plaintext: z.exactOptional(base64("Base64 of 32 octets; overwrite it when you are done with it.")),
  }),
  { id: "DataKey" },
);
export const unwrappedDataKey = documented(
  z.strictObject({ plaintext: base64("Base64 of 32 octets; overwrite it when you are done with it.") }),
  { id: "UnwrappedDataKey" },
);
export const dataKeyPair = documented(
  z.strictObject({
    context,
    keyAlgorithm: z.string(),
    publicKey: documented(z.string(), { description: "SubjectPublicKeyInfo, PEM." }),
    wrappedPrivateKey: base64(
      "Base64 of a message whose plaintext is the PKCS #8 private key (DER): whoever may decrypt the context opens it.",
    ),
  }),
  { id: "DataKeyPair" },
);
export const subjectKey = documented(
  z.strictObject({
    subject: z.string(),
    version: count("From 1; new data go under the highest."),
    keyName: documented(z.string(), {
      description: "Name of the key in messages; its namespace is `fleetkey`.",
    }),
    keyId: documented(z.string(), { description: "The wrapping key: on AWS the ARN of a KMS key." }),
    wrapped: base64("Base64 of what that key makes of it."),
    context: documented(z.record(z.string(), z.string()), {
      description: "The context under which the wrapping key opens it.",
    }),
  }),
  { id: "SubjectKey" },
);
export const encryptedData = documented(z.strictObject({ context, message }), { id: "EncryptedData" });
export const decryptedData = documented(
  z.strictObject({ context, plaintext: base64("Base64 of the plaintext.") }),
  { id: "DecryptedData" },
);
export const reencryptedData = documented(
  z.strictObject({
    context,
    message,
    changed: documented(z.boolean(), {
      description: "False: it was under the newest key of that context already.",
    }),
  }),
  { id: "ReencryptedData" },
);

export const operatorDecryption = documented(
  z.strictObject({
    decryptionId: decryptionId(),
    state: documented(z.enum(operatorDecryptionStates), {
      description: "requested: others were told, nothing was shown; read: it was shown, once.",
    }),
    operatorId: operatorId(),
    context,
    reason: z.exactOptional(
      documented(z.string(), { description: "In the operator's words; absent when its key is gone." }),
    ),
    requestedAt: time("When others were told."),
    readAt: z.exactOptional(time("When it was shown.")),
    approvalId: z.exactOptional(z.string()),
  }),
  { id: "OperatorDecryption" },
);
export const operatorDecryptionPage = documented(
  z.strictObject({ operatorDecryptions: z.array(operatorDecryption), cursor: z.exactOptional(cursor()) }),
  { id: "OperatorDecryptionPage" },
);
export const operatorReading = documented(
  z.strictObject({ decryption: operatorDecryption, plaintext: base64("Base64 of the plaintext.") }),
  { id: "OperatorReading" },
);

export const reencryption = documented(
  z.strictObject({
    reencryptionId: reencryptionId(),
    state: documented(z.enum(reencryptionStates), {
      description: "moving; verifying: each key is opened again; done; cancelled.",
    }),
    targetKeyId: documented(z.string(), { description: "The wrapping key that all are to be under." }),
    createdAt: time("When it began: keys wrapped before are moved."),
    createdBy: z.string(),
    endedAt: z.exactOptional(time("When it ended.")),
    moved: count("Keys that were wrapped anew."),
    unchanged: count("Keys that were as they should be."),
    unreadable: count("Keys that no wrapping key opens; they are left as they are."),
    verified: count("Keys that were opened again under the target."),
    lastFailure: z.exactOptional(documented(z.string(), { description: "Code of the last failure." })),
    nextAt: z.exactOptional(time("When the task tries again.")),
  }),
  { id: "Reencryption" },
);
export const reencryptionPage = documented(
  z.strictObject({ reencryptions: z.array(reencryption), cursor: z.exactOptional(cursor()) }),
  { id: "ReencryptionPage" },
);

export const shred = documented(
  z.strictObject({
    shredId: shredId(),
    state: documented(z.enum(shredStates), {
      description: "decided: nothing is readable any more, keys are being destroyed; done: none is left.",
    }),
    scope: z.enum(["subject", "fleet"]),
    subject: z.exactOptional(z.string()),
    reason: z.enum(shredReasons),
    decidedAt: time("When two people had decided."),
    decidedBy: z.string(),
    approvalId: z.string(),
    destroyed: count("Keys destroyed so far."),
    endedAt: z.exactOptional(time("When the last one was.")),
    certificate: z.exactOptional(
      documented(z.record(z.string(), z.unknown()), { description: "Certificate of destruction." }),
    ),
    certificateDigest: z.exactOptional(
      documented(z.string(), { description: "SHA-256 of its canonical JSON (RFC 8785)." }),
    ),
    lastFailure: z.exactOptional(documented(z.string(), { description: "Code of the last failure." })),
  }),
  { id: "Shred" },
);
export const shredPage = documented(
  z.strictObject({ shreds: z.array(shred), cursor: z.exactOptional(cursor()) }),
  { id: "ShredPage" },
);

export type OperatorDecryption = z.infer<typeof operatorDecryption>;
export type Reencryption = z.infer<typeof reencryption>;
export type Shred = z.infer<typeof shred>;
