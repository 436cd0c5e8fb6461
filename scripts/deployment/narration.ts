/** Room: scripts/deployment. What `npm run deploy` tells: people on stderr, other programs on stdout. */
import { join } from "node:path";
import type { StackOutputs } from "./cdk.ts";
import { type BootstrappedFleet, operatorFiles } from "./operator.ts";

export const say = (text: string): void => void process.stderr.write(`${text}\n`);
export const step = (text: string): void => say(`\n== ${text}`);

/** Where the service answers. */
export interface Addresses {
  readonly url: string;
  readonly mutualTlsUrl?: string;
}

/** Data for other programs goes to stdout, as `name=value` lines. */
export function printOutputs(outputs: StackOutputs): void {
  for (const [stack, values] of Object.entries(outputs))
    for (const [name, value] of Object.entries(values)) {
      if (!/^(?:Exports|Publish)Output/.test(name)) process.stdout.write(`${stack}.${name}=${value}\n`);
    }
}

/** Commands to paste: an enrolment, and what an operator sees. */
export function printCommands(
  operatorDirectory: string,
  fleets: readonly BootstrappedFleet[],
  at: Addresses,
): void {
  step("Commands to go on with");
  const renewal = at.mutualTlsUrl === undefined ? "" : ` --renewal-url ${at.mutualTlsUrl}`;
  for (const { fleet, rootFingerprint } of fleets) {
    const files = operatorFiles(join(operatorDirectory, fleet));
    say(
      `fleetkey device enroll --device ID --token-file FILE --fleet ${fleet} --url ${at.url}${renewal} ` +
        `--ca system --fingerprint ${rootFingerprint}`,
    );
    if (at.mutualTlsUrl === undefined) continue;
    const operator = `--cert ${files.certificate} --key ${files.key}`;
    say(`fleetkey cert list --fleet ${fleet} --url ${at.mutualTlsUrl} --ca system ${operator}`);
  }
}
