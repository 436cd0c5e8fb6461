/**
 * step-ca CVE-2026-30836: one message type skipped authorisation. Every route of the table, every kind of credential,
 * of the fleet itself and of another, in every state that it can have: what the door says is what was stated by hand.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Route, routes } from "../../lambdas/routes.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { commonStates } from "./matrix/credential.ts";
import { type Credential, credentials, impossible } from "./matrix/credentials.ts";
import { type Expectation, expectations } from "./matrix/expectations.ts";
import { everyRoute, knock, targetOf } from "./matrix/knock.ts";
import { expectedOutcome } from "./matrix/model.ts";
import { openWorld, sides, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

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
      actual[credential.state] = await knock(world, route, credential);
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
    const target = targetOf(world, { id, path, method: "PATCH" } as unknown as Route);
    const certificate = world.certificate("owner", "own", "fresh");
    const { statusCode } = await world.handlers[duty](
      gatewayEvent({ method: "PATCH", path: target.path, certificate }),
    );
    expect(statusCode).toBe(405);
  }
});
