/** Room: cli. `fleetkey device return`: a device that was away past its certificate's end comes back into quarantine. */
import { defineCommand } from "../command.ts";
import { withDeviceDirectory } from "../device-enrollment.ts";
import { returnIn } from "../device-returning.ts";
import { readEnrolled } from "../device-session.ts";
import { publicFlags } from "../global-flags.ts";

export const deviceReturn = defineCommand({
  summary: "Come back with an expired certificate, into quarantine, if the fleet allows it",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `device enroll` wrote",
    },
    "renewal-url": {
      type: "string",
      valueHint: "URL",
      description: "Where renewals go from now on, if not where they went",
    },
    // The expired certificate's key is the credential, so no other is named.
    ...publicFlags,
  },
  async run(args, { terminal, output }) {
    const { dir: directory } = args;
    // Before the directory is opened, so that a mistyped one is not made.
    await readEnrolled(directory);
    const record = await withDeviceDirectory(directory, () => returnIn(directory, args, terminal));
    const { deviceId, serialNumber, notAfter } = record;
    output.answer({ directory, ...record }, directory);
    output.note(`${deviceId} is in quarantine: serial ${serialNumber}, good until ${notAfter}`);
    output.note(`an operator lets it out with \`fleetkey device release ${deviceId}\`; then it renews`);
    return undefined;
  },
});
