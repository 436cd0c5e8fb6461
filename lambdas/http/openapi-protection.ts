/** Room: lambdas/http. What the OpenAPI document says of data at rest. */
import * as z from "zod/mini";
import type { ErrorCode } from "../../core/errors.ts";
import type { RouteIdOf } from "../routes.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import {
  dataKey,
  dataKeyPair,
  decryptedData,
  encryptedData,
  operatorDecryption,
  operatorDecryptionPage,
  operatorReading,
  reencryptedData,
  reencryption,
  reencryptionPage,
  shred,
  shredPage,
  subjectKey,
  unwrappedDataKey,
} from "./protection-answers.ts";
import {
  createDataKeyPairRequest,
  createDataKeyRequest,
  decryptRequest,
  encryptRequest,
  listOperatorDecryptionsQuery,
  listReencryptionsQuery,
  listShredsQuery,
  operatorDecryptionRequest,
  reencryptRequest,
  shredRequest,
  subjectKeyRequest,
  unwrapDataKeyRequest,
} from "./protection-schemas.ts";

/** Of the context, and of the keys of who may use it. */
const contextCodes: readonly ErrorCode[] = ["name_not_permitted", "purpose_not_permitted", "fleet_suspended"];
const keyCodes: readonly ErrorCode[] = ["key_disabled", "key_service_unavailable", "store_unavailable"];
const makes: readonly ErrorCode[] = [...contextCodes, ...keyCodes, "subject_shredded"];
const opens: readonly ErrorCode[] = [...contextCodes, ...keyCodes, "data_unreadable"];
const location = z.object({ location: z.string() });

const createDataKey = {
  status: "201",
  description:
    "For whoever encrypts where the data is. Wrapped under the subject's key, or under the fleet's own for purposes that the fleet's configuration names; as it stands in a message of the AWS Encryption SDK.",
  answers: "The data key.",
  request: { schema: createDataKeyRequest(), required: true },
  response: dataKey,
  problems: makes,
} as const satisfies OperationDetails;

const unwrapDataKey = {
  status: "200",
  description:
    "Opens with the very context that it was made with. Whatever is wrong with key or context, the answer is one: `data_unreadable`. Each call is an entry of the audit log.",
  answers: "The data key in the clear.",
  request: { schema: unwrapDataKeyRequest(), required: true },
  response: unwrappedDataKey,
  problems: opens,
} as const satisfies OperationDetails;

const createDataKeyPair = {
  status: "201",
  description: "For devices that need one: the private key leaves the service as a message only.",
  answers: "The key pair.",
  request: { schema: createDataKeyPairRequest(), required: true },
  response: dataKeyPair,
  problems: makes,
} as const satisfies OperationDetails;

const getSubjectKey = {
  status: "200",
  description:
    "The newest key of the subject, made when there is none: wrapped, for a backend that has rights of its own at the key service and then reads and writes without this API. It opens every purpose, so the caller's entry needs `*`; and a copy opens on after the subject was shredded, so that it was given is an entry of the audit log.",
  answers: "The wrapped key.",
  request: { schema: subjectKeyRequest(), required: true },
  response: subjectKey,
  problems: makes,
} as const satisfies OperationDetails;

const encryptData = {
  status: "200",
  description: "A fresh data key for each message; the context is authenticated with it.",
  answers: "The message.",
  request: { schema: encryptRequest(), required: true },
  response: encryptedData,
  problems: makes,
} as const satisfies OperationDetails;

const decryptData = {
  status: "200",
  description:
    "Another context, fleet, subject, a changed or cut message, a destroyed key: one answer, `data_unreadable`, which tells nothing more. Each call is an entry of the audit log.",
  answers: "The plaintext.",
  request: { schema: decryptRequest(), required: true },
  response: decryptedData,
  problems: opens,
} as const satisfies OperationDetails;

const reencryptData = {
  status: "200",
  description:
    "The plaintext does not leave the service. `to` is the new context; without it the context stays and the key becomes the newest.",
  answers: "The message, new or as it was.",
  request: { schema: reencryptRequest(), required: true },
  response: reencryptedData,
  problems: [...opens, "subject_shredded"],
} as const satisfies OperationDetails;

export const protectionOperations = {
  createDataKey,
  createDataKeyByIam: createDataKey,
  unwrapDataKey,
  unwrapDataKeyByIam: unwrapDataKey,
  createDataKeyPair,
  createDataKeyPairByIam: createDataKeyPair,
  getSubjectKey,
  getSubjectKeyByIam: getSubjectKey,
  encryptData,
  encryptDataByIam: encryptData,
  decryptData,
  decryptDataByIam: decryptData,
  reencryptData,
  reencryptDataByIam: reencryptData,
  requestOperatorDecryption: {
    status: "201",
    description:
      "Break-glass. Nothing is shown yet: others are told, and the reason is kept sealed. The one who asked may read within 15 minutes.",
    answers: "The request.",
    request: { schema: operatorDecryptionRequest(), required: true },
    response: operatorDecryption,
    headers: location,
    problems: ["name_not_permitted", "notifier_unavailable", ...keyCodes],
  },
  listOperatorDecryptions: {
    status: "200",
    description: "Each with its reason is at its own path, for whoever audits them.",
    answers: "A page of requests and readings.",
    query: listOperatorDecryptionsQuery(),
    response: operatorDecryptionPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getOperatorDecryption: {
    status: "200",
    description: "Without the message.",
    answers: "The request, and whether it was read.",
    response: operatorDecryption,
    problems: ["request_invalid"],
  },
  readAsOperator: {
    status: "200",
    description:
      "Once, by who asked. The approval is an MFA assertion over this very reading; others are told again before the plaintext is given.",
    answers: "The plaintext.",
    response: operatorReading,
    problems: ["data_unreadable", "job_state_invalid", "notifier_unavailable", ...keyCodes],
  },
  startReencryption: {
    status: "202",
    description:
      "A task wraps every subject key anew under the wrapping key in force, then opens each again. No message changes, no plaintext is seen, and reading goes on meanwhile.",
    answers: "The re-encryption.",
    response: reencryption,
    headers: location,
    problems: ["job_state_invalid", ...keyCodes],
  },
  listReencryptions: {
    status: "200",
    description: "The newest first.",
    answers: "A page of re-encryptions.",
    query: listReencryptionsQuery(),
    response: reencryptionPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getReencryption: {
    status: "200",
    description: "Counts grow until it is done; then they are its report.",
    answers: "The re-encryption.",
    response: reencryption,
    problems: ["request_invalid"],
  },
  cancelReencryption: {
    status: "200",
    description: "What is moved stays so. Repeating it gives the same answer.",
    answers: "The re-encryption.",
    response: reencryption,
    problems: ["request_invalid", "job_state_invalid", "store_condition_failed"],
  },
  shredData: {
    status: "202",
    description:
      "For good. From the answer on nothing of it is readable through the service; a task destroys the keys within minutes and writes the certificate of destruction. The certificate says until when an administrator of the key service could bring keys back, and what it does not cover.",
    answers: "The destruction.",
    request: { schema: shredRequest(), required: true },
    response: shred,
    headers: location,
    problems: ["name_not_permitted", "store_condition_failed", "store_unavailable"],
  },
  listShreds: {
    status: "200",
    description: "The newest first.",
    answers: "A page of destructions.",
    query: listShredsQuery(),
    response: shredPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getShred: {
    status: "200",
    description: "With the certificate of destruction once it is done.",
    answers: "The destruction.",
    response: shred,
    problems: ["request_invalid"],
  },
} as const satisfies Record<RouteIdOf<"protection">, OperationDetails>;
