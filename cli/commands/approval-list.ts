/** Room: cli. `fleetkey approval list` and `fleetkey approval show`. */
import { type Approval, approval, approvalList } from "../../lambdas/http/access-answers.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const header = ["APPROVAL", "STATE", "OPERATION", "ASKED BY", "APPROVED BY", "NEEDS", "EXPIRES"];

const rowOf = (each: Approval): readonly string[] => [
  each.approvalId,
  each.state,
  each.operation,
  each.requestedBy,
  each.approvedBy.join(","),
  String(each.persons),
  each.expiresAt,
];

export const approvalListCommand = defineCommand({
  summary: "List approvals of critical operations, newest first",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: "/approvals", schema: approvalList } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(
      answer,
      answer.approvals.length === 0 ? "" : renderTable(header, answer.approvals.map(rowOf)),
    );
    if (answer.approvals.length === 0) output.note("no approvals");
    return undefined;
  },
});

export const approvalShow = defineCommand({
  summary: "Show one approval and the very operation that it is for",
  args: {
    approval: { type: "positional", required: true, valueHint: "ID", description: "Approval to show" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const path = `/approvals/${encodeURIComponent(args.approval)}`;
    const call = { method: "GET", path, schema: approval } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(answer, JSON.stringify(answer, null, 2));
    return undefined;
  },
});
