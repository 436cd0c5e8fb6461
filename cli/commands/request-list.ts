/** Room: cli. `fleetkey request list`. */
import { enrollmentRequestList } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

export const requestList = defineCommand({
  summary: "List enrolment requests that wait for a decision",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/enrollment-requests", schema: enrollmentRequestList } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    const rows = answer.requests.map((each) => [
      each.requestId,
      each.state,
      each.deviceId,
      each.keyAlgorithm,
      each.keySha256,
      each.requestedAt,
    ]);
    const header = ["REQUEST", "STATE", "DEVICE", "KEY", "KEY SHA-256", "SINCE"];
    output.answer(answer, rows.length === 0 ? "" : renderTable(header, rows));
    if (rows.length === 0) output.note("no requests");
    return undefined;
  },
});
