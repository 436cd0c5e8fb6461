/**
 * Room: core/rotation. Somebody asks for a server certificate that another service is to hold. What is wanted is
 * written, and the task is asked to do it: no key is at hand here.
 *
 * The same name with the same names and key type gives the same answer however often it is asked for. Its names may
 * be changed by whoever may have both the old and the new ones; its key type never is: a certificate that replaces
 * another must have the same.
 */
import { auditEntry } from "../audit/entry.ts";
import { assertFleetActive, getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { Decision } from "../policy/decision.ts";
import { checkIdentity } from "../policy/identity.ts";
import { checkServerCertificateName } from "../policy/server-names.ts";
import type { KeylessApp, RevocationApp, ServerKeyAlgorithm } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import {
  isRemoved,
  type ServerCertificateRecord,
  serverCertificateItem,
  serverCertificateKey,
  serverCertificatePartition,
  serverCertificateRecord,
} from "../records/server-certificate-record.ts";
import { wake } from "../revocation/wake.ts";
import {
  assertServerNames,
  type ServerCertificateView,
  type ServerNameCaller,
  serverCertificateView,
} from "./server-certificate.ts";
import { assertAtRest } from "./server-lease.ts";

export interface ServerCertificateRequest {
  readonly fleet: string;
  readonly caller: ServerNameCaller;
  readonly name: string;
  /** 1 to 64, lower case, A-labels, no wildcard; their order means nothing but for the subject's name. */
  readonly dnsNames: readonly string[];
  readonly keyAlgorithm: ServerKeyAlgorithm;
}

/** Server certificates of a fleet, at most: a task looks after each of them every hour. */
const maximumCertificates = 1_000;
/** With those that were removed and are there still, for days at most. */
const countedItems = 5_000;
const attempts = 5;

function assertAllowed(decision: Decision): void {
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
}

/** @throws AppError name_not_permitted: name, names, or names that are not the caller's. */
function assertPermitted({ fleet, caller, name, dnsNames }: ServerCertificateRequest): void {
  assertAllowed(checkServerCertificateName(name));
  assertAllowed(checkIdentity({ kind: "server", fleet, dnsNames, ipAddresses: [] }));
  assertServerNames(caller.namePatterns, dnsNames);
}

const sameNames = (left: readonly string[], right: readonly string[]): boolean =>
  [...left].sort().join() === [...right].sort().join();

function mismatch(message: string): AppError {
  return new AppError("server_certificate_mismatch", message);
}

/** @throws AppError server_certificate_mismatch, name_not_permitted: the caller may not have the names that it has. */
function assertChangeable(request: ServerCertificateRequest, found: ServerCertificateRecord): void {
  const { name, caller, keyAlgorithm } = request;
  // First: whoever may not have its names learns nothing else of it.
  try {
    assertServerNames(caller.namePatterns, found.dnsNames);
  } catch (error) {
    if (!isAppError(error, "name_not_permitted")) throw error;
    throw mismatch(`server certificate "${name}" has names that are not this caller's; take another name`);
  }
  if (found.state === "removing")
    throw mismatch(`server certificate "${name}" is being removed; wait for its end, or take another name`);
  if (found.keyAlgorithm !== keyAlgorithm)
    throw mismatch(
      `server certificate "${name}" has a key of type ${found.keyAlgorithm}, which is fixed, not ${keyAlgorithm}; take another name`,
    );
}

async function assertRoom(app: KeylessApp, fleet: string): Promise<void> {
  const query = { pk: serverCertificatePartition(fleet), limit: countedItems };
  const items = await readItems(app, query);
  if (items.filter((item) => !isRemoved(item)).length < maximumCertificates) return;
  throw new AppError(
    "quota_exhausted",
    `the fleet has ${maximumCertificates} server certificates, the limit; remove one`,
  );
}

function firstRecord(app: KeylessApp, request: ServerCertificateRequest): ServerCertificateRecord {
  const { fleet, caller, name, dnsNames, keyAlgorithm } = request;
  const now = app.clock.now();
  return {
    fleet,
    name,
    recordId: Buffer.from(app.entropy.bytes(16)).toString("hex"),
    state: "requested",
    dnsNames,
    keyAlgorithm,
    requestedBy: caller.actor,
    createdAt: now,
    generation: 0,
    slots: [undefined, undefined],
    attempt: 0,
    leaseUntil: 0,
    nextAt: now,
    failures: 0,
  };
}

/** What the record becomes; undefined when it says already what is asked for. */
function changed(
  app: KeylessApp,
  request: ServerCertificateRequest,
  { value: found }: Stored<ServerCertificateRecord>,
): ServerCertificateRecord | undefined {
  assertChangeable(request, found);
  if (sameNames(found.dnsNames, request.dnsNames)) return undefined;
  assertAtRest(app, found);
  // Who holds it back decides when it goes on: its next generation then has the new names.
  const held = found.state === "drifted" || found.state === "rolledBack";
  return {
    ...found,
    dnsNames: request.dnsNames,
    requestedBy: request.caller.actor,
    state: held ? found.state : "requested",
    nextAt: app.clock.now(),
    failures: 0,
  };
}

/** One attempt. @throws AppError store_condition_failed: somebody wrote first. */
async function ask(
  app: KeylessApp,
  request: ServerCertificateRequest,
): Promise<{ readonly record: ServerCertificateRecord; readonly written: boolean }> {
  const { fleet, name, caller } = request;
  const item = await app.items.get(serverCertificateKey(fleet, name));
  const found = item === undefined || isRemoved(item) ? undefined : serverCertificateRecord(item);
  if (found === undefined) await assertRoom(app, fleet);
  const change = found === undefined ? undefined : changed(app, request, found);
  if (found !== undefined && change === undefined) return { record: found.value, written: false };
  const record = change ?? firstRecord(app, request);
  await app.items.transact([
    { put: serverCertificateItem(record), when: item?.version ?? "absent" },
    auditEntry(app, {
      fleet,
      action: found === undefined ? "server-certificate.requested" : "server-certificate.changed",
      actor: caller.actor,
      subject: name,
      result: "success",
    }),
  ]);
  return { record, written: true };
}

/**
 * The certificate is issued and imported by the task that this starts; the answer says how far it has come.
 * @throws AppError not_found (no such fleet), fleet_suspended, name_not_permitted, quota_exhausted,
 * server_certificate_mismatch (another key type, names that are not the caller's, or it is being removed),
 * issuance_in_progress (its names cannot change while the task works on it), store_unavailable.
 */
export async function requestServerCertificate(
  app: RevocationApp,
  request: ServerCertificateRequest,
): Promise<ServerCertificateView> {
  assertFleetActive(await getFleet(app, request.fleet));
  assertPermitted(request);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { record, written } = await ask(app, request);
      if (written) await wake(app, "tendServers");
      return serverCertificateView(record);
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}
