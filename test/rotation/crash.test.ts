/** Room: test. A run of the rotation that dies at any call of a port is finished by the next; everybody is told. */
import { describe, expect, it } from "vitest";
import { dataKeyWishItem } from "../../core/records/data-key-wish-record.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { fleet, openRotatingFleet, type RotatingFleet, type RotatingPorts } from "./rotating-fleet.ts";

const never = () => new Promise<never>(() => undefined);

/** The ports of a process that dies at its `target`-th step: before a call, or in the next step after it. */
function dying(app: RotatingPorts, target: number) {
  let steps = 0;
  let die: (outcome: "dead") => void = () => undefined;
  const dead = new Promise<"dead">((resolve) => {
    die = resolve;
  });
  const pass = async (): Promise<void> => {
    steps += 1;
    if (steps < target) return;
    die("dead");
    await never();
  };
  const mortal = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(port_, name) {
        const value: unknown = Reflect.get(port_, name);
        if (typeof value !== "function") return value;
        return async (...parameters: never[]) => {
          await pass();
          const result: unknown = await (value as (...all: never[]) => Promise<unknown>).apply(
            port_,
            parameters,
          );
          await pass();
          return result;
        };
      },
    });
  const { items, custody, dataKeys, notifier, tasks } = app;
  const ports = {
    ...app,
    items: mortal(items),
    custody: mortal(custody),
    dataKeys: mortal(dataKeys),
    notifier: mortal(notifier),
    tasks: mortal(tasks),
  };
  return { ports, dead };
}

/** A signer past its grace, an authority that is due, a wrapping key without a period, a wish for another. */
async function openBusy(): Promise<RotatingFleet> {
  const world = await openRotatingFleet(["data", "operations"]);
  world.clock.advance(world.fleetAge(rotationThresholds.issuing.dueDays));
  const now = world.clock.now();
  const [data, operations] = world.dataKeys.keys;
  const { rotationDays: _, ...manual } = data!;
  world.dataKeys.keys = [manual, { ...operations!, lastRotationAt: now }];
  const wish = { name: "operations", fleet, askedBy: "operator:o-1", askedAt: now };
  await world.app.items.transact([{ put: dataKeyWishItem(wish), when: "absent" }]);
  world.told();
  return world;
}

const generic = (told: readonly string[]): readonly string[] =>
  // Rollovers have ids of their own in every world.
  told.map((event) => event.replace(/[0-9a-f]{32}/, "id"));

async function outcome(world: RotatingFleet) {
  const { tasks } = await listRotationTasks(world.app, { fleet, closed: true });
  return tasks
    .map(({ action, subject, severity, closedAt }) =>
      [action, subject.replace(/[0-9a-f]{32}/, "id"), severity, closedAt === undefined].join(" "),
    )
    .toSorted();
}

describe("a rotation that dies at any call of any port", () => {
  it("leads to the same tasks; each thing is told at least once, and twice at most", async () => {
    const calm = await openBusy();
    await rotate(calm.app);
    const events = new Set(generic(calm.told()));
    const tasks = await outcome(calm);
    await calm.close();
    expect(events.size).toBeGreaterThan(5);
    let deaths = 0;
    for (let target = 1; ; target += 1) {
      const world = await openBusy();
      const { ports, dead } = dying(world.app, target);
      const end = await Promise.race([dead, rotate(ports).then(() => "alive" as const)]);
      const report = await rotate(world.app);
      expect(report.failed, `died at step ${target}`).toBe(0);
      const told = generic(world.told());
      expect(new Set(told), `died at step ${target}`).toEqual(events);
      const most = Math.max(...[...Map.groupBy(told, (event) => event).values()].map((each) => each.length));
      expect(most, `died at step ${target}`).toBeLessThanOrEqual(2);
      expect(await outcome(world), `died at step ${target}`).toEqual(tasks);
      // Asked for once: whoever died after it found it done.
      expect(world.dataKeys.rotations, `died at step ${target}`).toEqual(["operations"]);
      await rotate(world.app);
      expect(world.told()).toEqual([]);
      await world.close();
      if (end === "alive") break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(60);
  }, 300_000);
});
