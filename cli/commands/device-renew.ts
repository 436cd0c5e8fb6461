/** Room: cli. `fleetkey device renew`. */
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { defineCommand } from "../command.ts";
import { type DeviceRecord, deviceFiles } from "../device-directory.ts";
import { obtainCertificate, withDeviceDirectory } from "../device-enrollment.ts";
import { deviceKeyAlgorithmIds, deviceKeyAlgorithmOf } from "../device-key.ts";
import { deviceSettings, readEnrolled } from "../device-session.ts";
import { publicFlags } from "../global-flags.ts";
import { readClientCredential, withFleetApi } from "../session.ts";
import { type SettingFlags, systemRoots } from "../settings.ts";
import type { Terminal } from "../terminal.ts";
import { rootsOfFile } from "../trust-bundle.ts";

interface RenewFlags extends SettingFlags {
  readonly algorithm?: string | undefined;
  readonly "if-due"?: boolean | undefined;
}

interface Renewal {
  readonly renewed: boolean;
  readonly record: DeviceRecord;
}

/** Inside the directory's lock, so that what it reads is what it replaces. */
async function renewIn(directory: string, flags: RenewFlags, terminal: Terminal): Promise<Renewal> {
  const current = await readEnrolled(directory);
  const isDue = terminal.now() >= Date.parse(current.renewAfter);
  if (flags["if-due"] === true && !isDue) return { renewed: false, record: current };
  const { deviceId, serialNumber } = current;
  const root = join(directory, deviceFiles.root);
  const settings = deviceSettings(directory, current, flags, terminal.env);
  const known = await rootsOfFile(settings, settings.ca.value === systemRoots ? root : settings.ca.value);
  const credential = await readClientCredential(
    join(directory, deviceFiles.fullChain),
    join(directory, deviceFiles.key),
  );
  const algorithm =
    flags.algorithm ?? deviceKeyAlgorithmOf(createPrivateKey(credential.privateKey)) ?? "P-256";
  const wanted = { deviceId, algorithm, credential: `serial:${serialNumber}` };
  const record = await withFleetApi({ settings, terminal, credential }, (api) =>
    obtainCertificate({ directory, wanted, settings, known, api, issue: (csr) => api.renew({ csr }) }),
  );
  return { renewed: true, record };
}

export const deviceRenew = defineCommand({
  summary: "Renew a device's certificate over mutual TLS, with a new key",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `device enroll` wrote",
    },
    algorithm: {
      type: "enum",
      options: deviceKeyAlgorithmIds,
      valueHint: "KIND",
      description: "Kind of the new key, as before if not given",
    },
    "if-due": { type: "boolean", description: "Do nothing before the time to renew; for a timer" },
    // The certificate that renews itself is the client's credential, so no other is named.
    ...publicFlags,
  },
  async run(args, { terminal, output }) {
    const { dir: directory } = args;
    // Before the directory is opened, so that a mistyped one is not made.
    await readEnrolled(directory);
    const { renewed, record } = await withDeviceDirectory(directory, () =>
      renewIn(directory, args, terminal),
    );
    const { deviceId, serialNumber, notAfter, renewAfter } = record;
    output.answer({ directory, renewed, ...record }, directory);
    output.note(
      renewed
        ? `${deviceId} renewed: serial ${serialNumber}, good until ${notAfter}; renew after ${renewAfter}`
        : `${deviceId} is not due before ${renewAfter}`,
    );
    return undefined;
  },
});
