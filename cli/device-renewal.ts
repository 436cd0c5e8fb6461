/** Room: cli. A device's certificate renews itself over mutual TLS: what `device renew` and the agent share. */
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { type DeviceRecord, deviceFiles } from "./device-directory.ts";
import { obtainCertificate } from "./device-enrollment.ts";
import { deviceKeyAlgorithmOf } from "./device-key.ts";
import { deviceSettings, readEnrolled } from "./device-session.ts";
import type { FleetApi } from "./fleet-api.ts";
import { readClientCredential, withFleetApi } from "./session.ts";
import { type SettingFlags, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { rootsOfFile } from "./trust-bundle.ts";

export interface RenewFlags extends SettingFlags {
  readonly algorithm?: string | undefined;
  readonly "if-due"?: boolean | undefined;
}

export interface Renewal {
  readonly renewed: boolean;
  readonly record: DeviceRecord;
}

/** How the certificate of an id renews itself. */
export type RenewalCall = (api: FleetApi, id: string, csr: string) => Promise<IssuedCertificate>;

const renewDevice: RenewalCall = (api, _id, csr) => api.renew({ csr });

/** Inside the directory's lock, so that what it reads is what it replaces. */
export async function renewIn(
  directory: string,
  flags: RenewFlags,
  terminal: Terminal,
  renew: RenewalCall = renewDevice,
): Promise<Renewal> {
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
    obtainCertificate({
      directory,
      wanted,
      settings,
      known,
      api,
      issue: (csr) => renew(api, deviceId, csr),
    }),
  );
  return { renewed: true, record };
}
