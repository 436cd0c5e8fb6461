/**
 * Room: scripts/rehearsal. One operator at a browser: a passkey made in software, a session bound to a key, every request
 * with a proof of that key. What it says is what the page at /passkeys says.
 */

import type { ClientCredential, HttpRequest } from "../../cli/https-client.ts";
import { createProofKey, type ProofKey } from "../../test/support/dpop.ts";
import {
  type SoftwareAuthenticator,
  softwareAuthenticator,
} from "../../test/support/software-authenticator.ts";
import { outputOf } from "../deployment/cdk.ts";
import { stackNames } from "../deployment/stage.ts";
import { connected, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat } from "./report.ts";

export interface Reply {
  readonly status: number;
  /** Of the problem. */
  readonly code: string | undefined;
  /** Members of the JSON document; none for another answer. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly method?: HttpRequest["method"];
  /** Below the fleet's own path. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Person {
  readonly operatorId: string;
  readonly authenticator: SoftwareAuthenticator;
  readonly key: ProofKey;
  readonly token: string;
}

function documentOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const fleetPath = ({ fleet }: RehearsedStage, path: string): string => `/v1/fleets/${fleet.fleet}${path}`;

export async function send(
  stage: RehearsedStage,
  { method = "POST", path, body, headers = {} }: Call,
  credential?: ClientCredential,
): Promise<Reply> {
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const request: HttpRequest = {
    method,
    path: fleetPath(stage, path),
    headers: { accept: "application/json", ...content, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const answer = await connected(stage, credential, ({ client }) => client.send(request));
  const document = documentOf(answer.body.toString("utf8"));
  const { code } = document;
  return { status: answer.status, code: typeof code === "string" ? code : undefined, body: document };
}

/** A member of an answer of `status`. Fails on any other answer. */
export function member({ status, code, body }: Reply, name: string, expected = 201): string {
  const value = body[name];
  expectThat(
    status === expected && typeof value === "string",
    `answered ${status} ${code ?? ""} ${String(body["detail"] ?? "")}, with ${name} ${JSON.stringify(value)}`,
  );
  return value;
}

const challengeOf = async (stage: RehearsedStage): Promise<string> =>
  member(await send(stage, { path: "/challenges", body: {} }), "challenge");

/** The URL at the name that the gateway knows itself by, whatever stands before it: a proof names it (RFC 9449 §4.2). */
function proofUrl(stage: RehearsedStage, path: string): string {
  const { origin } = new URL(outputOf(stage.outputs, stackNames(stage.stage).api, "ApiUrl"));
  return `${origin}${fleetPath(stage, path).split("?", 1)[0]}`;
}

/** The DPoP header of one call. */
export function proofFor(
  stage: RehearsedStage,
  key: ProofKey,
  { method = "POST", path }: Call,
  token?: string,
) {
  const bound = token === undefined ? {} : { accessToken: token };
  return key.proof({ method, url: proofUrl(stage, path), ...bound });
}

/** Headers of one call in the person's session; good once. */
export async function sessionHeaders(stage: RehearsedStage, { key, token }: Person, call: Call) {
  return { authorization: `DPoP ${token}`, dpop: await proofFor(stage, key, call, token) };
}

export async function as(stage: RehearsedStage, person: Person, call: Call): Promise<Reply> {
  const headers = await sessionHeaders(stage, person, call);
  return send(stage, { ...call, headers: { ...headers, ...call.headers } });
}

/** Registers a passkey with the invitation in `url`, the page's own address, and signs in with it. */
export async function register(stage: RehearsedStage, operatorId: string, url: string): Promise<Person> {
  const { origin, hostname, hash } = new URL(url);
  const invitation = new URLSearchParams(hash.slice(1)).get("invitation") ?? "";
  stage.secrets.push(invitation);
  const authenticator = softwareAuthenticator({ origin, relyingPartyId: hostname });
  const challenge = await challengeOf(stage);
  const registered = await send(stage, {
    path: "/passkeys",
    headers: { authorization: `Bearer ${invitation}` },
    body: { challenge, credential: authenticator.register(challenge, { userHandle: operatorId }) },
  });
  member(registered, "credentialId");
  return signIn(stage, operatorId, authenticator);
}

async function signIn(
  stage: RehearsedStage,
  operatorId: string,
  authenticator: SoftwareAuthenticator,
): Promise<Person> {
  const key = await createProofKey();
  const challenge = await challengeOf(stage);
  const call = { path: "/sessions", body: { challenge, credential: authenticator.assert(challenge) } };
  const answer = await send(stage, { ...call, headers: { dpop: await proofFor(stage, key, call) } });
  const token = member(answer, "token");
  stage.secrets.push(token);
  return { operatorId, authenticator, key, token };
}

export interface CriticalCall extends Call {
  readonly operation: string;
  /** Path parameters but the fleet. @default none */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Id of an approval of the call that the first of `people` asks for and each approves with a passkey, one after another. */
export async function approve(
  stage: RehearsedStage,
  people: readonly [Person, ...Person[]],
  { operation, parameters = {}, body }: CriticalCall,
): Promise<string> {
  const request = { operation, body, ...(Object.keys(parameters).length > 0 && { parameters }) };
  const asked = await as(stage, people[0], { path: "/approvals", body: request });
  const approvalId = member(asked, "approvalId");
  for (const person of people) {
    // Each reads what it is about, and signs that.
    const shown = await as(stage, person, { method: "GET", path: `/approvals/${approvalId}` });
    const credential = person.authenticator.assert(member(shown, "challenge", 200));
    const call = { path: `/approvals/${approvalId}/assertions`, body: { credential } };
    member(await as(stage, person, call), "state", 200);
  }
  return approvalId;
}

/** Asked for by the first of `people`, approved by each with a passkey over the very operation, executed by the first. */
export async function performTogether(
  stage: RehearsedStage,
  people: readonly [Person, ...Person[]],
  call: CriticalCall,
): Promise<Reply> {
  const headers = { "fleetkey-approval": await approve(stage, people, call) };
  const { operation: _, parameters: __, ...sent } = call;
  return as(stage, people[0], { ...sent, headers });
}

/** By one person alone, where the fleet has nobody else who could approve. */
export const perform = (stage: RehearsedStage, person: Person, call: CriticalCall): Promise<Reply> =>
  performTogether(stage, [person], call);
