/** Room: cli. `fleetkey shred subject`, `fleetkey shred fleet`, `fleetkey shred list` and `fleetkey shred show`. */
import { type Shred, shred, shredPage } from "../../lambdas/http/protection-answers.ts";
import { type Context, defineCommand } from "../command.ts";
import { type ApprovalFlags, approvalFlags, callCritical, orElse } from "../critical-operation.ts";
import { parseSubject } from "../data-flags.ts";
import type { ExitName } from "../exit-codes.ts";
import type { FleetApi } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { pageFlags, pageQuery, parseDrawnId } from "../page-flags.ts";
import { dataRemedyFor } from "../remedies.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings, type SettingFlags } from "../settings.ts";
import { printable } from "../terminal.ts";
import { watchWork } from "../watched-work.ts";

const pathOf = (shredId: string): string => `/shreds/${encodeURIComponent(shredId)}`;
const show = (api: FleetApi, shredId: string): Promise<Shred> =>
  api.call({ method: "GET", path: pathOf(shredId), schema: shred });

const of = ({ scope, subject = "" }: Shred): string =>
  scope === "fleet" ? "the whole fleet" : `subject ${printable(subject)}`;

const describe = ({ state, destroyed, lastFailure }: Shred): string =>
  `${state}, ${destroyed} keys destroyed${lastFailure === undefined ? "" : `; the last attempt failed (${printable(lastFailure)})`}`;

function renderCertificate({ certificate, certificateDigest = "" }: Shred): readonly string[] {
  if (certificate === undefined) return [];
  return [
    `certificate of destruction, SHA-256 ${certificateDigest}`,
    printable(JSON.stringify(certificate, null, 2)),
  ];
}

const render = (seen: Shred): string =>
  [`${seen.shredId} of ${of(seen)} is ${describe(seen)}`, ...renderCertificate(seen)].join("\n");

interface Wish {
  readonly scope: "subject" | "fleet";
  readonly subject?: string;
  readonly reason: string;
}

/** The newest of the same wish, where the answer to the first attempt was lost and the second finds its approval spent. */
async function find(api: FleetApi, wish: Wish): Promise<Shred | undefined> {
  const call = { method: "GET", path: "/shreds?limit=10", schema: shredPage } as const;
  const { shreds } = await api.call(call);
  return shreds.find(({ scope, subject }) => scope === wish.scope && subject === wish.subject);
}

type ShredFlags = ApprovalFlags & SettingFlags & { readonly "no-wait"?: boolean | undefined };

async function destroy(args: ShredFlags, body: Wish, context: Context): Promise<ExitName | undefined> {
  const settings = resolveSettings(args, context.terminal.env);
  const call = {
    operation: "shredData",
    method: "POST",
    path: "/shreds",
    body,
    schema: shred,
    remedyOf: dataRemedyFor,
  } as const;
  return withOperatorApi({ settings, terminal: context.terminal }, async (api) => {
    const decided = await orElse(callCritical(api, call, args, settings, context), () => find(api, body));
    if (decided === undefined) return "pending";
    const { shredId } = decided;
    const goesOn = `the service goes on with it without you: fleetkey shred show ${shredId}`;
    const work = {
      look: () => show(api, shredId),
      isThere: ({ state }: Shred) => state === "done",
      describe,
      goesOn,
    };
    const done = args["no-wait"] === true ? decided : await watchWork(decided, work, context);
    context.output.answer(done, render(done));
    return undefined;
  });
}

const reasonFlag = {
  type: "enum" as const,
  required: true as const,
  options: [...shred.shape.reason.options],
  valueHint: "REASON",
  description: "Stands in the certificate of destruction; one of",
};

export const shredSubject = defineCommand({
  summary: "Destroy the keys of one subject's data, for good: two people approve it",
  args: {
    subject: { type: "positional", required: true, valueHint: "ID", description: "Whose data" },
    reason: reasonFlag,
    ...approvalFlags,
    ...connectionFlags,
  },
  run: (args, context) =>
    destroy(args, { scope: "subject", subject: parseSubject(args.subject), reason: args.reason }, context),
});

export const shredFleet = defineCommand({
  summary: "Destroy the keys of all that the fleet has protected, for good: two people approve it",
  args: { reason: reasonFlag, ...approvalFlags, ...connectionFlags },
  run: (args, context) => destroy(args, { scope: "fleet", reason: args.reason }, context),
});

const header = ["SHRED", "STATE", "OF", "KEYS", "REASON", "DECIDED", "BY"];
const rowOf = (each: Shred): readonly string[] => [
  each.shredId,
  each.state,
  each.scope === "fleet" ? "fleet" : (each.subject ?? ""),
  String(each.destroyed),
  each.reason,
  each.decidedAt,
  each.decidedBy,
];

export const shredList = defineCommand({
  summary: "List destructions, the newest first",
  args: { ...pageFlags, ...connectionFlags },
  async run(args, { terminal, output }) {
    const query = pageQuery(args);
    const settings = resolveSettings(args, terminal.env);
    const call = { method: "GET", path: `/shreds?${query}`, schema: shredPage } as const;
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
    output.answer(answer, answer.shreds.length === 0 ? "" : renderTable(header, answer.shreds.map(rowOf)));
    if (answer.shreds.length === 0) output.note("nothing was destroyed");
    if (answer.cursor !== undefined) output.note(`there is more: --cursor ${answer.cursor}`);
    return undefined;
  },
});

export const shredShow = defineCommand({
  summary: "Show a destruction and its certificate",
  args: {
    id: { type: "positional", required: true, valueHint: "ID", description: "As `shred list` names it" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const shredId = parseDrawnId("destruction", args.id, "shred list");
    const settings = resolveSettings(args, terminal.env);
    const seen = await withOperatorApi({ settings, terminal }, (api) => show(api, shredId));
    output.answer(seen, render(seen));
    return undefined;
  },
});
