/** Room: test. The wrapping key of a fleet on one machine, as the task and the report of keys have it over the years. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { localDataKeys } from "../../adapters/local/data-keys.ts";
import {
  type SoftwareWrappingKeys,
  softwareWrappingKeys,
} from "../../adapters/local/software-wrapping-keys.ts";
import { keyReport } from "../../core/rotation/key-report.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import {
  day,
  fleet,
  hour,
  openRotatingFleet,
  type RotatingFleet,
  type RotatingPorts,
} from "./rotating-fleet.ts";

const context = { fleet, purpose: "observations", subject: "subject-1" };
const name = `${fleet}-protection`;

let world: RotatingFleet;
let keys: SoftwareWrappingKeys;
let app: RotatingPorts;
beforeEach(async () => {
  world = await openRotatingFleet();
  const { clock, directory } = world;
  const masterKey = { keyFile: join(directory, "master.key") };
  keys = await softwareWrappingKeys({ directory: join(directory, "keys"), masterKey, clock });
  app = { ...world.app, dataKeys: localDataKeys(keys) };
});
afterEach(() => world.close());

const reported = async () =>
  (await keyReport(app, { fleet })).keys.filter((key) => key.kind === "keyEncryption");
const toldOfKey = () => world.notices.filter(({ subject }) => subject === name);

it("stands in the report from its first use on, and waits for nobody", async () => {
  await rotate(app);
  expect(await reported()).toEqual([]);
  const { keyId } = await keys.generate(fleet, context);
  world.clock.advance(2 * hour);
  await rotate(app);
  expect(await reported()).toMatchObject([
    { name, keyId, condition: "enabled", state: "ok", onDemandRotations: 0, rotationDays: 365 },
  ]);
  expect(toldOfKey()).toEqual([]);
});

it("that nobody uses is a year old and rotates in the task: nobody is asked, and what it wrapped still opens", async () => {
  const { plaintext, ...old } = await keys.generate(fleet, context);
  for (let year = 1; year <= 4; year += 1) {
    world.clock.advance(366 * day);
    await rotate(app);
    expect(await reported()).toMatchObject([
      { name, keyId: `local:${name}:${year + 1}`, state: "ok", onDemandRotations: 0 },
    ]);
  }
  expect(toldOfKey()).toEqual([]);
  expect(await keys.unwrap(fleet, old, context)).toEqual(plaintext);
});

it("that was destroyed because that was decided is in the report no longer, and nobody is asked to look at it", async () => {
  await keys.generate(fleet, context);
  await rotate(app);
  await keys.scheduleDeletion(fleet, 7);
  world.clock.advance(2 * hour);
  await rotate(app);
  expect(await reported()).toEqual([]);
  expect(toldOfKey()).toEqual([]);
});
