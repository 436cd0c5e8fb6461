/**
 * The matrix of a suspended fleet: its operators come in as before, to see and to end the suspension; devices, pipelines
 * and whoever enrols do not; whoever was refused before is refused as before.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { suspendFleet } from "../enrollment/fixtures/configured-fleet.ts";
import { type Credential, credentials } from "./matrix/credentials.ts";
import { type Expectation, expectations } from "./matrix/expectations.ts";
import { everyRoute, knock } from "./matrix/knock.ts";
import { expectedOutcome } from "./matrix/model.ts";
import { fleets, openWorld, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await suspendFleet(world.house.app, fleets.own);
}, 120_000);
afterAll(() => world.close());

const fresh = credentials.filter(({ side, state }) => side === "own" && state === "fresh");
function outcomeWhileSuspended(route: Expectation, credential: Credential): string {
  const outcome = expectedOutcome(route, credential);
  const { kind } = credential.holder;
  const wasLetIn = outcome === "let in";
  if (route.anyone === true) return outcome;
  // A device's standing is not asked any more; nor who a stranger's maker is.
  if (route.devices !== undefined && kind !== "pipeline")
    return kind === "device" ? "fleet_suspended" : outcome;
  if (route.enrolling === true) return wasLetIn || kind === "certificate" ? "fleet_suspended" : outcome;
  // Nor what a backend's entry says.
  if (route.backends === true && kind === "backend") return "fleet_suspended";
  return wasLetIn && (kind === "pipeline" || kind === "principal") ? "fleet_suspended" : outcome;
}

describe.each(everyRoute)("$method $path", (route) => {
  const expectation: Expectation = expectations[route.id as keyof typeof expectations];

  it("lets in operators and nobody else of those whom it let in", async () => {
    const actual: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const credential of fresh) {
      expected[credential.name] = outcomeWhileSuspended(expectation, credential);
      actual[credential.name] = await knock(world, route, credential);
    }
    expect(actual).toEqual(expected);
  });
});
