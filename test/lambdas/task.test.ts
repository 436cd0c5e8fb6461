import { describe, expect, it } from "vitest";
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemEntropy } from "../../adapters/system/entropy.ts";
import { AppError } from "../../core/errors.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { createLog } from "../../lambdas/http/logger.ts";
import { taskHandler } from "../../lambdas/task.ts";

const lines: string[] = [];
const app: KeylessApp = {
  clock: systemClock,
  entropy: systemEntropy,
  items: { get: async () => undefined, query: async () => ({ items: [] }), transact: async () => undefined },
  log: createLog({ write: (line) => lines.push(line) }),
  memo: boundedMemo(),
  identities: identityVerifier(),
};
const awsRequestId = "7d1f3c2e-7a1e-4a52-9d84-6f3f5f0f6f50";

async function failure(thrown: unknown, context?: { awsRequestId: string }): Promise<Error> {
  lines.length = 0;
  const handler = taskHandler(app, "bootstrapFleet", () => Promise.reject(thrown));
  const outcome = await handler({}, context).then(
    () => "no failure",
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) expect.fail(`expected an Error, got ${String(outcome)}`);
  return outcome;
}

describe("a task that fails", () => {
  it("rejects with the code as its name, the message, and nothing besides", async () => {
    const cause = new Error("secret of the cause");
    const error = await failure(new AppError("key_service_unavailable", "KMS is throttled", { cause }));
    expect(error.name).toBe("key_service_unavailable");
    expect(error.message).toBe("KMS is throttled");
    expect(error.stack).toBe("key_service_unavailable: KMS is throttled");
    expect(error.cause).toBeUndefined();
  });

  it("logs one line that a metric filter can count by level, event and code", async () => {
    await failure(new AppError("key_service_unavailable", "KMS is throttled"), { awsRequestId });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: "error",
        event: "task_failed",
        task: "bootstrapFleet",
        code: "key_service_unavailable",
        requestId: awsRequestId,
        detail: "KMS is throttled",
      },
    ]);
  });

  it("unexpectedly: internal, with the id under which the log has it, and no detail", async () => {
    const error = await failure(new TypeError("cannot read jane@example.test"), { awsRequestId });
    expect(error.name).toBe("internal");
    expect(error.message).toContain(awsRequestId);
    expect(JSON.stringify([error.message, error.stack, ...lines])).not.toContain("jane");
    expect(JSON.parse(lines.join(""))).toMatchObject({ code: "internal", errorName: "TypeError" });
  });

  it("without a runtime's id makes one that the log shows", async () => {
    const error = await failure("not even an Error");
    const { requestId } = JSON.parse(lines.join("")) as { requestId: string };
    expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(error.message).toContain(requestId);
  });
});
