/** Room: cli. The agent asks when to renew (RFC 9773), and renews when that time has come. */
import { join } from "node:path";
import { decodeCertificate } from "../core/formats/x509/certificate.ts";
import { renewalCertIdOf } from "../core/formats/x509/renewal-cert-id.ts";
import type { AgentState } from "./agent-state.ts";
import { readCredentialFile } from "./credential-files.ts";
import { type DeviceRecord, deviceFiles } from "./device-directory.ts";
import { renewIn } from "./device-renewal.ts";
import { returnIn } from "./device-returning.ts";
import { deviceSettings } from "./device-session.ts";
import { Failure, toFailure } from "./failure.ts";
import type { RenewalInfoAnswer } from "./fleet-api.ts";
import { parseCertificates } from "./issued-certificate.ts";
import { readClientCredential, withFleetApi } from "./session.ts";
import type { SettingFlags } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface AgentFlags extends SettingFlags {
  readonly "return-url"?: string | undefined;
}

/** RFC 9773 §4.3.2: what a service may make of us is limited, both ways. */
const shortestWait = 60_000;
const longestWait = 86_400_000;
/** Where the service says nothing. */
const usualWait = 21_600_000;

async function askService(
  directory: string,
  record: DeviceRecord,
  { etag }: AgentState,
  flags: AgentFlags,
  terminal: Terminal,
): Promise<RenewalInfoAnswer> {
  const pem = await readCredentialFile(join(directory, deviceFiles.certificate));
  const [own] = parseCertificates(pem, deviceFiles.certificate);
  const certId = renewalCertIdOf(decodeCertificate(own?.raw ?? new Uint8Array()));
  const nothing = { start: undefined, etag: undefined, retryAfter: undefined };
  if (certId === undefined) return nothing;
  const settings = deviceSettings(directory, record, flags, terminal.env);
  const credential = await readClientCredential(
    join(directory, deviceFiles.fullChain),
    join(directory, deviceFiles.key),
  );
  try {
    return await withFleetApi({ settings, terminal, credential }, (api) => api.renewalInfo({ certId, etag }));
  } catch (error) {
    // An older service answers no such question: what the enrolment said counts.
    if (error instanceof Failure && error.code === "not_found") return nothing;
    throw error;
  }
}

/** What is known about this very certificate, with an answer of the service where one is due. */
async function informed(
  directory: string,
  record: DeviceRecord,
  state: AgentState,
  flags: AgentFlags,
  terminal: Terminal,
): Promise<AgentState> {
  const { serialNumber } = record;
  const { renewFrom, etag, askAt, ...others } = state;
  const own = state.serialNumber === serialNumber ? state : { ...others, serialNumber };
  const now = terminal.now();
  // A clock that was set back makes nobody wait for more than a day.
  if (own.askAt !== undefined && now < own.askAt && own.askAt - now <= longestWait) return own;
  const answer = await askService(directory, record, own, flags, terminal);
  const wait = Math.min(Math.max(answer.retryAfter ?? usualWait, shortestWait), longestWait);
  const start = answer.start ?? (answer.etag === undefined ? undefined : own.renewFrom);
  return {
    ...others,
    serialNumber,
    ...(start === undefined ? {} : { renewFrom: start }),
    ...(answer.etag === undefined ? {} : { etag: answer.etag }),
    askAt: now + wait,
  };
}

/**
 * When the certificate is to be renewed, by all that is known. A service may pull it forward as far as it likes, and put
 * it off to the middle between the enrolment's own time and the end: a window that lies locks nobody out.
 */
export function renewFromOf(record: DeviceRecord, { serialNumber, renewFrom }: AgentState): number {
  const own = Date.parse(record.renewAfter);
  if (serialNumber !== record.serialNumber || renewFrom === undefined) return own;
  return Math.min(renewFrom, (own + Date.parse(record.notAfter)) / 2);
}

/** It came back by its expired certificate: once an operator lets it out, its renewal is the way out. */
export const isInQuarantine = ({ credential }: DeviceRecord): boolean => credential.startsWith("return:");

async function leaveQuarantine(directory: string, flags: AgentFlags, terminal: Terminal) {
  try {
    return (await renewIn(directory, flags, terminal)).record;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "device_not_active") throw error;
    throw new Failure("pending", "quarantined", "the device is in quarantine", {
      remedy: "an operator lets it out with `fleetkey device release ID`; the next round then renews",
      cause: error,
    });
  }
}

export interface Freshened {
  readonly record: DeviceRecord;
  readonly state: AgentState;
}

/**
 * Inside the directory's lock. Asks, and renews where it is time: an expired certificate comes back into quarantine.
 * `keep` is called with what is known before a renewal, which may fail. A service that cannot be asked does not keep
 * a certificate from its renewal.
 */
export async function keepFresh(
  directory: string,
  { record, state }: Freshened,
  flags: AgentFlags,
  terminal: Terminal,
  keep: (state: AgentState) => void,
): Promise<Freshened> {
  if (terminal.now() >= Date.parse(record.notAfter)) {
    const returning = { ...flags, url: flags["return-url"] ?? flags.url };
    return { record: await returnIn(directory, returning, terminal), state };
  }
  if (isInQuarantine(record)) return { record: await leaveQuarantine(directory, flags, terminal), state };
  let failure: Failure | undefined;
  const known = await informed(directory, record, state, flags, terminal).catch((error: unknown) => {
    failure = toFailure(error);
    if (failure.exit === "interrupted") throw failure;
    return state;
  });
  keep(known);
  if (terminal.now() >= renewFromOf(record, known))
    return { record: (await renewIn(directory, flags, terminal)).record, state: known };
  if (failure !== undefined) throw failure;
  return { record, state: known };
}
