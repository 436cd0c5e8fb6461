/**
 * Room: cli. What a device shows for its first certificate: a token, a certificate of its batch or of its maker, or
 * nothing but its key. The service knows which of them the fleet accepts.
 */
import { hash, X509Certificate } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { tokenCredential } from "./device-enrollment.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { EnrollmentCall, FleetApi, PendingEnrollment } from "./fleet-api.ts";
import type { ClientCredential } from "./https-client.ts";
import type { Output } from "./output.ts";
import { readClientCredential } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

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

/** How long a device stays for an operator's decision. */
export interface Patience {
  /** Milliseconds in all. */
  readonly limit: number;
  readonly terminal: Terminal;
  readonly output: Output;
}

const undecided = (requestId: string): Failure =>
  new Failure("pending", "enrollment_pending", `request ${requestId} waits for an operator's decision`, {
    remedy: `fleetkey request approve ${requestId}, then run the same command again`,
  });

/** Milliseconds, where the service does not say. */
const usualPause = 60_000;

/**
 * The certificate. While an operator has to decide, the same request again until `patience` is over: when the service
 * said (RFC 7030 §4.2.3), sooner only as the last one.
 * @throws Failure with exit `pending` then, or `interrupted`.
 */
export async function enrollOnce(
  api: FleetApi,
  call: EnrollmentCall,
  patience?: Patience,
): Promise<IssuedCertificate> {
  const until = patience === undefined ? 0 : patience.terminal.now() + patience.limit;
  for (let isFirst = true; ; isFirst = false) {
    const answer = await api.enrollWith(call);
    if (!isPending(answer)) return answer;
    const { requestId, retryAfter = usualPause } = answer;
    const left = patience === undefined ? 0 : until - patience.terminal.now();
    if (patience === undefined || left <= 0) throw undecided(requestId);
    if (isFirst) patience.output.note(`request ${requestId} waits for an operator's decision`);
    const { interrupted } = patience.terminal;
    // An abandoned timer would keep the process.
    await pause(Math.min(left, retryAfter), undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted)
      throw new Failure("interrupted", "interrupted", `request ${requestId} is not decided yet`, {
        remedy: "run the same command again; it sends the same request",
      });
  }
}
