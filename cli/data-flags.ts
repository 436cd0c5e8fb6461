/** Room: cli. What the commands about data at rest share: whose data and what for, and as which backend. */
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { encryptionContext } from "../core/policy/encryption-context.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import { connectionFlags } from "./global-flags.ts";
import type { RetryPolicy } from "./retry.ts";
import { withOperatorApi } from "./session.ts";
import { resolveSettings, type SettingFlags, type Settings } from "./settings.ts";
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

function parseMember(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageFailure("--context is NAME=VALUE");
}

/** The context as a request carries it, judged as the service judges it: nothing personal leaves this machine. */
export function contextOf(
  { purpose, subject, context }: ContextFlags,
  fleet: string,
): Readonly<Record<string, string>> {
  const members = (context ?? "").split(",").filter((each) => each !== "");
  const extra = Object.fromEntries(members.map(parseMember));
  try {
    const { fleet: _, ...rest } = encryptionContext(fleet, { purpose, subject, extra });
    return rest;
  } catch (error) {
    if (error instanceof AppError) throw usageFailure(error.message);
    throw error;
  }
}

/** `backend.pem` and `backend.key` of the backend that the flags name; the client's own where they name none. */
export function backendSettings(
  flags: SettingFlags & { readonly backend?: string | undefined },
  env: Terminal["env"],
): Settings {
  const settings = resolveSettings(flags, env);
  const { backend } = flags;
  if (backend === undefined) return settings;
  if (flags.cert !== undefined || flags.key !== undefined)
    throw usageFailure("--backend goes with neither --cert nor --key: it names both");
  const directory = backendDirectory(settings.dataDir.value, backend);
  const at = (name: string) => ({ value: join(directory, name), source: "flag" }) as const;
  return { ...settings, cert: at("backend.pem"), key: at("backend.key") };
}

/** A name of a backend is a directory below the data directory's; whatever has a slash is a directory itself. */
export function backendDirectory(dataDir: string, backend: string): string {
  return backend.includes("/") ? backend : join(dataDir, "backends", backend);
}

/** Octets of the longest answer: base64 of the longest message. */
const maxResponseBytes = 6_500_000;

const notForOperators = new Set(["access_denied", "client_certificate_required"]);

/** Runs `work` as the backend. An operator's certificate, the default, is told what is missing. */
export async function withBackendApi<T>(
  options: { readonly settings: Settings; readonly terminal: Terminal; readonly retries?: RetryPolicy },
  work: (api: FleetApi) => Promise<T>,
): Promise<T> {
  try {
    return await withOperatorApi({ ...options, maxResponseBytes, finishInFlight: true }, work);
  } catch (error) {
    if (!(error instanceof Failure) || !notForOperators.has(error.code)) throw error;
    const remedy =
      "name a backend of the fleet with --backend NAME; on the server's machine `fleetkey backend create NAME --purpose WORD` makes one";
    throw new Failure(error.exit, error.code, error.message, { remedy, cause: error });
  }
}
