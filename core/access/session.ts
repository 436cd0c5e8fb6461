/**
 * Room: core/access. Sessions of operators: half an hour, bound to a key that the browser cannot give away (RFC 9449).
 * The token alone opens nothing; each request brings a proof of that key, which counts once.
 */
import { auditEntry } from "../audit/entry.ts";
import { type Fleet, findFleet, getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, VerifiedProof } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { isCurrent } from "../records/operator-record.ts";
import { proofItem } from "../records/proof-record.ts";
import { type SessionRecord, sessionItem, sessionKey, sessionRecord } from "../records/session-record.ts";
import type { OperatorCaller } from "./caller.ts";
import { activeOperator, operatorCaller } from "./operator.ts";
import { secretDigest } from "./secret.ts";

export interface PresentedSession {
  /** `{fleet}.{43 characters of base64url}`. */
  readonly token: string;
  /** DPoP proof. */
  readonly proof: string;
  readonly method: string;
  /** https URL of the request, without its query. */
  readonly url: string;
}

const invalid = () =>
  new AppError("session_invalid", "the session is unknown here, over, or another key's; sign in again");

/** Whatever its state. One read. */
export async function findSession(
  app: KeylessApp,
  fleet: string,
  sessionId: string,
): Promise<Stored<SessionRecord> | undefined> {
  const item = await app.items.get(sessionKey(fleet, sessionId));
  return item === undefined ? undefined : sessionRecord(item);
}

/** RFC 9449 §11.1. One write. @throws AppError proof_replayed. */
async function rememberProof(app: KeylessApp, fleet: string, proof: VerifiedProof): Promise<void> {
  try {
    await app.items.transact([{ put: proofItem(fleet, proof), when: "absent" }]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    throw new AppError("proof_replayed", "the DPoP proof was used before; make a new one for each request");
  }
}

function inForce(app: KeylessApp, { state, expiresAt }: SessionRecord): boolean {
  return state === "active" && app.clock.now() < expiresAt;
}

/**
 * Vault CVE-2020-16250: a proof for another host counts nowhere else, even where the request claims to be for that host.
 * The deployment says where sessions are used; a Host header is the caller's own word.
 */
function assertOwnHost(fleet: Fleet, url: string): void {
  const { origin } = fleet.record;
  if (origin === undefined || new URL(url).origin === origin) return;
  throw new AppError(
    "proof_invalid",
    "sessions of this fleet are used at the origin of its page for passkeys only",
  );
}

/**
 * Three reads and one write, of the proof's id alone.
 * @throws AppError session_invalid (unknown, ended, expired, bound to another key), proof_invalid, proof_replayed,
 * operator_not_active.
 */
export async function authenticateSession(
  app: KeylessApp,
  presented: PresentedSession,
): Promise<OperatorCaller> {
  const { token, proof, method, url } = presented;
  const [fleet = ""] = token.split(".", 1);
  const expected = { method, url, accessToken: token, now: app.clock.now() };
  const verified = await app.identities.verifyProof(proof, expected);
  const sessionId = secretDigest(token);
  const [session, fleetState] = await Promise.all([
    findSession(app, fleet, sessionId),
    findFleet(app, fleet),
  ]);
  if (session === undefined || fleetState === undefined || !inForce(app, session.value)) throw invalid();
  if (session.value.keyThumbprint !== verified.keyThumbprint) throw invalid();
  assertOwnHost(fleetState, url);
  // Only now: a stranger leaves nothing in the store.
  await rememberProof(app, fleet, verified);
  const operator = await activeOperator(app, fleet, session.value.operatorId);
  if (!isCurrent(operator.value, session.value)) throw invalid();
  return operatorCaller(operator, fleetState, { by: "session", sessionId });
}

export interface ProvenKey {
  readonly kind: "proof";
  readonly keyThumbprint: string;
}

/**
 * A key to which a session will be bound. One read, and one write of the proof's id.
 * @throws AppError not_found (no such fleet), proof_invalid, proof_replayed.
 */
export async function proveKey(
  app: KeylessApp,
  fleet: string,
  { proof, method, url }: Omit<PresentedSession, "token">,
): Promise<ProvenKey> {
  const verified = await app.identities.verifyProof(proof, { method, url, now: app.clock.now() });
  assertOwnHost(await getFleet(app, fleet), url);
  await rememberProof(app, fleet, verified);
  return { kind: "proof", keyThumbprint: verified.keyThumbprint };
}

async function tryEnd(
  app: KeylessApp,
  { fleet, actor }: OperatorCaller,
  sessionId: string,
): Promise<boolean> {
  const session = await findSession(app, fleet, sessionId);
  if (session === undefined || session.value.state === "ended") return true;
  const put = sessionItem({ ...session.value, state: "ended" });
  const act = { fleet, action: "session.ended", actor, subject: sessionId, result: "success" } as const;
  try {
    await app.items.transact([{ put, when: session.version }, auditEntry(app, act)]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

/** Ends the caller's own session; one that has just ended stays ended. @throws AppError session_invalid. */
export async function endSession(app: KeylessApp, caller: OperatorCaller): Promise<void> {
  if (caller.proof.by !== "session") throw invalid();
  // What else changes a session is a certificate issued in it, and of those there are few.
  while (!(await tryEnd(app, caller, caller.proof.sessionId)));
}
