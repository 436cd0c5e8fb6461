/**
 * Room: core/access. From a proof of more than one factor to a session. A passkey with user verification is two; an
 * identity provider says by a claim that it asked for two. There is no password anywhere.
 */
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import type { CredentialJson, KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { oidcSubjectKey, oidcSubjectOperator } from "../records/oidc-subject-record.ts";
import { type OperatorRecord, operatorItem } from "../records/operator-record.ts";
import { sessionItem } from "../records/session-record.ts";
import { accessPeriods, type Role } from "../standard/access.ts";
import { limitFailures } from "./attempts.ts";
import { spendChallenge } from "./challenge.ts";
import { findOperator } from "./operator.ts";
import { type ProvenToken, proveToken } from "./operator-token.ts";
import { findClaimedPasskey, verifyClaimedPasskey } from "./passkey-assertion.ts";
import { drawSecret, secretDigest } from "./secret.ts";
import { type Step, takeSteps } from "./steps.ts";

export interface SignIn {
  readonly fleet: string;
  /** Of the DPoP key to which the session will be bound. */
  readonly keyThumbprint: string;
  readonly challenge: string;
  /** Exactly one of these two. */
  readonly credential?: CredentialJson;
  readonly idToken?: string;
}

export interface NewSession {
  /** `{fleet}.{43 characters of base64url}`. It is shown here once and kept nowhere. */
  readonly token: string;
  readonly operatorId: string;
  readonly roles: readonly Role[];
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** Who signs in, and what must be written for it. */
interface Proven {
  readonly operator: OperatorRecord;
  readonly steps: readonly Step[];
  readonly method: "passkey" | "oidc";
}

const notActive = () =>
  new AppError("operator_not_active", "the operator is not active in this fleet; ask one of its owners");

async function byPasskey(
  app: KeylessApp,
  fleet: Fleet,
  challenge: string,
  credential: CredentialJson,
): Promise<Proven> {
  const name = fleet.record.fleet;
  const claimed = await findClaimedPasskey(app, name, credential);
  const identity = `passkey:${claimed.passkey.value.credentialId}`;
  const codes: readonly ErrorCode[] = ["passkey_invalid"];
  const steps = await limitFailures(app, { fleet: name, identity, codes }, () =>
    verifyClaimedPasskey(app, fleet, claimed, challenge),
  );
  // Only who holds the passkey learns that its operator is suspended.
  if (claimed.operator.value.state !== "active") throw notActive();
  return { operator: claimed.operator.value, steps, method: "passkey" };
}

async function operatorOf(
  app: KeylessApp,
  fleet: string,
  { subjectHash }: ProvenToken,
): Promise<Stored<OperatorRecord>> {
  const item = await app.items.get(oidcSubjectKey(fleet, subjectHash));
  const operator = item === undefined ? undefined : await findOperator(app, fleet, oidcSubjectOperator(item));
  if (operator?.value.oidcSubject !== subjectHash || operator.value.state === "suspended") throw notActive();
  return operator;
}

const changedMeanwhile = () =>
  new AppError("operator_not_active", "the operator was changed at the same moment; sign in again");

/** The first sign-in accepts the invitation. */
function activation({ value, version }: Stored<OperatorRecord>): readonly Step[] {
  if (value.state === "active") return [];
  const put = operatorItem({ ...value, state: "active" });
  return [{ write: { put, when: version }, lost: changedMeanwhile }];
}

async function byToken(app: KeylessApp, fleet: Fleet, challenge: string, idToken: string): Promise<Proven> {
  const name = fleet.record.fleet;
  const token = await proveToken(app, fleet, idToken);
  const codes: readonly ErrorCode[] = ["token_invalid"];
  await limitFailures(app, { fleet: name, identity: `oidc:${token.subjectHash}`, codes }, async () => {
    // OpenID Connect Core §3.1.3.7 step 11: a token that was made for another sign-in is a replay.
    if (token.nonce === challenge) return;
    throw new AppError("token_invalid", "the ID token's nonce is not the challenge; sign in again");
  });
  const operator = await operatorOf(app, name, token);
  return { operator: operator.value, steps: activation(operator), method: "oidc" };
}

function prove(app: KeylessApp, fleet: Fleet, { challenge, credential, idToken }: SignIn): Promise<Proven> {
  if (credential !== undefined && idToken === undefined) return byPasskey(app, fleet, challenge, credential);
  if (credential === undefined && idToken !== undefined) return byToken(app, fleet, challenge, idToken);
  throw new AppError("request_invalid", "a sign-in takes either credential or idToken; send one of them");
}

/**
 * @throws AppError not_found, request_invalid, challenge_invalid, passkey_invalid, token_invalid, token_expired,
 * issuer_unavailable, operator_not_active (suspended, or nobody's subject), rate_limited.
 */
export async function createSession(app: KeylessApp, request: SignIn): Promise<NewSession> {
  const { fleet, keyThumbprint } = request;
  const fleetState = await getFleet(app, fleet);
  const challenge = await spendChallenge(app, fleet, request.challenge);
  const { operator, steps, method } = await prove(app, fleetState, request);
  const token = `${fleet}.${drawSecret(app)}`;
  const sessionId = secretDigest(token);
  const createdAt = app.clock.now();
  const expiresAt = createdAt + accessPeriods.session.seconds * 1000;
  const { operatorId, roles } = operator;
  const session = sessionItem({
    fleet,
    sessionId,
    operatorId,
    keyThumbprint,
    state: "active",
    createdAt,
    expiresAt,
  });
  const act = {
    fleet,
    action: "session.created",
    actor: `operator:${operatorId}`,
    subject: sessionId,
    result: "success",
    reason: method,
  } as const;
  await takeSteps(app, [
    challenge,
    ...steps,
    { write: { put: session, when: "absent" } },
    { write: auditEntry(app, act) },
  ]);
  return { token, operatorId, roles, expiresAt: isoSeconds(expiresAt) };
}
