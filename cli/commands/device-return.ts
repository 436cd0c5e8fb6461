/** Room: cli. `fleetkey device return`: a device that was away past its certificate's end comes back into quarantine. */
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { defineCommand } from "../command.ts";
import { readCredentialFile } from "../credential-files.ts";
import { deviceFiles, readDeviceRecord } from "../device-directory.ts";
import { obtainCertificate, withDeviceDirectory } from "../device-enrollment.ts";
import { deviceKeyAlgorithmOf, deviceKeyAlgorithms, requestFor } from "../device-key.ts";
import { enrollOnce } from "../enrollment-credential.ts";
import { Failure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { withFleetApi } from "../session.ts";
import { resolveSettings, systemRoots } from "../settings.ts";
import { rootsOfFile } from "../trust-bundle.ts";

// The expired certificate's key is the credential, so no other is named.
const { cert: _cert, key: _key, ...returnFlags } = connectionFlags;

const enrolled = "name the directory that `fleetkey device enroll` wrote with --dir";

async function ownKey(directory: string, deviceId: string) {
  const privateKey = createPrivateKey(await readCredentialFile(join(directory, deviceFiles.key), enrolled));
  const algorithm = deviceKeyAlgorithmOf(privateKey);
  if (algorithm === undefined)
    throw new Failure(
      "localFile",
      "key_unsupported",
      `${directory} holds a key of a kind that fleetkey does not make`,
    );
  return { algorithm, key: requestFor(deviceId, privateKey, deviceKeyAlgorithms[algorithm]) };
}

export const deviceReturn = defineCommand({
  summary: "Come back with an expired certificate, into quarantine, if the fleet allows it",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `device enroll` wrote",
    },
    ...returnFlags,
  },
  async run(args, { terminal, output }) {
    const { dir: directory } = args;
    const current = await readDeviceRecord(directory);
    if (current === undefined)
      throw new Failure("localFile", "file_missing", `${join(directory, deviceFiles.record)} is missing`, {
        remedy: enrolled,
      });
    const { deviceId, serialNumber, fleet } = current;
    const root = join(directory, deviceFiles.root);
    const ca = current.ca === systemRoots ? systemRoots : root;
    const settings = resolveSettings(args, terminal.env, { url: current.url, fleet, ca });
    const known = await rootsOfFile(settings, settings.ca.value === systemRoots ? root : settings.ca.value);
    const previousCertificate = await readCredentialFile(join(directory, deviceFiles.certificate), enrolled);
    const { algorithm, key } = await ownKey(directory, deviceId);
    const wanted = { deviceId, algorithm, credential: `return:${serialNumber}` };
    const record = await withFleetApi({ settings, terminal }, (api) =>
      withDeviceDirectory(directory, () => {
        const issue = (csr: string) => enrollOnce(api, { csr, previousCertificate });
        return obtainCertificate({ directory, wanted, settings, known, api, ownKey: key, issue });
      }),
    );
    output.answer({ directory, ...record }, directory);
    output.note(`${deviceId} is in quarantine: serial ${record.serialNumber}, good until ${record.notAfter}`);
    output.note("an operator lets it out with `fleetkey device release`; then it renews");
    return undefined;
  },
});
