/** Room: cli. Calls that a device makes by its own certificate, as the directory of its enrolment holds it. */
import { join } from "node:path";
import { type DeviceRecord, deviceFiles, readDeviceRecord } from "./device-directory.ts";
import { withDeviceDirectory } from "./device-enrollment.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { readClientCredential, withFleetApi } from "./session.ts";
import {
  resolveRenewalUrl,
  resolveSettings,
  type SettingFlags,
  type Settings,
  systemRoots,
} from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** The record that an enrolment left; throws `file_missing`. */
export async function readEnrolled(
  directory: string,
  writer: "device enroll" | "backend certify" | "backend create" = "device enroll",
): Promise<DeviceRecord> {
  const record = await readDeviceRecord(directory);
  if (record !== undefined) return record;
  const path = join(directory, deviceFiles.record);
  throw new Failure("localFile", "file_missing", `${path} is missing or unreadable`, {
    remedy: `name the directory that \`fleetkey ${writer}\` wrote with ${writer === "backend create" ? "--backend NAME or DIR" : "--dir"}`,
  });
}

/** Service, fleet and roots as the enrolment left them, unless a flag or a variable says otherwise. */
export function deviceSettings(
  directory: string,
  { url, fleet, ca }: DeviceRecord,
  given: SettingFlags,
  env: Terminal["env"],
): Settings {
  const recorded = { url, fleet, ca: ca === systemRoots ? systemRoots : join(directory, deviceFiles.root) };
  return resolveSettings({ ...given, url: given.url ?? resolveRenewalUrl(undefined, env) }, env, recorded);
}

export interface DeviceSession {
  readonly api: FleetApi;
  readonly record: DeviceRecord;
}

/** Runs `work` with an API that shows the device's certificate, while nobody else changes the directory. */
export async function withDeviceApi<T>(
  directory: string,
  given: SettingFlags,
  terminal: Terminal,
  work: (session: DeviceSession) => Promise<T>,
): Promise<T> {
  // Before the directory is opened, so that a mistyped one is not made.
  await readEnrolled(directory);
  return withDeviceDirectory(directory, async () => {
    const record = await readEnrolled(directory);
    const settings = deviceSettings(directory, record, given, terminal.env);
    const credential = await readClientCredential(
      join(directory, deviceFiles.fullChain),
      join(directory, deviceFiles.key),
    );
    return withFleetApi({ settings, terminal, credential }, (api) => work({ api, record }));
  });
}
