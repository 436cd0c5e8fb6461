/** Room: cli. What the commands about data at rest share: whose data and what for, and as which backend. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { AppError } from "../core/errors.ts";
import { checkSubject, encryptionContext } from "../core/policy/encryption-context.ts";
import { deviceFiles } from "./device-directory.ts";
import { deviceSettings, readEnrolled } from "./device-session.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { connectionFlags } from "./global-flags.ts";
import type { ClientCredential } from "./https-client.ts";
import type { RetryPolicy } from "./retry.ts";
import { readClientCredential, withFleetApi } from "./session.ts";
import { resolveDataDirectory, resolveSettings, type SettingFlags, type Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export const contextFlags = {
  purpose: { type: "string", required: true, valueHint: "WORD", description: "What the data is for" },
  subject: {
    type: "string",
    required: true,
    valueHint: "ID",
    description: "Whose data it is: an opaque id, never a name or a number of a person",
  },
  context: {
    type: "string",
    valueHint: "NAME=VALUE",
    description: "One more opaque member of the context; more of them by the flag again, or with commas",
  },
} as const;

export const backendFlags = {
  backend: {
    type: "string",
    valueHint: "NAME",
    description: "Backend to act as: its certificate is in DIR/backends/NAME, or in the directory given",
  },
  ...connectionFlags,
} as const;

export interface ContextFlags {
  readonly purpose: string;
  readonly subject: string;
  readonly context?: string | undefined;
}

function parseMembers(text: string): Readonly<Record<string, string>> {
  const members = new Map<string, string>();
  for (const each of text.split(",").filter((part) => part !== "")) {
    const at = each.indexOf("=");
    if (at < 1) throw usageFailure("--context is NAME=VALUE");
    const name = each.slice(0, at);
    if (members.has(name)) throw usageFailure("--context names one member twice");
    members.set(name, each.slice(at + 1));
  }
  return Object.fromEntries(members);
}

/** What core says of words that were given. */
function orUsage<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (error instanceof AppError) throw usageFailure(error.message);
    throw error;
  }
}

/** The context as a request carries it, judged as the service judges it: nothing personal leaves this machine. */
export function contextOf(
  { purpose, subject, context = "" }: ContextFlags,
  fleet: string,
): Readonly<Record<string, string>> {
  const extra = parseMembers(context);
  const { fleet: _, ...rest } = orUsage(() => encryptionContext(fleet, { purpose, subject, extra }));
  return rest;
}

/** As `contextOf` judges it. */
export function parseSubject(subject: string): string {
  orUsage(() => checkSubject(subject));
  return subject;
}

export interface BackendSession {
  readonly settings: Settings;
  /** Whether a backend was named; else the credential is the client's own, and most often an operator's. */
  readonly named: boolean;
}

/** A name of a backend is a directory below the data directory's; whatever has a slash is a directory itself. */
const directoryOf = (dataDir: string, backend: string): string =>
  backend.includes("/") ? backend : join(dataDir, "backends", backend);

/**
 * The credential, service, fleet and roots that the directory of the backend has, unless a flag or a variable says
 * otherwise; the client's own where no backend is named. Throws `file_missing`.
 */
export async function backendSession(
  flags: SettingFlags & { readonly backend?: string | undefined },
  env: Terminal["env"],
): Promise<BackendSession> {
  const { backend } = flags;
  if (backend === undefined) return { settings: resolveSettings(flags, env), named: false };
  if (flags.cert !== undefined || flags.key !== undefined)
    throw usageFailure("--backend goes with neither --cert nor --key: it names both");
  const directory = directoryOf(resolveDataDirectory(flags["data-dir"], env), backend);
  const record = await readEnrolled(directory, "backend create");
  const at = (name: string) => ({ value: join(directory, name), source: "flag" }) as const;
  const credential = { cert: at(deviceFiles.fullChain), key: at(deviceFiles.key) };
  return { settings: { ...deviceSettings(directory, record, flags, env), ...credential }, named: true };
}

const movingMilliseconds = 100;

/** A renewal moves key and certificate one after the other; a moment later they are a pair again. */
async function readPair(
  { cert, key }: Pick<Settings, "cert" | "key">,
  attempts = 5,
): Promise<ClientCredential> {
  try {
    return await readClientCredential(cert.value, key.value);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "key_mismatch" || attempts === 1) throw error;
  }
  await pause(movingMilliseconds);
  return readPair({ cert, key }, attempts - 1);
}

/** Octets of the longest answer: base64 of the longest message. */
const maxResponseBytes = 6_500_000;

const notForOperators = new Set(["access_denied", "client_certificate_required"]);
const nameOne =
  "name a backend of the fleet with --backend NAME; on the server's machine `fleetkey backend create NAME --purpose WORD` makes one";
const permitIt =
  "what it may do, an owner says: fleetkey fleet configure; on the server's machine `fleetkey backend create NAME --purpose WORD --operation NAME`";

/** Runs `work` as the backend. An operator's certificate, the default, is told what is missing. */
export async function withBackendApi<T>(
  {
    session,
    terminal,
    retries,
  }: {
    readonly session: BackendSession;
    readonly terminal: Terminal;
    readonly retries?: RetryPolicy;
  },
  work: (api: FleetApi) => Promise<T>,
): Promise<T> {
  const { settings, named } = session;
  const credential = await readPair(settings);
  const options = { settings, terminal, credential, maxResponseBytes, finishInFlight: true };
  try {
    return await withFleetApi({ ...options, ...(retries === undefined ? {} : { retries }) }, work);
  } catch (error) {
    if (!(error instanceof Failure) || !notForOperators.has(error.code)) throw error;
    const remedy = named ? permitIt : nameOne;
    throw new Failure(error.exit, error.code, error.message, { remedy, cause: error });
  }
}
