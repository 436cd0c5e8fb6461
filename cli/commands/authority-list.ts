/** Room: cli. `fleetkey authority list` and `fleetkey authority show`. */
import type { Authority } from "../../lambdas/http/rotation-answers.ts";
import { authorityArgument, findAuthority, listAuthorities } from "../authority.ts";
import { defineCommand } from "../command.ts";
import { publicMode, writeFileAtomically } from "../credential-files.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";
import { printable } from "../terminal.ts";

const header = ["AUTHORITY", "KIND", "STATE", "ISSUES", "ALGORITHM", "KEY", "ISSUER", "NOT AFTER"];

const rowOf = (each: Authority): readonly string[] => [
  each.authorityId,
  each.kind,
  each.state,
  each.issues ? "yes" : "",
  each.algorithm,
  each.custody,
  each.issuer ?? "itself",
  each.notAfter,
];

export const authorityListCommand = defineCommand({
  summary: "List the fleet's authorities and their state",
  args: { ...connectionFlags },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const answer = await withOperatorApi({ settings, terminal }, listAuthorities);
    output.answer(answer, renderTable(header, answer.authorities.map(rowOf)));
    return undefined;
  },
});

function renderFacts({ certificate: _, crossCertificates, ...facts }: Authority): string {
  const rows = Object.entries({ ...facts, crossCertificates: crossCertificates.length });
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${printable(String(value))}`).join("\n");
}

export const authorityShow = defineCommand({
  summary: "Show an authority; its certificate as PEM with --out",
  args: {
    authority: authorityArgument,
    out: { type: "string", valueHint: "FILE", description: "Write its certificate there, PEM" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const found = await withOperatorApi({ settings, terminal }, (api) => findAuthority(api, args.authority));
    if (args.out === undefined) {
      output.answer(found, renderFacts(found));
      return undefined;
    }
    await writeFileAtomically(args.out, found.certificate, publicMode);
    output.answer({ ...found, out: args.out }, args.out);
    output.note(renderFacts(found));
    return undefined;
  },
});
