/** Room: lambdas/http. Path parameters, checked before anything is looked up with them. */
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { list, manifest, ocspRequest, renewalCertId } from "./published-names.ts";
import {
  approvalId,
  authorityId,
  backendId,
  ceremonyId,
  claimId,
  decryptionId,
  deviceId,
  enrollmentRequestId,
  fleetId,
  operatorId,
  reencryptionId,
  renewalWindowId,
  revocationJobId,
  rolloverId,
  serialNumber,
  serverName,
  shredId,
} from "./schemas.ts";

/** Each parameter that a path may have, with what it is called in a refusal. */
const checks = {
  serialNumber: { schema: serialNumber, noun: "serial number" },
  deviceId: { schema: deviceId, noun: "device id" },
  operatorId: { schema: operatorId, noun: "operator id" },
  claimId: { schema: claimId, noun: "claim id" },
  backendId: { schema: backendId, noun: "backend id" },
  approvalId: { schema: approvalId, noun: "approval id" },
  requestId: { schema: enrollmentRequestId, noun: "request id" },
  jobId: { schema: revocationJobId, noun: "job id" },
  authorityId: { schema: authorityId, noun: "authority id" },
  rolloverId: { schema: rolloverId, noun: "rollover id" },
  ceremonyId: { schema: ceremonyId, noun: "ceremony id" },
  windowId: { schema: renewalWindowId, noun: "window id" },
  serverName: { schema: serverName, noun: "name of a server" },
  decryptionId: { schema: decryptionId, noun: "decryption id" },
  reencryptionId: { schema: reencryptionId, noun: "re-encryption id" },
  shredId: { schema: shredId, noun: "shred id" },
  list: { schema: list, noun: "name of a list" },
  manifest: { schema: manifest, noun: "name of a trust manifest" },
  certId: { schema: renewalCertId, noun: "certificate's name" },
  request: { schema: ocspRequest, noun: "OCSP request" },
} as const;

export type ParameterName = "fleet" | keyof typeof checks;
export type CheckedParameters = Readonly<Partial<Record<ParameterName, string>>>;

function isKnown(name: string): name is keyof typeof checks {
  return Object.hasOwn(checks, name);
}

function check(name: string, value: string): void {
  if (!isKnown(name)) throw new AppError("internal", "a path parameter has no check");
  const { schema, noun } = checks[name];
  const result = z.safeParse(schema(), value);
  if (result.success) return;
  throw new AppError("request_invalid", `${noun} ${result.error.issues[0]?.message ?? "is not valid"}`);
}

/**
 * @throws AppError not_found for what cannot be a fleet, so that a misspelt name and an absent one look the
 * same; request_invalid for what cannot be the parameter.
 */
export function pathParameters(parameters: Readonly<Record<string, string>>): CheckedParameters {
  const { fleet, ...others } = parameters;
  if (fleet !== undefined && !z.safeParse(fleetId(), fleet).success) {
    throw new AppError("not_found", "no such fleet; names are 1 to 32 of a-z, 0-9 and inner hyphens");
  }
  for (const [name, value] of Object.entries(others)) check(name, value);
  return parameters;
}
