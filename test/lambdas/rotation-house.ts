/**
 * Room: test/lambdas. A deployed fleet with two people, its tasks at hand: calls of the rotation's routes go the whole
 * way, and each answer is read by the schema that the API's description names for it.
 */
import { expect } from "vitest";
import type * as z from "zod/mini";
import { getFleet } from "../../core/authority/issuer.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import type { DataKeyState } from "../../core/ports.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { rotationOperations } from "../../lambdas/http/openapi-rotation.ts";
import { type Match, matchRoute } from "../../lambdas/http/router.ts";
import {
  as,
  base,
  type Call,
  type CriticalCall,
  firstOwner,
  join,
  origin,
  perform,
  type Reply,
  signIn,
  type Team,
  teamOf,
} from "../access/team.ts";
import { settle } from "../rotation/rollover-fleet.ts";
import { type DeploymentPorts, openDeploymentApp } from "../support/deployment-app.ts";
import { testFleet } from "../support/fleet-app.ts";

export const principal = "arn:aws:sts::123456789012:assumed-role/ci/run-1";

export interface RotationHouse {
  readonly team: Team;
  /** Ids of the routes whose answers were read. */
  readonly read: Set<string>;
  /** The answer, after its status and its body were held against the API's description. */
  call(call: Call): Promise<Record<string, unknown>>;
  callByIam(call: Call): Promise<Record<string, unknown>>;
  /** The same, approved by two people first. */
  decide(call: CriticalCall): Promise<Record<string, unknown>>;
  /** Whatever it is answered. */
  try(call: Call): Promise<Reply>;
  decision(call: CriticalCall): Promise<Reply>;
  /** Runs of the tasks, until rollovers and ceremonies have nothing left. */
  settle(): Promise<void>;
  rotate(): Promise<void>;
  tend(): Promise<void>;
  /** Time passes, and both people sign in again. */
  later(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

/** RFC 9457 §3: what a refusal is. */
export function expectProblem({ status, headers, body }: Reply, expected: number, code: string): void {
  expect({ status, code: body["code"] }).toEqual({ status: expected, code });
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(body).toMatchObject({ status: expected, title: expect.any(String) });
}

function idOf(match: Match): keyof typeof rotationOperations {
  if (match.kind !== "route") expect.fail("no route");
  return match.route.id as keyof typeof rotationOperations;
}

function readAnswer({ method = "POST", path }: Call, { status, body }: Reply, read: Set<string>) {
  const id = idOf(matchRoute(method, path));
  const { status: wanted, response } = rotationOperations[id];
  expect({ id, status, ...(status >= 400 ? { body } : {}) }).toEqual({ id, status: Number(wanted) });
  const { error } = (response as z.ZodMiniType).safeParse(body);
  expect({ id, issues: error?.issues ?? [] }).toEqual({ id, issues: [] });
  read.add(id);
  return body;
}

/** A wrapping key of the fleet, which a local deployment has none of. */
function wrappingKey(now: number): DataKeyState {
  return {
    keyId: "key-1",
    name: `${testFleet}-protection`,
    condition: "enabled",
    createdAt: now,
    rotationDays: 90,
    onDemandRotations: 0,
    onDemandLimit: 25,
  };
}

const pipeline = {
  kind: "iam",
  id: "ci",
  operations: ["requestServerCertificate", "getServerCertificate"],
  profiles: [],
  principal: "arn:aws:sts::123456789012:assumed-role/ci/*",
  serverNames: ["*.example.test"],
} as const;

async function deploy(app: DeploymentPorts): Promise<void> {
  const plan = {
    fleet: testFleet,
    trustDomain: "example.test",
    rootAlgorithm: "P-256",
    issuingAlgorithm: "P-256",
  } as const;
  await deployFleet(app, { plan, fleets: [testFleet], origin });
  const put = configurationItem(testFleet, { ...defaultConfiguration, pipelines: [pipeline] });
  await app.items.transact([{ put, when: "absent" }]);
}

export async function openRotationHouse(): Promise<RotationHouse> {
  const fixture = await openDeploymentApp();
  const key = wrappingKey(fixture.clock.now());
  const app: DeploymentPorts = {
    ...fixture.app,
    dataKeys: { list: async () => [key], rotateNow: async () => key },
  };
  await deploy(app);
  const team = await teamOf({ ...fixture, app, fleet: await getFleet(app, testFleet) });
  let owner = await firstOwner(team);
  let officer = await join(team, [owner], ["securityOfficer"], "operator-2");
  const read = new Set<string>();
  const attempt = (call: Call) => as(team, owner, call);
  const decision = (call: CriticalCall) => perform(team, [owner, officer], call);
  return {
    team,
    read,
    call: async (call) => readAnswer(call, await attempt(call), read),
    callByIam: async (call) => readAnswer(call, await team.send({ ...call, principal }), read),
    decide: async (call) => readAnswer(call, await decision(call), read),
    try: attempt,
    decision,
    settle: () => settle(app, testFleet),
    async rotate() {
      await rotate(app);
    },
    async tend() {
      await tendServerCertificates(app);
    },
    async later(milliseconds) {
      fixture.clock.advance(milliseconds);
      owner = await signIn(team, owner.operatorId, owner.authenticator);
      officer = await signIn(team, officer.operatorId, officer.authenticator);
    },
    close: () => fixture.close(),
  };
}

export const get = (path: string, query?: string): Call => ({
  method: "GET",
  path: `${base}${path}`,
  ...(query === undefined ? {} : { query }),
});
