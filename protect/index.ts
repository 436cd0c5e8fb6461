/**
 * Room: protect. `fleetkey/protect`: what a backend protects fields and objects with, in its own process. Data leave it
 * encrypted; the service gives keys and sees none of it.
 */
export { AppError, type ErrorCode, isAppError } from "../core/errors.ts";
export type { ContextRequest } from "../core/policy/encryption-context.ts";
export type { CacheBounds } from "./cache-bounds.ts";
export { type KmsKeysOptions, kmsKeys } from "./kms-keys.ts";
export {
  type FieldContext,
  type FieldEncoding,
  fleetkeyProtector,
  type Protected,
  type Protector,
  type ProtectorKeys,
  type ProtectorOptions,
} from "./protector.ts";
export { type ServiceKeysOptions, serviceKeys } from "./service-keys.ts";
export type { RequestToSign, ServiceCredential } from "./service-requests.ts";
