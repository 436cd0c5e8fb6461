/** Room: cli. Where the certificates of a backend are asked for: the first with people's approval, the next by itself. */
import { type IssuedCertificate, issuedCertificate } from "../lambdas/http/answer-schemas.ts";
import type { Context } from "./command.ts";
import { type ApprovalFlags, callCritical } from "./critical-operation.ts";
import type { RenewalCall } from "./device-renewal.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { backendRenewalRemedyFor } from "./remedies.ts";
import type { Settings } from "./settings.ts";

/** Below the fleet's own path. */
const certificatesOf = (backendId: string): string =>
  `/backends/${encodeURIComponent(backendId)}/certificates`;

/** The answer was lost, and the approval is spent: another one gets the same certificate. */
function again(error: unknown): unknown {
  if (!(error instanceof Failure) || error.code !== "approval_spent") return error;
  const remedy =
    "run the same command again without --approval: once that is approved it gets the very certificate";
  return new Failure(error.exit, error.code, error.message, { remedy, cause: error });
}

export interface CertificationSession {
  readonly api: FleetApi;
  readonly flags: ApprovalFlags;
  readonly settings: Settings;
  readonly context: Context;
}

/** As `callCritical`: undefined under `--no-wait` while the approval is not complete. */
export async function certifyBackend(
  { api, flags, settings, context }: CertificationSession,
  backendId: string,
  csr: string,
): Promise<IssuedCertificate | undefined> {
  const call = {
    operation: "createBackendCertificate",
    method: "POST",
    path: certificatesOf(backendId),
    parameters: { backendId },
    body: { csr },
    schema: issuedCertificate,
  } as const;
  try {
    return await callCritical(api, call, flags, settings, context);
  } catch (error) {
    throw again(error);
  }
}

export const renewBackend: RenewalCall = (api, backendId, csr) =>
  api.call({
    method: "POST",
    path: `${certificatesOf(backendId)}/renewal`,
    body: { csr },
    schema: issuedCertificate,
    remedyOf: backendRenewalRemedyFor,
  });
