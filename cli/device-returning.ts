/** Room: cli. A device comes back into quarantine by its expired certificate: what `device return` and the agent share. */
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { readCredentialFile, readFileIfPresent } from "./credential-files.ts";
import { type DeviceRecord, deviceFiles } from "./device-directory.ts";
import { obtainCertificate } from "./device-enrollment.ts";
import { deviceKeyAlgorithmOf, deviceKeyAlgorithms, requestFor } from "./device-key.ts";
import { readEnrolled } from "./device-session.ts";
import { enrollOnce } from "./enrollment-credential.ts";
import { Failure } from "./failure.ts";
import { withFleetApi } from "./session.ts";
import { resolveRenewalUrl, resolveSettings, type SettingFlags, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { rootsOfFile } from "./trust-bundle.ts";

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
  const row = deviceKeyAlgorithms[algorithm];
  const key = requestFor(deviceId, privateKey, row);
  // Ed25519 and RSA sign the same text alike: the request must not be the one that is known from the enrolment.
  const known = await readFileIfPresent(join(directory, deviceFiles.request));
  return { algorithm, key: key.csr === known ? requestFor("", privateKey, row) : key };
}

export interface ReturnFlags extends SettingFlags {
  readonly "renewal-url"?: string | undefined;
}

/** Inside the directory's lock, so that what it reads is what it replaces. */
export async function returnIn(
  directory: string,
  flags: ReturnFlags,
  terminal: Terminal,
): Promise<DeviceRecord> {
  const current = await readEnrolled(directory);
  const { deviceId, serialNumber, fleet } = current;
  const root = join(directory, deviceFiles.root);
  const ca = current.ca === systemRoots ? systemRoots : root;
  const settings = resolveSettings(flags, terminal.env, { url: current.url, fleet, ca });
  // What is recorded is where renewals go, which may be another domain than the one that --url names now.
  const renewalUrl = resolveRenewalUrl(flags["renewal-url"], terminal.env) ?? current.url;
  const known = await rootsOfFile(settings, settings.ca.value === systemRoots ? root : settings.ca.value);
  const previousCertificate = await readCredentialFile(join(directory, deviceFiles.certificate), enrolled);
  const { algorithm, key } = await ownKey(directory, deviceId);
  const wanted = { deviceId, algorithm, credential: `return:${serialNumber}` };
  return withFleetApi({ settings, terminal }, (api) => {
    const issue = (csr: string) => enrollOnce(api, { csr, previousCertificate });
    return obtainCertificate({ directory, wanted, settings, known, renewalUrl, api, ownKey: key, issue });
  });
}
