/**
 * Room: core/ocsp. The fleet's responder: one key, and for each issuing authority a certificate that lets it answer in
 * that authority's place (RFC 6960 §4.2.2.2). Nobody asks for the responder's own status, so its certificates live
 * for days and follow one another.
 */
import type { Fleet, Issuer } from "../authority/issuer.ts";
import { type CertifiedKey, certifyOwnKey } from "../enrollment/own-key.ts";
import { isAppError } from "../errors.ts";
import type { App } from "../ports.ts";
import type { CertificateRecord } from "../records/certificate-record.ts";
import { type ResponderRecord, responderItem } from "../records/responder-record.ts";
import { statusPlaces } from "../revocation/status-places.ts";
import { profiles } from "../standard/profiles.ts";
import { findResponders, isAnsweredFor, type StoredResponder } from "./certified-responders.ts";
import {
  assertResponderInUse,
  certifiedKey,
  responderAlgorithm,
  responderKey,
  succeedResponderKey,
} from "./responder-key.ts";

const profile = profiles.ocspResponder;

/** A certificate that was revoked, or found too late to be used, is done with: the next attempt is another request. */
const attempts = 5;

function renewAt({ notBefore, notAfter }: CertificateRecord, { certificate }: Issuer): number {
  // The last one of an authority ends with it: another would last no longer.
  if (notAfter >= certificate.tbs.validity.notAfter) return notAfter;
  return notBefore + Math.floor((notAfter - notBefore) * profile.renewAfterFraction);
}

/** The same request from whoever tends the fleet, at once or after a crash: one period, one certificate. */
async function certify(app: App, fleet: Fleet, issuer: Issuer, period: number): Promise<CertifiedKey> {
  const { fleet: name } = fleet.record;
  const { authorityId } = issuer.record;
  const { responderId: serviceId } = responderKey(fleet.record);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await certifyOwnKey(app, {
        fleet: name,
        alias: `${name}-${serviceId}`,
        algorithm: responderAlgorithm,
        profile,
        identity: { kind: "service", fleet: name, serviceId },
        issuer,
        purpose: `ocsp responder\n${authorityId}\n${period}\n${attempt}`,
        status: statusPlaces(fleet, authorityId),
      });
    } catch (error) {
      if (!isAppError(error, "credential_spent") || attempt === attempts) throw error;
    }
  }
}

/** @returns False when another task has recorded a certificate of this authority meanwhile. */
async function renew(
  app: App,
  fleet: Fleet,
  issuer: Issuer,
  before: StoredResponder | undefined,
): Promise<boolean> {
  const { responderId, since } = responderKey(fleet.record);
  assertResponderInUse({ responderId, since }, app.clock.now());
  const period = (before?.value.period ?? 0) + 1;
  const { key, record: issued, certificate } = await certify(app, fleet, issuer, period);
  const record: ResponderRecord = {
    fleet: fleet.record.fleet,
    authorityId: issuer.record.authorityId,
    period,
    keyId: key.keyId,
    responderId,
    keySince: since,
    algorithm: key.algorithm,
    certificate,
    serialNumber: issued.serialNumber,
    notBefore: issued.notBefore,
    notAfter: issued.notAfter,
    renewAt: renewAt(issued, issuer),
  };
  try {
    await app.items.transact([{ put: responderItem(record), when: before?.version ?? "absent" }]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

/** Of another key than the one that signs from now on, or at half of its life. */
function isToBeRenewed({ record }: Fleet, responder: ResponderRecord | undefined, now: number): boolean {
  if (responder === undefined || responder.renewAt <= now) return true;
  return certifiedKey(responder, record).responderId !== responderKey(record).responderId;
}

/**
 * Certifies the responder where it has no certificate yet, or one at half of its life, or one of a key that another has
 * followed; one query when nothing is due.
 * A fleet without an address has no responder: its certificates name none. Safe to repeat after a crash and beside
 * another process. One authority's failure does not keep another from its certificate; the first is thrown at the end.
 * @returns How many certificates this call has put in place.
 * @throws AppError key_overdue (the key is past its grace), and what `certifyOwnKey` throws.
 */
export async function tendResponders(app: App, known: Fleet): Promise<number> {
  if (known.record.origin === undefined) return 0;
  const fleet = await succeedResponderKey(app, known);
  const now = app.clock.now();
  const present = await findResponders(app, fleet.record.fleet);
  const due = fleet.authorities.filter((issuer) => {
    const responder = present.get(issuer.record.authorityId)?.value;
    return isAnsweredFor(issuer, now) && isToBeRenewed(fleet, responder, now);
  });
  const outcomes = await Promise.allSettled(
    due.map((issuer) => renew(app, fleet, issuer, present.get(issuer.record.authorityId))),
  );
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
}
