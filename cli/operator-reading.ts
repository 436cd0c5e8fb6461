/**
 * Room: cli. Reading protected data as an operator, in an emergency: the request tells others and names the reason, the
 * reading needs a passkey of who asked.
 */
import {
  type OperatorDecryption,
  operatorDecryption,
  operatorReading,
} from "../lambdas/http/protection-answers.ts";
import type { Context } from "./command.ts";
import { type ApprovalFlags, callCritical } from "./critical-operation.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { parseDrawnId } from "./page-flags.ts";
import { dataRemedyFor } from "./remedies.ts";
import type { Settings } from "./settings.ts";

export interface ReadingWish {
  readonly context: Readonly<Record<string, string>>;
  readonly message: Buffer;
  readonly reason: string;
}

const pathOf = (decryptionId: string): string => `/operator-decryptions/${encodeURIComponent(decryptionId)}`;

export function requestReading(api: FleetApi, wish: ReadingWish): Promise<OperatorDecryption> {
  const body = { ...wish, message: wish.message.toString("base64") };
  const remedyOf = dataRemedyFor;
  return api.call({
    method: "POST",
    path: "/operator-decryptions",
    body,
    schema: operatorDecryption,
    remedyOf,
  });
}

/** Throws `usage`: it is a part of a path. */
export const parseReadingId = (text: string): string =>
  parseDrawnId("reading", text, "decrypt --break-glass");

const once = "a message is shown once for a request; ask again with --break-glass --reason TEXT";

const ended: ReadonlySet<string> = new Set(["approval_executed", "approval_spent", "job_state_invalid"]);

/** The way on from a failure on the way; a request that is over is made again. */
function remedied(error: unknown, decryptionId: string): unknown {
  if (!(error instanceof Failure)) return error;
  const { exit, code, message, transience } = error;
  const goesOn = exit === "interrupted" || transience !== undefined;
  const isOver = ended.has(code);
  if (!goesOn && !isOver) return error;
  const remedy = isOver
    ? once
    : `${error.remedy ?? "run it again"}, and --reading ${decryptionId} in the place of --reason`;
  return new Failure(exit, code, message, { remedy, cause: error });
}

/** The plaintext; undefined under `--no-wait` while its approval is not complete. */
export async function read(
  api: FleetApi,
  decryptionId: string,
  flags: ApprovalFlags,
  settings: Settings,
  context: Context,
): Promise<Buffer | undefined> {
  const call = {
    operation: "readAsOperator",
    method: "POST",
    path: `${pathOf(decryptionId)}/reading`,
    parameters: { decryptionId },
    body: {},
    schema: operatorReading,
    remedyOf: dataRemedyFor,
  } as const;
  try {
    const reading = await callCritical(api, call, flags, settings, context);
    return reading === undefined ? undefined : Buffer.from(reading.plaintext, "base64");
  } catch (error) {
    throw remedied(error, decryptionId);
  }
}
