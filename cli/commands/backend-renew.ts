/** Room: cli. `fleetkey backend renew`. */
import { renewBackend } from "../backend-certificate.ts";
import { defineCommand } from "../command.ts";
import { withDeviceDirectory } from "../device-enrollment.ts";
import { deviceKeyAlgorithmIds } from "../device-key.ts";
import { renewIn } from "../device-renewal.ts";
import { readEnrolled } from "../device-session.ts";
import { publicFlags } from "../global-flags.ts";

export const backendRenew = defineCommand({
  summary: "Renew a backend's certificate over mutual TLS, with a new key",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `backend certify` or `backend create` wrote",
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
    await readEnrolled(directory, "backend certify");
    const { renewed, record } = await withDeviceDirectory(directory, () =>
      renewIn(directory, args, terminal, renewBackend),
    );
    const { deviceId: backendId, ...rest } = record;
    const { serialNumber, notAfter, renewAfter } = record;
    output.answer({ directory, renewed, backendId, ...rest }, directory);
    output.note(
      renewed
        ? `${backendId} renewed: serial ${serialNumber}, good until ${notAfter}; renew after ${renewAfter}`
        : `${backendId} is not due before ${renewAfter}`,
    );
    return undefined;
  },
});
