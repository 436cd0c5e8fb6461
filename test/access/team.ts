/**
 * A fleet with a page for passkeys and the people who operate it, for tests that go the whole way: events of the gateway
 * in, answers out, over the real store.
 */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { OperatorCaller } from "../../core/access/caller.ts";
import { authenticateSession } from "../../core/access/session.ts";
import type { IdentityVerifier } from "../../core/ports.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import type { Role } from "../../core/standard/access.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import type { HttpResult } from "../../lambdas/http/message.ts";
import { matchRoute } from "../../lambdas/http/router.ts";
import { operatorOf } from "../lambdas/fleet-callers.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { createProofKey, type ProofKey } from "../support/dpop.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { type SoftwareAuthenticator, softwareAuthenticator } from "../support/software-authenticator.ts";

export const host = "api.example.test";
export const origin = `https://${host}`;
export const base = `/v1/fleets/${testFleet}`;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // Tests read members of answers by name; what is in them, the assertions say.
  readonly body: Record<string, unknown>;
  readonly code: unknown;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly certificate?: string;
  /** ARN of the IAM principal that signed the call. */
  readonly principal?: string;
  readonly query?: string;
}

/** One person at one browser. */
export interface Person {
  readonly operatorId: string;
  readonly authenticator: SoftwareAuthenticator;
  readonly key: ProofKey;
  readonly token: string;
}

export interface Team extends FleetApp {
  readonly handlers: Handlers;
  /** The bootstrap's operator with its certificate. */
  readonly certificate: string;
  send(call: Call): Promise<Reply>;
}

function reply(result: HttpResult): Reply {
  const isJson = (result.headers["content-type"] ?? "").includes("json");
  const body = isJson ? (JSON.parse(result.body) as Record<string, unknown>) : {};
  return { status: result.statusCode, headers: result.headers, body, code: body["code"] };
}

/** Gives the fleet the origin of its page. */
export async function setOrigin({ app, fleet }: Pick<FleetApp, "app" | "fleet">): Promise<void> {
  await app.items.transact([{ put: fleetItem({ ...fleet.record, origin }), when: fleet.version }]);
}

/** The team of a fleet that is there. */
export async function teamOf(opened: FleetApp): Promise<Team> {
  await setOrigin(opened);
  const handlers = handlersOf(opened.app);
  const { certificate } = await operatorOf(opened.app, testFleet);
  return {
    ...opened,
    handlers,
    certificate,
    async send({ method = "POST", path, body, headers = {}, certificate: presented, principal, query }) {
      const match = matchRoute(method, path);
      if (match.kind !== "route") expect.fail(`${method} ${path} is no route`);
      const event = gatewayEvent({
        method,
        path,
        ...(query === undefined ? {} : { query }),
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(presented === undefined ? {} : { certificate: presented }),
        ...(principal === undefined ? {} : { principal }),
      });
      return reply(await handlers[match.route.function](event));
    },
  };
}

/** @param identities In place of the verifier that trusts the machine's own roots. */
export async function openTeam(identities?: IdentityVerifier): Promise<Team> {
  const fleetApp = await openFleetApp();
  return teamOf(identities === undefined ? fleetApp : { ...fleetApp, app: { ...fleetApp.app, identities } });
}

export async function challengeOf(team: Team): Promise<string> {
  const { body } = await team.send({ path: `${base}/challenges`, body: {} });
  return String(body["challenge"]);
}

export const newAuthenticator = (): SoftwareAuthenticator =>
  softwareAuthenticator({ origin, relyingPartyId: host });

export async function register(
  team: Team,
  invitation: string,
  authenticator: SoftwareAuthenticator,
): Promise<Reply> {
  const challenge = await challengeOf(team);
  return team.send({
    path: `${base}/passkeys`,
    headers: { authorization: `Bearer ${invitation}` },
    body: { challenge, credential: authenticator.register(challenge) },
  });
}

/** The DPoP header for a call, with the time of the test's clock. */
export function proofFor(
  team: Team,
  key: ProofKey,
  { method = "POST", path }: Call,
  accessToken?: string,
): Promise<string> {
  const token = accessToken === undefined ? {} : { accessToken };
  return key.proof({ method, url: `${origin}${path}`, now: team.clock.now(), ...token });
}

export async function signInWith(
  team: Team,
  key: ProofKey,
  body: Readonly<Record<string, unknown>>,
): Promise<Reply> {
  const call = { path: `${base}/sessions`, body };
  return team.send({ ...call, headers: { dpop: await proofFor(team, key, call) } });
}

export async function signIn(
  team: Team,
  operatorId: string,
  authenticator: SoftwareAuthenticator,
): Promise<Person> {
  const key = await createProofKey();
  const challenge = await challengeOf(team);
  const credential = authenticator.assert(challenge, { userHandle: operatorId });
  const { status, body } = await signInWith(team, key, { challenge, credential });
  expect(status).toBe(201);
  return { operatorId, authenticator, key, token: String(body["token"]) };
}

/** The call in the person's session. */
export async function as(team: Team, { key, token }: Person, call: Call): Promise<Reply> {
  const proof = await proofFor(team, key, call, token);
  return team.send({ ...call, headers: { authorization: `DPoP ${token}`, dpop: proof, ...call.headers } });
}

/** The bootstrap's operator registers its first passkey with its certificate, and signs in. */
export async function firstOwner(team: Team): Promise<Person> {
  const { body } = await team.send({
    path: `${base}/passkey-invitations`,
    body: {},
    certificate: team.certificate,
  });
  const authenticator = newAuthenticator();
  expect((await register(team, String(body["invitation"]), authenticator)).status).toBe(201);
  return signIn(team, "operator-1", authenticator);
}

export interface CriticalCall extends Call {
  readonly operation: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export async function request(team: Team, person: Person, call: CriticalCall): Promise<Reply> {
  const { operation, parameters, body } = call;
  return as(team, person, {
    path: `${base}/approvals`,
    body: { operation, body, ...(parameters === undefined ? {} : { parameters }) },
  });
}

/** Asserts over the challenge that the service gives now. */
export async function approve(team: Team, person: Person, approvalId: string): Promise<Reply> {
  const path = `${base}/approvals/${approvalId}`;
  const { body } = await as(team, person, { method: "GET", path });
  const credential = person.authenticator.assert(String(body["challenge"]));
  return as(team, person, { path: `${path}/assertions`, body: { credential } });
}

export function execute(team: Team, person: Person, call: CriticalCall, approvalId: string): Promise<Reply> {
  const { method = "POST", path, body } = call;
  return as(team, person, { method, path, body, headers: { "fleetkey-approval": approvalId } });
}

/** Asked for by the first of `people`, approved by all of them, executed by the first; or the refusal of the asking. */
export async function perform(
  team: Team,
  people: readonly [Person, ...Person[]],
  call: CriticalCall,
): Promise<Reply> {
  const [first] = people;
  const asked = await request(team, first, call);
  if (asked.status !== 201) return asked;
  const approvalId = String(asked.body["approvalId"]);
  for (const person of people) await approve(team, person, approvalId);
  return execute(team, first, call, approvalId);
}

export const invitationCall = (
  operatorId: string,
  roles: readonly Role[],
  more: Readonly<Record<string, unknown>> = {},
): CriticalCall => ({
  operation: "inviteOperator",
  path: `${base}/operators`,
  body: { operatorId, roles, ...more },
});

export const changeCall = (operatorId: string, change: Readonly<Record<string, unknown>>): CriticalCall => ({
  operation: "changeOperator",
  parameters: { operatorId },
  path: `${base}/operators/${operatorId}`,
  body: change,
});

/** A new person of those roles, invited by `people`, with a passkey and signed in. */
export async function join(
  team: Team,
  people: readonly [Person, ...Person[]],
  roles: readonly Role[],
  operatorId = `operator-${randomUUID()}`,
): Promise<Person> {
  const { status, body } = await perform(team, people, invitationCall(operatorId, roles));
  expect(status).toBe(201);
  const authenticator = newAuthenticator();
  expect((await register(team, String(body["invitation"]), authenticator)).status).toBe(201);
  return signIn(team, operatorId, authenticator);
}

/** Entries of the audit log that are about `action`, in no order. */
export async function auditOf(team: Team, action: string): Promise<readonly Record<string, unknown>[]> {
  const day = new Date(team.clock.now()).toISOString().slice(0, 10);
  const shards = Array.from({ length: 16 }, (_, index) => index.toString(16));
  const pages = await Promise.all(
    shards.map((shard) => team.app.items.query({ pk: `AUDIT#${testFleet}#${day}#${shard}`, limit: 1_000 })),
  );
  return pages
    .flatMap(({ items }) => items.map(({ attributes }) => attributes as Record<string, unknown>))
    .filter((entry) => entry["action"] === action);
}

/** The caller that the door makes of the person's session, for tests that then go on in core. */
export async function callerOf(team: Team, { key, token }: Person): Promise<OperatorCaller> {
  const call = { method: "GET", path: base };
  const proof = await proofFor(team, key, call, token);
  return authenticateSession(team.app, { token, proof, method: "GET", url: `${origin}${base}` });
}
