/**
 * step-ca CVE-2026-30836: one message type skipped authorisation. Every route of the table, every kind of credential,
 * of the fleet itself and of another, in every state that it can have: what the door says is what was stated by hand.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Route, routes } from "../../lambdas/routes.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { commonStates, type Target } from "./matrix/credential.ts";
import { type Credential, credentials, impossible } from "./matrix/credentials.ts";
import { type Expectation, expectations } from "./matrix/expectations.ts";
import { expectedOutcome } from "./matrix/model.ts";
import { outcomeOf } from "./matrix/outcome.ts";
import { fleets, openWorld, sides, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const everyRoute = [...routes] as readonly Route[];

/** Things that exist, so that `not_found` can only be the door's word. */
const parameters = (): Readonly<Record<string, string>> => ({
  serialNumber: world.victim("own"),
  deviceId: "pump-victim",
  operatorId: "operator-owner",
  claimId: "claim-fresh",
  approvalId: "0".repeat(32),
  requestId: "0".repeat(64),
});

function targetOf({ id, method, path }: Route): Target & { readonly id: string } {
  const known = parameters();
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const used = names.filter((name) => name !== "fleet").map((name) => [name, known[name] ?? "unknown"]);
  const named: Readonly<Record<string, string>> = Object.fromEntries(used);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => named[name] ?? fleets.own);
  return { id, method, path: filled, parameters: named };
}

const newCsr = (): string => deviceCsr(deviceKey()).toString("base64");

/** Bodies with which a credential that is judged beyond the door is judged there; else one that is refused. */
async function bodyOf(route: Route, credential: Credential): Promise<unknown> {
  if (route.id === "enroll") return credential.enrolmentBody?.(world) ?? { csr: newCsr() };
  if (route.id === "renew") return { csr: newCsr() };
  if (route.id !== "registerPasskey") return {};
  const path = `/v1/fleets/${fleets.own}/challenges`;
  const headers = { "content-type": "application/json" };
  const { body } = await world.handlers.access(gatewayEvent({ method: "POST", path, headers, body: "{}" }));
  return { challenge: JSON.parse(body).challenge, credential: {} };
}

async function knock(route: Route, credential: Credential): Promise<string> {
  const target = targetOf(route);
  const { headers = {}, ...presented } = await credential.present(world, target);
  const ask = async () =>
    world.handlers[route.function](
      gatewayEvent({
        method: target.method,
        path: target.path,
        ...presented,
        headers: { "content-type": "application/json", ...headers },
        ...(route.consumes === undefined ? {} : { body: JSON.stringify(await bodyOf(route, credential)) }),
      }),
    );
  if (credential.twice === true) await ask();
  const result = await ask();
  return outcomeOf(
    route.id,
    result,
    world.house.log.findLast(({ event }) => event === "request"),
  );
}

const byName = new Map<string, Credential[]>();
for (const credential of credentials) {
  const name = `${credential.name}, ${credential.side} fleet`;
  byName.set(name, [...(byName.get(name) ?? []), credential]);
}

describe.each(everyRoute)("$method $path", (route) => {
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

it("has a cell for every route and every credential: thousands", () => {
  expect(Object.keys(expectations).sort()).toEqual(routes.map(({ id }) => id).sort());
  expect(routes.length * credentials.length).toBeGreaterThan(9_000);
  process.stdout.write(`access matrix: ${routes.length} routes × ${credentials.length} credentials\n`);
});

describe("every kind of credential has each common state in both fleets, or a reason why nothing can be that", () => {
  it.each([...new Set(credentials.map(({ name }) => name))])("%s", (name) => {
    const [, reasons = {}] = impossible.find(([kind]) => name.startsWith(kind)) ?? [];
    const cells = credentials.filter((each) => each.name === name);
    for (const side of reasons["other fleet"] === undefined ? sides : (["own"] as const)) {
      for (const state of commonStates) {
        const exists = cells.some((each) => each.side === side && each.state.startsWith(state));
        expect([side, state, exists !== (reasons[state] !== undefined)]).toEqual([side, state, true]);
      }
    }
  });
});

it("a method that no route has is refused at every path", async () => {
  for (const { path, function: duty, id } of everyRoute) {
    const target = targetOf({ id, path, method: "PATCH" } as unknown as Route);
    const certificate = world.certificate("owner", "own", "fresh");
    const { statusCode } = await world.handlers[duty](
      gatewayEvent({ method: "PATCH", path: target.path, certificate }),
    );
    expect(statusCode).toBe(405);
  }
});
