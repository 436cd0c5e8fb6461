/** Room: cli. `fleetkey cert show`. */
import type { CertificateDetails } from "../../lambdas/http/answer-schemas.ts";
import { defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseSerialNumber } from "../serial-number.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";
import { printable } from "../terminal.ts";

function renderDetails(details: CertificateDetails): string {
  const { certificate: _certificate, chain: _chain, ...facts } = details;
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  return Object.entries(facts)
    .map(([name, value]) => `${name.padEnd(width)}  ${printable(String(value))}`)
    .join("\n");
}

export const certShow = defineCommand({
  summary: "Show one certificate, or print its PEM",
  args: {
    serial: { type: "positional", required: true, description: "Serial number, hexadecimal" },
    pem: { type: "boolean", description: "Print the certificate and its chain as PEM" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const serial = parseSerialNumber(args.serial);
    const settings = resolveSettings(args, terminal.env);
    const details = await withOperatorApi({ settings, terminal }, (api) => api.show(serial));
    output.answer(details, args.pem === true ? details.certificate + details.chain : renderDetails(details));
    return undefined;
  },
});
