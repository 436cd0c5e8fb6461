/**
 * Room: cli. What a device shows for its first certificate: a token, a certificate of its batch or of its maker, or
 * nothing but its key. The service knows which of them the fleet accepts.
 */
import { hash, X509Certificate } from "node:crypto";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { tokenCredential } from "./device-enrollment.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { EnrollmentCall, FleetApi, PendingEnrollment } from "./fleet-api.ts";
import type { ClientCredential } from "./https-client.ts";
import { readClientCredential } from "./session.ts";
import type { Settings } from "./settings.ts";

export interface EnrollmentCredential {
  /** As device.json keeps it: no secret. */
  readonly name: string;
  readonly token?: string;
  readonly certificate?: ClientCredential;
}

/** `--cert` and `--key` count when they are named: their defaults are an operator's, who enrols nothing. */
export async function enrollmentCredential(
  token: string | undefined,
  settings: Settings,
): Promise<EnrollmentCredential> {
  if (token !== undefined) return { name: tokenCredential(token), token };
  const { cert, key } = settings;
  const isNamed = cert.source !== "default";
  if (isNamed !== (key.source !== "default")) throw usageFailure("--cert FILE and --key FILE go together");
  if (!isNamed) return { name: "key" };
  const certificate = await readClientCredential(cert.value, key.value);
  const { raw } = new X509Certificate(certificate.certificate);
  return { name: `certificate:${hash("sha256", raw)}`, certificate };
}

function isPending(answer: IssuedCertificate | PendingEnrollment): answer is PendingEnrollment {
  return "status" in answer;
}

/** The certificate; throws a Failure with exit `pending` while an operator has to decide. */
export async function enrollOnce(api: FleetApi, call: EnrollmentCall): Promise<IssuedCertificate> {
  const answer = await api.enrollWith(call);
  if (!isPending(answer)) return answer;
  throw new Failure(
    "pending",
    "enrollment_pending",
    `request ${answer.requestId} waits for an operator's decision`,
    {
      remedy: `fleetkey request approve ${answer.requestId}, then run the same command again`,
    },
  );
}
