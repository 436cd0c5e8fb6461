/** Room: cli. Where the service is and which files prove who asks: flag, then environment, then default. */
import { usageFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export interface SettingRow {
  readonly flag: "url" | "fleet" | "ca" | "cert" | "key" | "data-dir";
  readonly variable: string;
  readonly fallback: string;
}

/** One row a setting; DIR is the data directory. Defaults fit a server started by `fleetkey serve`. */
export const settingRows = [
  { flag: "url", variable: "FLEETKEY_URL", fallback: "https://127.0.0.1:8443" },
  { flag: "fleet", variable: "FLEETKEY_FLEET", fallback: "default" },
  { flag: "ca", variable: "FLEETKEY_CA", fallback: "DIR/bootstrap/root.pem" },
  { flag: "cert", variable: "FLEETKEY_CERT", fallback: "DIR/bootstrap/operator.pem" },
  { flag: "key", variable: "FLEETKEY_KEY", fallback: "DIR/bootstrap/operator.key" },
  { flag: "data-dir", variable: "FLEETKEY_DATA_DIR", fallback: "./.fleetkey" },
] as const satisfies readonly SettingRow[];

/** The value of --ca that means this machine's own roots; a file of that name is written ./system. */
export const systemRoots = "system" as const;

export type SettingFlag = (typeof settingRows)[number]["flag"];

export interface Setting {
  readonly value: string;
  readonly source: "flag" | "environment" | "recorded" | "default";
}

export interface Settings {
  /** Origin of the service, https only, without a trailing slash. */
  readonly url: Setting;
  readonly fleet: Setting;
  readonly ca: Setting;
  readonly cert: Setting;
  readonly key: Setting;
  readonly dataDir: Setting;
}

export type SettingFlags = { readonly [flag in SettingFlag]?: string | undefined };

/**
 * Flag beats variable beats `recorded` (what an enrolment left beside the certificate) beats default.
 * Throws `usage` for a URL that is not https, and for a fleet that cannot be a path segment.
 */
export function resolveSettings(
  flags: SettingFlags,
  env: Terminal["env"],
  recorded: SettingFlags = {},
): Settings {
  const resolve = (flag: SettingFlag, dataDir = ""): Setting => {
    const row = settingRows.find((candidate) => candidate.flag === flag);
    const variable = row === undefined ? undefined : env[row.variable];
    if (flags[flag] !== undefined) return { value: flags[flag], source: "flag" };
    if (variable) return { value: variable, source: "environment" };
    if (recorded[flag] !== undefined) return { value: recorded[flag], source: "recorded" };
    return { value: (row?.fallback ?? "").replace(/^DIR/, () => dataDir), source: "default" };
  };
  const dataDir = resolve("data-dir");
  const url = resolve("url");
  return {
    url: { ...url, value: parseServiceUrl(url.value) },
    fleet: checkFleet(resolve("fleet")),
    ca: resolve("ca", dataDir.value),
    cert: resolve("cert", dataDir.value),
    key: resolve("key", dataDir.value),
    dataDir,
  };
}

/** Where renewals go when it is not where the enrolment goes; undefined when nobody says so. Throws `usage`. */
export function resolveRenewalUrl(flag: string | undefined, env: Terminal["env"]): string | undefined {
  const value = flag ?? env["FLEETKEY_RENEWAL_URL"];
  return value ? parseServiceUrl(value) : undefined;
}

/** The data directory alone, for a command that starts the service instead of calling it. */
export function resolveDataDirectory(flag: string | undefined, env: Terminal["env"]): string {
  return flag ?? (env["FLEETKEY_DATA_DIR"] || "./.fleetkey");
}

function parseServiceUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) throw usageFailure(`the URL cannot be read; write it as https://HOST:PORT`);
  if (url.protocol !== "https:") throw usageFailure(`the URL is ${url.protocol}//; only https is served`);
  // A password in a URL ends up in process lists and logs, and nothing here takes one.
  if (url.username !== "" || url.password !== "")
    throw usageFailure("the URL carries a user name or password");
  if (url.search !== "" || url.hash !== "") throw usageFailure("the URL carries a query or fragment");
  return url.href.replace(/\/+$/, "");
}

function checkFleet(fleet: Setting): Setting {
  if (/^[a-z0-9-]{1,32}$/.test(fleet.value)) return fleet;
  throw usageFailure("a fleet id has 1 to 32 of a–z, 0–9 and -");
}
