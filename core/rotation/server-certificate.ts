/**
 * Room: core/rotation. Server certificates that another service holds with their keys, as callers see them. Requests
 * write what is wanted; `tendServerCertificates` does it.
 */
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import { decideServerNames } from "../policy/server-names.ts";
import type { KeylessApp, ServerKeyAlgorithm } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { FleetConfiguration } from "../records/fleet-configuration.ts";
import {
  isRemoved,
  type ServerCertificateRecord,
  type ServerCertificateState,
  serverCertificateKey,
  serverCertificatePartition,
  serverCertificateRecord,
} from "../records/server-certificate-record.ts";

/** Where the generation before the present one is held. Its name differs: a key that nobody has is not moved. */
export interface PreviousServerCertificate {
  readonly certificateId: string;
  readonly serialNumber: string;
  /** ISO 8601, UTC. */
  readonly notAfter: string;
}

export interface ServerCertificateView {
  readonly name: string;
  readonly state: ServerCertificateState;
  readonly dnsNames: readonly string[];
  readonly keyAlgorithm: ServerKeyAlgorithm;
  /** The service's name for it, which stays from generation to generation. */
  readonly certificateId?: string;
  /** Of the generation that is held: lowercase hexadecimal. */
  readonly serialNumber?: string;
  /** ISO 8601, UTC, as all times here. */
  readonly notAfter?: string;
  /** What to point a listener at to go back. */
  readonly previous?: PreviousServerCertificate;
  /** Code of the last failure; the task tries again at `nextAt`. */
  readonly lastFailure?: string;
  /** When the task does something about it; absent while people hold it back. */
  readonly nextAt?: string;
}

/** Who asks, and for which names. */
export interface ServerNameCaller {
  /** `operator:…` or `pipeline:…`, as the audit log names it. */
  readonly actor: string;
  /** "any": an operator, bound by the names' syntax alone; else the pipeline's patterns. */
  readonly namePatterns: "any" | readonly string[];
}

export interface ServerCertificateName {
  readonly fleet: string;
  readonly name: string;
}

const pipelineActor = "pipeline:";

/** The patterns of the fleet's pipeline of that id; none for one that is no longer there. */
export function serverNamePatterns({ pipelines }: FleetConfiguration, pipelineId: string): readonly string[] {
  return pipelines.find(({ id }) => id === pipelineId)?.serverNames ?? [];
}

/** What whoever asked for these names may have today: nothing, for a pipeline that may ask for none now. */
export function patternsOf(
  configuration: FleetConfiguration,
  requestedBy: string,
): ServerNameCaller["namePatterns"] {
  if (!requestedBy.startsWith(pipelineActor)) return "any";
  const pipeline = configuration.pipelines.find(({ id }) => id === requestedBy.slice(pipelineActor.length));
  return pipeline?.operations.includes("requestServerCertificate") ? (pipeline.serverNames ?? []) : [];
}

/** @throws AppError name_not_permitted. */
export function assertServerNames(
  patterns: ServerNameCaller["namePatterns"],
  dnsNames: readonly string[],
): void {
  if (patterns === "any") return;
  const decision = decideServerNames(patterns, dnsNames);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

const mayHave = (patterns: ServerNameCaller["namePatterns"], dnsNames: readonly string[]): boolean =>
  patterns === "any" || decideServerNames(patterns, dnsNames).allow;

/** The record of that name, or undefined when there is none. One read. */
export async function findServerCertificate(
  app: KeylessApp,
  { fleet, name }: ServerCertificateName,
): Promise<Stored<ServerCertificateRecord> | undefined> {
  const item = await app.items.get(serverCertificateKey(fleet, name));
  return item === undefined || isRemoved(item) ? undefined : serverCertificateRecord(item);
}

export const noServerCertificate = (name: string): AppError =>
  new AppError("not_found", `there is no server certificate "${name}" in the fleet`);

/** The generation before the present one, where it is held still. */
export function previousOf({ current, slots }: ServerCertificateRecord) {
  if (current === undefined) return undefined;
  const slot = slots[(current.generation + 1) % 2];
  if (slot?.certificateId === undefined || slot.generation !== current.generation - 1) return undefined;
  const { certificateId, serialNumber, notAfter } = slot;
  return { certificateId, serialNumber, notAfter };
}

const waitsForPeople = (state: ServerCertificateState): boolean =>
  state === "drifted" || state === "rolledBack";

export function serverCertificateView(record: ServerCertificateRecord): ServerCertificateView {
  const { name, state, dnsNames, keyAlgorithm, certificateId, current, lastFailure, nextAt } = record;
  const previous = previousOf(record);
  return {
    name,
    state,
    dnsNames,
    keyAlgorithm,
    ...(certificateId === undefined ? {} : { certificateId }),
    ...(current === undefined
      ? {}
      : { serialNumber: current.serialNumber, notAfter: isoSeconds(current.notAfter) }),
    ...(previous === undefined ? {} : { previous: { ...previous, notAfter: isoSeconds(previous.notAfter) } }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(waitsForPeople(state) ? {} : { nextAt: isoSeconds(nextAt) }),
  };
}

/**
 * @param caller Without one, or with "any", every certificate of the fleet is shown; a pipeline sees those whose names
 * it may have, and is told of no others.
 * @throws AppError not_found.
 */
export async function getServerCertificate(
  app: KeylessApp,
  request: ServerCertificateName & { readonly caller?: ServerNameCaller },
): Promise<ServerCertificateView> {
  const found = await findServerCertificate(app, request);
  const patterns = request.caller?.namePatterns ?? "any";
  if (found === undefined || !mayHave(patterns, found.value.dnsNames))
    throw noServerCertificate(request.name);
  return serverCertificateView(found.value);
}

export interface ServerCertificatePage {
  readonly serverCertificates: readonly ServerCertificateView[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/**
 * In the order of their names. A page may hold fewer than `limit`, and none, although there are more.
 * @param request.limit 1 to 1,000.
 * @throws AppError cursor_invalid, store_limit_exceeded.
 */
export async function listServerCertificates(
  app: KeylessApp,
  request: {
    readonly fleet: string;
    readonly limit: number;
    readonly cursor?: string;
    readonly caller?: ServerNameCaller;
  },
): Promise<ServerCertificatePage> {
  const { fleet, limit, cursor, caller } = request;
  const query = { pk: serverCertificatePartition(fleet), limit, ...(cursor === undefined ? {} : { cursor }) };
  const page = await app.items.query(query);
  const records = page.items.flatMap((item) =>
    isRemoved(item) ? [] : [serverCertificateRecord(item).value],
  );
  const shown = records.filter(({ dnsNames }) => mayHave(caller?.namePatterns ?? "any", dnsNames));
  return {
    serverCertificates: shown.map(serverCertificateView),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
}
