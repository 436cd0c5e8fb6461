/**
 * Room: core/ocsp. The key with which a fleet's responder signs: `ocsp-1`, then `ocsp-2` …, each for its cryptoperiod.
 * The next takes over as soon as the present one is due and the key service has the next; where people must deploy it
 * first, the present one goes on while its grace lasts.
 */
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { isAppError } from "../errors.ts";
import type { App } from "../ports.ts";
import { type FleetRecord, fleetItem } from "../records/fleet-record.ts";
import type { ResponderRecord } from "../records/responder-record.ts";
import { assertInCryptoperiod, isDue } from "../rotation/cryptoperiod.ts";

const prefix = "ocsp-";
export const responderAlgorithm = "P-256";

export interface ResponderKey {
  /** `ocsp-1`; the key's alias behind the fleet's name. */
  readonly responderId: string;
  /** When it was first used; milliseconds since the epoch. */
  readonly since: number;
}

/** The one that signs from now on. */
export const responderKey = ({ responderId, responderSince, createdAt }: FleetRecord): ResponderKey => ({
  responderId: responderId ?? `${prefix}1`,
  since: responderSince ?? createdAt,
});

/** The one that a certificate is for. */
export const certifiedKey = (
  { responderId, keySince }: Pick<ResponderRecord, "responderId" | "keySince">,
  { createdAt }: Pick<FleetRecord, "createdAt">,
): ResponderKey => ({ responderId: responderId ?? `${prefix}1`, since: keySince ?? createdAt });

export const nextResponderId = ({ responderId }: ResponderKey): string =>
  `${prefix}${Number(responderId.slice(prefix.length)) + 1}`;

/** @throws AppError key_overdue. */
export function assertResponderInUse({ responderId, since }: ResponderKey, now: number): void {
  assertInCryptoperiod("ocspResponder", since, now, `responder key "${responderId}"`);
}

/** False where people have to deploy it first. */
async function isThere(app: App, alias: string): Promise<boolean> {
  try {
    await app.keys.createKey(alias, responderAlgorithm);
    return true;
  } catch (error) {
    if (isAppError(error, "configuration_invalid")) return false;
    throw error;
  }
}

/**
 * The fleet with the key that is to sign from now on: the next one's where the present one is due and the next is there.
 * Of many who find that, one puts it on record.
 * @throws AppError key_service_unavailable, store_unavailable.
 */
export async function succeedResponderKey(app: App, fleet: Fleet): Promise<Fleet> {
  const { record, version } = fleet;
  const present = responderKey(record);
  const now = app.clock.now();
  if (!isDue("ocspResponder", present.since, now)) return fleet;
  const responderId = nextResponderId(present);
  if (!(await isThere(app, `${record.fleet}-${responderId}`))) return fleet;
  const act = { action: "responder.replaced", actor: "system", subject: responderId } as const;
  try {
    await app.items.transact([
      { put: fleetItem({ ...record, responderId, responderSince: now }), when: version },
      auditEntry(app, { fleet: record.fleet, ...act, result: "success" }),
    ]);
  } catch (error) {
    // Another run has, or the fleet was changed otherwise: then the next run does.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return await getFleet(app, record.fleet);
}
