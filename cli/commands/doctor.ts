/** Room: cli. `fleetkey doctor`. */
import { defineCommand } from "../command.ts";
import { toFailure } from "../failure.ts";
import type { Finding } from "../finding.ts";
import { connectionFlags } from "../global-flags.ts";
import { type HealthCheck, healthChecks } from "../health-check.ts";
import type { Output } from "../output.ts";
import { resolveSettings, type Settings } from "../settings.ts";
import { printable, type Terminal } from "../terminal.ts";

type NamedFinding = Finding & { readonly name: string };

const colours = { ok: "green", warn: "yellow", fail: "red" } as const;

async function examine(check: HealthCheck, settings: Settings, terminal: Terminal): Promise<NamedFinding[]> {
  const { name } = check;
  try {
    return (await check.check(settings, terminal)).map((finding) => ({ name, ...finding }));
  } catch (error) {
    const { message, code, remedy } = toFailure(error);
    return [
      { name, status: "fail", detail: `${message} [${code}]`, ...(remedy === undefined ? {} : { remedy }) },
    ];
  }
}

function renderFinding({ name, status, detail, remedy }: NamedFinding, output: Output): string {
  const line = `${output.paint(colours[status], status.padEnd(4), "stdout")}  ${name.padEnd(9)} ${printable(detail)}`;
  return remedy === undefined ? line : `${line}\n${" ".repeat(16)}${printable(remedy)}`;
}

export const doctor = defineCommand({
  summary: "Check this machine, its files and the service; tell what to do",
  args: connectionFlags,
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const findings: NamedFinding[] = [];
    for (const check of healthChecks) findings.push(...(await examine(check, settings, terminal)));
    const isWell = findings.every(({ status }) => status !== "fail");
    output.answer(
      { ok: isWell, checks: findings },
      findings.map((finding) => renderFinding(finding, output)).join("\n"),
    );
    return isWell ? "ok" : "refused";
  },
});
