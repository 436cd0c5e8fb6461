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
import type { Settings } from "./settings.ts";

export interface ReadingWish {
  readonly context: Readonly<Record<string, string>>;
  readonly message: Buffer;
  readonly reason: string;
}

const pathOf = (decryptionId: string): string => `/operator-decryptions/${encodeURIComponent(decryptionId)}`;

export function requestReading(api: FleetApi, wish: ReadingWish): Promise<OperatorDecryption> {
  const body = { ...wish, message: wish.message.toString("base64") };
  return api.call({ method: "POST", path: "/operator-decryptions", body, schema: operatorDecryption });
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
  } as const;
  try {
    const reading = await callCritical(api, call, flags, settings, context);
    return reading === undefined ? undefined : Buffer.from(reading.plaintext, "base64");
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "approval_spent") throw error;
    throw new Failure(error.exit, error.code, error.message, {
      remedy: "a message is shown once for a request; ask again with --break-glass",
      cause: error,
    });
  }
}
