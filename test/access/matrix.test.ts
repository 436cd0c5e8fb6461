/**
 * step-ca CVE-2026-30836: one message type skipped authorisation. Every route of the table, every kind of credential,
 * of the fleet itself and of another, in every state that it can have: what the door says is what was stated by hand.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Route, routes } from "../../lambdas/routes.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type Credential, credentials, type Target } from "./matrix/credentials.ts";
import { type Expectation, expectations } from "./matrix/expectations.ts";
import { expectedOutcome } from "./matrix/model.ts";
import { fleets, openWorld, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

/** Codes with which the door answers, and the use case of an enrolment about its credential. */
const refusals: ReadonlySet<string> = new Set([
  "credential_missing",
  "credential_invalid",
  "credential_expired",
  "credential_spent",
  "client_certificate_required",
  "client_certificate_untrusted",
  "client_certificate_revoked",
  "client_certificate_expired",
  "access_denied",
  "role_not_permitted",
  "operator_not_active",
  "device_not_active",
  "token_invalid",
  "token_expired",
  "proof_missing",
  "proof_invalid",
  "proof_replayed",
  "session_invalid",
  "approval_required",
  "fleet_suspended",
  "rate_limited",
]);

/** Things that exist, so that `not_found` can only be the door's word. */
const parameters = (): Readonly<Record<string, string>> => ({
  fleet: fleets.own,
  serialNumber: world.victim("own"),
  deviceId: "pump-victim",
  operatorId: "operator-owner",
  claimId: "claim-fresh",
  approvalId: "0".repeat(32),
  requestId: "0".repeat(64),
});

function targetOf({ method, path }: Route): Target {
  const known = parameters();
  return { method, path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? "unknown") };
}

function bodyOf(route: Route, { holder }: Credential): { readonly body?: string } {
  if (route.consumes === undefined) return {};
  if (route.id !== "enroll") return { body: "{}" };
  const csr = deviceCsr(deviceKey()).toString("base64");
  // A token names its device; a claim is asked for one of the inventory.
  return { body: JSON.stringify(holder.kind === "claim" ? { csr, deviceId: "pump-victim" } : { csr }) };
}

function outcomeOf(route: Route, body: string, status: number): string {
  const problem = (body.startsWith("{") ? JSON.parse(body) : {}) as { code?: string; detail?: string };
  if (problem.code === "not_found" && problem.detail === "no such fleet") return "not_found";
  const isRefusal = problem.code !== undefined && refusals.has(problem.code);
  // Beyond this door an invitation is judged, and a renewal asks for the device's standing.
  const isBeyond =
    (route.id === "registerPasskey" && problem.code !== "credential_missing") ||
    (route.id === "inviteFirstPasskey" && String(problem.detail).includes("passkey")) ||
    (route.id === "renew" && problem.code === "device_not_active");
  if (isRefusal && !isBeyond) return problem.code ?? "";
  return status >= 500 ? `status ${status}` : "let in";
}

async function knock(route: Route, credential: Credential): Promise<string> {
  const target = targetOf(route);
  const presented = await credential.present(world, target);
  const { headers = {}, ...rest } = presented;
  const event = gatewayEvent({
    ...target,
    ...rest,
    headers: { "content-type": "application/json", ...headers },
    ...bodyOf(route, credential),
  });
  const handler = world.handlers[route.function];
  if (credential.twice === true) await handler(event);
  const { body, statusCode } = await handler(event);
  return outcomeOf(route, body, statusCode);
}

const byName = new Map<string, Credential[]>();
for (const credential of credentials) {
  const name = `${credential.name}, ${credential.side} fleet`;
  byName.set(name, [...(byName.get(name) ?? []), credential]);
}

describe.each([...routes] as readonly Route[])("$method $path", (route) => {
  const expectation: Expectation = expectations[route.id as keyof typeof expectations];

  it.each([...byName])("%s", async (_name, group) => {
    const actual: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const credential of group) {
      expected[credential.state] = expectedOutcome(expectation, credential);
      actual[credential.state] = await knock(route, credential);
    }
    expect(actual).toEqual(expected);
  });
});

it("has a cell for every route and every credential: some thousands", () => {
  expect(Object.keys(expectations).sort()).toEqual(routes.map(({ id }) => id).sort());
  expect(routes.length * credentials.length).toBeGreaterThan(6_000);
  process.stdout.write(`access matrix: ${routes.length} routes × ${credentials.length} credentials\n`);
});

it("a method that no route has is refused at every path", async () => {
  for (const { path, function: duty } of [...routes] as readonly Route[]) {
    const target = targetOf({ path, method: "PATCH" } as unknown as Route);
    const certificate = world.certificate("owner", "own", "fresh");
    const { statusCode } = await world.handlers[duty](gatewayEvent({ ...target, certificate }));
    expect(statusCode).toBe(405);
  }
});
