/**
 * Room: lambdas/http. What people may be asked to approve: a body that the operation would take. An approval is kept for
 * good and shown to others, so nothing else is written into one.
 */
import type { Fleet } from "../../core/authority/issuer.ts";
import { judgeBackendRequest } from "../../core/enrollment/backend-request.ts";
import { AppError } from "../../core/errors.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { personalDataShape } from "../../core/policy/personal-data.ts";
import { checkShredScope } from "../../core/protection/shred-scope.ts";
import {
  changeOperatorRequest,
  type criticalRouteIds,
  fleetStateRequest,
  inviteOperatorRequest,
  noMembers,
} from "./access-schemas.ts";
import { fleetConfigurationRequest } from "./configuration-schemas.ts";
import { createBackendCertificateRequest } from "./device-schemas.ts";
import { offlineAnswerImport } from "./offline-schemas.ts";
import { shredRequest } from "./protection-schemas.ts";
import { csrFromText } from "./request.ts";
import { executeRevocationRequest } from "./revocation-schemas.ts";
import {
  advanceRolloverRequest,
  keyDestructionRequest,
  openCeremonyRequest,
  planRolloverRequest,
  rollBackRolloverRequest,
  rotateDataKeyRequest,
} from "./rotation-schemas.ts";
import { parse } from "./schemas.ts";

export type CriticalRouteId = (typeof criticalRouteIds)[number];

/** The call that people are asked to approve. */
export interface CriticalWish {
  readonly fleetState: Fleet;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

type Judge = (body: unknown, wish: CriticalWish) => unknown;

const withoutSpace = (text: string): string => text.replaceAll(/\s/g, "");

/** A request that would be answered, and no text around it: PEM has room for any (RFC 7468 §5.2). */
const judgeBackendCertificate: Judge = (body, { fleetState, parameters: { backendId = "" } }) => {
  const { csr } = parse(createBackendCertificateRequest, body, "body");
  const der = csrFromText(csr);
  const forms = [encodePem("CERTIFICATE REQUEST", der), der.toString("base64")].map(withoutSpace);
  if (!forms.includes(withoutSpace(csr)))
    throw new AppError("request_invalid", "body: csr is one block of PEM, or base64, and nothing around it");
  return judgeBackendRequest(fleetState, { backendId, csr: der });
};

/** The schema with which the operation itself reads its body. */
const judges: Readonly<Record<CriticalRouteId, Judge>> = {
  configureFleet: (body) => parse(fleetConfigurationRequest, body, "body"),
  createBackendCertificate: judgeBackendCertificate,
  setFleetState: (body) => parse(fleetStateRequest, body, "body"),
  inviteOperator: (body) => parse(inviteOperatorRequest, body, "body"),
  changeOperator: (body) => parse(changeOperatorRequest, body, "body"),
  executeRevocation: (body) => parse(executeRevocationRequest, body, "body"),
  planRollover: (body) => parse(planRolloverRequest, body, "body"),
  advanceRollover: (body) => parse(advanceRolloverRequest, body, "body"),
  rollBackRollover: (body) => parse(rollBackRolloverRequest, body, "body"),
  destroyAuthorityKey: (body) => parse(keyDestructionRequest, body, "body"),
  cancelKeyDestruction: (body) => parse(keyDestructionRequest, body, "body"),
  rotateDataKey: (body) => parse(rotateDataKeyRequest, body, "body"),
  openCeremony: (body) => parse(openCeremonyRequest, body, "body"),
  importOfflineAnswer: (body) => parse(offlineAnswerImport, body, "body"),
  importFleetOfflineAnswer: (body) => parse(offlineAnswerImport, body, "body"),
  readAsOperator: (body) => parse(noMembers, body, "body"),
  shredData: (body) => checkShredScope(parse(shredRequest, body, "body")),
};

/** Opaque, as the operation itself has it. */
function judgeOperatorId({ operatorId }: Readonly<Record<string, unknown>>): void {
  const shape = typeof operatorId === "string" ? personalDataShape(operatorId) : undefined;
  if (shape === undefined) return;
  throw new AppError("name_not_permitted", `body: operatorId is shaped like ${shape}; use an opaque id`);
}

/**
 * @throws AppError request_invalid, request_too_large, name_not_permitted, what the operation says of a CSR; nothing of
 * the body is in the message.
 */
export async function judgeCriticalBody(operation: CriticalRouteId, wish: CriticalWish): Promise<void> {
  await judges[operation](wish.body, wish);
  judgeOperatorId(wish.body);
}
