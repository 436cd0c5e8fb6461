/**
 * Room: core/enrollment. An operator who has signed in with more than one factor gets a certificate for the command
 * line. It names the operator, whatever the request says. The same session with the same CSR gets the same certificate.
 */

import type { OperatorCaller } from "../access/caller.ts";
import { findSession } from "../access/session.ts";
import { assertFleetActive } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import type { App, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { operatorKey } from "../records/operator-record.ts";
import { type SessionRecord, sessionItem } from "../records/session-record.ts";
import { profiles } from "../standard/profiles.ts";
import { type IssuedCertificate, issuedCertificate } from "./answer.ts";
import { issueAuthorised, requestDigest } from "./authorised.ts";
import { findAnswer } from "./issue-once.ts";

const profile = profiles.operator;

/** Of one session: a person's own devices. A new session takes another touch of the passkey. */
const maximumCertificates = 8;

async function openSession(app: App, { fleet, proof }: OperatorCaller): Promise<Stored<SessionRecord>> {
  const session = proof.by === "session" ? await findSession(app, fleet, proof.sessionId) : undefined;
  if (session?.value.state === "active") return session;
  throw new AppError("session_invalid", "a certificate takes a session, which proves more than one factor");
}

/** Counts the certificate on its session. @throws AppError rate_limited. */
function countCertificate(app: App, { value, version }: Stored<SessionRecord>): WriteOperation {
  const { certificates = 0, expiresAt } = value;
  if (certificates < maximumCertificates)
    return { put: sessionItem({ ...value, certificates: certificates + 1 }), when: version };
  throw new AppError(
    "rate_limited",
    `the session had ${maximumCertificates} certificates, the limit; sign in again for another`,
    { retryAfter: Math.max(1, Math.ceil((expiresAt - app.clock.now()) / 1000)) },
  );
}

/** Whoever was suspended since the door gets none. */
function stillThere({ operator: { value, version } }: OperatorCaller): WriteOperation {
  return { check: operatorKey(value.fleet, value.operatorId), when: version };
}

const changedMeanwhile = () =>
  new AppError("store_condition_failed", "operator or session was changed at the same moment; repeat this", {
    retryAfter: 1,
  });

/**
 * @param request.csr DER.
 * @throws AppError session_invalid (the caller came by a certificate), fleet_suspended, csr_* and key_* (see
 * `verifyCsr`), the policy's codes, authority_unavailable, issuance_in_progress, rate_limited (too many in this session),
 * store_condition_failed (operator or session were changed meanwhile).
 */
export async function certifyOperator(
  app: App,
  caller: OperatorCaller,
  request: { readonly csr: Uint8Array },
): Promise<IssuedCertificate> {
  const { fleet, fleetState, subjectId: operatorId } = caller;
  assertFleetActive(fleetState);
  const session = await openSession(app, caller);
  const csr = await verifyCsr(request.csr);
  const { trustDomain } = fleetState.record;
  const credential = `session:${session.value.sessionId}`;
  const digest = requestDigest(credential, csr.digest, profile.id);
  const answered =
    session.value.certificates === undefined ? undefined : await findAnswer(app, fleet, digest);
  const record =
    answered ??
    (await issueAuthorised(app, {
      fleet: fleetState,
      csr,
      profile,
      identity: { kind: "operator", fleet, trustDomain, operatorId },
      credential,
      requestDigest: digest,
      consume: [countCertificate(app, session), stillThere(caller)],
      taken: changedMeanwhile,
    }));
  return issuedCertificate(fleetState, record);
}
