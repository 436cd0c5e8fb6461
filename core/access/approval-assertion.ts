/**
 * Room: core/access. One person approves one operation, by a passkey or at an identity provider, over that operation's
 * own challenge. The proof stays in the record: whoever audits it can verify it again.
 */
import { hash } from "node:crypto";
import { auditEntry } from "../audit/entry.ts";
import { AppError, type ErrorCode, isAppError } from "../errors.ts";
import type { CredentialJson, KeylessApp } from "../ports.ts";
import {
  type ApprovalAssertion,
  type ApprovalRecord,
  type AssertionProof,
  approvalItem,
} from "../records/approval-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { accessPeriods } from "../standard/access.ts";
import { assertOpen, findApproval } from "./approval.ts";
import { challengeSince } from "./approval-challenge.ts";
import { type ApprovalSummary, approvalSummary } from "./approval-request.ts";
import { findApprovers } from "./approvers.ts";
import { limitFailures } from "./attempts.ts";
import type { OperatorCaller } from "./caller.ts";
import { proveToken } from "./operator-token.ts";
import { findClaimedPasskey, responseText, verifyClaimedPasskey } from "./passkey-assertion.ts";
import type { Step } from "./steps.ts";

export interface Assertion {
  readonly approvalId: string;
  /** Exactly one of these two. */
  readonly credential?: CredentialJson;
  readonly idToken?: string;
}

/** What was proved, and what must be written for it. */
interface Proven {
  readonly proof: AssertionProof;
  readonly since: number;
  readonly steps: readonly Step[];
}

const assertionMilliseconds = accessPeriods.assertion.seconds * 1000;

const stale = () =>
  new AppError(
    "approval_stale",
    `the assertion is older than ${accessPeriods.assertion.seconds} s, the limit; fetch the approval and assert anew`,
  );

/**
 * An assertion that is no newer than the one that is there is that one again, whatever its octets: some signatures can
 * be rewritten, and some authenticators keep no counter. @throws AppError approval_repeated.
 */
function assertNewer(record: ApprovalRecord, operatorId: string, since: number): void {
  const own = record.assertions.find((each) => each.operatorId === operatorId);
  if (own === undefined || own.since < since) return;
  throw new AppError(
    "approval_repeated",
    "this operator has approved already, which counts once; another person is needed, or a new assertion in half a minute",
  );
}

/** The time that the challenge stands for. @throws `foreign` when it is not this approval's; approval_stale. */
function provenSince(
  app: KeylessApp,
  record: ApprovalRecord,
  challenge: string,
  foreign: () => AppError,
): number {
  const now = app.clock.now();
  const since = challengeSince(record, challenge, now);
  if (since === undefined) throw foreign();
  if (now - since > assertionMilliseconds) throw stale();
  return since;
}

const foreignPasskey = () =>
  new AppError(
    "passkey_invalid",
    "the passkey's answer is not for this operation's challenge, or the passkey is not the caller's",
  );

/** The challenge that the browser says it was asked with; the verifier checks that it is the signed one. */
function claimedChallenge(clientDataJSON: string): string {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString("utf8"));
    if (typeof data === "object" && data !== null && "challenge" in data) {
      if (typeof data.challenge === "string") return data.challenge;
    }
  } catch {
    // The parser's message quotes what the caller sent.
  }
  throw foreignPasskey();
}

/** Characters of a proof: a passkey's answer has a tenth of it, and a record has room for every person's. */
const maximumProof = 8_192;

function passkeyProof(credential: CredentialJson, credentialId: string): AssertionProof {
  const [clientDataJSON, authenticatorData, signature] = (
    ["clientDataJSON", "authenticatorData", "signature"] as const
  ).map((name) => responseText(credential, name) ?? "");
  if (!clientDataJSON || !authenticatorData || !signature) throw foreignPasskey();
  const length = clientDataJSON.length + authenticatorData.length + signature.length;
  if (length > maximumProof)
    throw new AppError(
      "passkey_invalid",
      `the passkey's answer has ${length} characters, limit ${maximumProof}; use another passkey`,
    );
  return { by: "passkey", credentialId, clientDataJSON, authenticatorData, signature };
}

async function byPasskey(
  app: KeylessApp,
  caller: OperatorCaller,
  record: ApprovalRecord,
  credential: CredentialJson,
): Promise<Proven> {
  const claimed = await findClaimedPasskey(app, caller.fleet, credential);
  if (claimed.passkey.value.operatorId !== caller.subjectId) throw foreignPasskey();
  const challenge = claimedChallenge(responseText(credential, "clientDataJSON") ?? "");
  const since = provenSince(app, record, challenge, foreignPasskey);
  assertNewer(record, caller.subjectId, since);
  const proof = passkeyProof(credential, claimed.passkey.value.credentialId);
  const steps = await verifyClaimedPasskey(app, caller.fleetState, claimed, challenge);
  return { proof, since, steps };
}

const foreignToken = () =>
  new AppError(
    "token_invalid",
    "the ID token's nonce is not this operation's challenge, or the token is not the caller's",
  );

async function byToken(
  app: KeylessApp,
  caller: OperatorCaller,
  record: ApprovalRecord,
  idToken: string,
): Promise<Proven> {
  const token = await proveToken(app, caller.fleetState, idToken);
  if (token.subjectHash !== caller.operator.value.oidcSubject) throw foreignToken();
  const since = provenSince(app, record, token.nonce ?? "", foreignToken);
  // OpenID Connect Core §2: a token may be new while the person signed in long ago.
  const { authenticatedAt } = token;
  if (authenticatedAt === undefined || app.clock.now() - authenticatedAt > assertionMilliseconds)
    throw stale();
  const proof = { by: "oidc", issuer: token.issuer.issuer, tokenSha256: hash("sha256", idToken) } as const;
  return { proof, since: Math.min(since, authenticatedAt), steps: [] };
}

function prove(
  app: KeylessApp,
  caller: OperatorCaller,
  record: ApprovalRecord,
  { credential, idToken }: Assertion,
): Promise<Proven> {
  if (credential !== undefined && idToken === undefined) return byPasskey(app, caller, record, credential);
  if (credential === undefined && idToken !== undefined) return byToken(app, caller, record, idToken);
  throw new AppError("request_invalid", "an assertion takes either credential or idToken; send one of them");
}

/** The standard asks for two at most; more than this many only make the record large. */
const maximumPersons = 16;

/** The record with this person's assertion, the newest. @throws AppError approval_repeated. */
function withAssertion(record: ApprovalRecord, assertion: ApprovalAssertion): ApprovalRecord {
  const { operatorId, since } = assertion;
  assertNewer(record, operatorId, since);
  const others = record.assertions.filter((each) => each.operatorId !== operatorId);
  if (others.length < maximumPersons) return { ...record, assertions: [...others, assertion] };
  throw new AppError("approval_repeated", `${maximumPersons} people have approved already, the limit`);
}

async function keepAssertion(
  app: KeylessApp,
  caller: OperatorCaller,
  approval: Stored<ApprovalRecord>,
  proven: Proven,
): Promise<ApprovalRecord> {
  const { fleet, actor, subjectId: operatorId } = caller;
  const { since, proof, steps } = proven;
  const next = withAssertion(approval.value, { operatorId, since, takenAt: app.clock.now(), proof });
  const { approvalId: subject } = next;
  const reason = proof.by;
  const act = { fleet, action: "approval.asserted", actor, subject, result: "success", reason } as const;
  await app.items.transact([
    { put: approvalItem(next), when: approval.version },
    auditEntry(app, act),
    ...steps.map(({ write }) => write),
  ]);
  return next;
}

/** One assertion on the approval as it stands; undefined when it, or the passkey's counter, changed meanwhile. */
async function tryAssert(
  app: KeylessApp,
  caller: OperatorCaller,
  assertion: Assertion,
): Promise<ApprovalRecord | undefined> {
  const found = await findApproval(app, caller.fleet, assertion.approvalId);
  if (found === undefined) throw new AppError("not_found", "no approval of this fleet has that id");
  assertOpen(app, found.value);
  const proven = await prove(app, caller, found.value, assertion);
  try {
    return await keepAssertion(app, caller, found, proven);
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return undefined;
    throw error;
  }
}

/** More people than may approve, at once. */
const attempts = maximumPersons + 2;

/** What a wrong proof is refused with, and counts as a failed attempt of the caller. */
const failures: readonly ErrorCode[] = ["passkey_invalid", "token_invalid"];

async function assertOnce(
  app: KeylessApp,
  caller: OperatorCaller,
  assertion: Assertion,
): Promise<ApprovalRecord> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const next = await tryAssert(app, caller, assertion);
    if (next !== undefined) return next;
  }
  throw new AppError("store_condition_failed", "others approve at the same moment; repeat this", {
    retryAfter: 1,
  });
}

/**
 * @throws AppError not_found, request_invalid, approval_spent, approval_stale (expired, or the assertion is too old),
 * passkey_invalid and token_invalid (foreign, or for another operation), token_expired, issuer_unavailable,
 * approval_repeated (the same again), rate_limited.
 */
export async function assertApproval(
  app: KeylessApp,
  caller: OperatorCaller,
  assertion: Assertion,
): Promise<ApprovalSummary> {
  const { fleet, fleetState, subjectId } = caller;
  const limited = { fleet, identity: `approval:${subjectId}`, codes: failures };
  const next = await limitFailures(app, limited, () => assertOnce(app, caller, assertion));
  return approvalSummary(app, fleetState, next, await findApprovers(app, fleet));
}
