/** Room: cli. `fleetkey device renew`. */
import { defineCommand } from "../command.ts";
import { withDeviceDirectory } from "../device-enrollment.ts";
import { deviceKeyAlgorithmIds } from "../device-key.ts";
import { renewIn } from "../device-renewal.ts";
import { readEnrolled } from "../device-session.ts";
import { publicFlags } from "../global-flags.ts";

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
