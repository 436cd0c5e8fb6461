/** Room: test. One run of the rotation: idempotent, beside another, dying at every call; what it tells and opens. */
import { afterEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { publishEverything } from "../../core/publication/publication.ts";
import { gatewayItem } from "../../core/records/gateway-record.ts";
import { keyConditionsKey } from "../../core/records/key-conditions-record.ts";
import { type RolloverRecord, rolloverItem } from "../../core/records/rollover-record.ts";
import { keyReport } from "../../core/rotation/key-report.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { codeOf } from "../support/errors.ts";
import { addFleet } from "../support/fleet-app.ts";
import { day, fleet, hour, openRotatingFleet, type RotatingFleet } from "./rotating-fleet.ts";

let world: RotatingFleet;
afterEach(() => world.close());

async function open(dataKeys: readonly string[] = []): Promise<RotatingFleet> {
  world = await openRotatingFleet(dataKeys);
  await world.rotate();
  return world;
}

const openTasks = async () =>
  (await listRotationTasks(world.app, { fleet })).tasks.map(({ action, subject, severity }) => [
    action,
    subject,
    severity,
  ]);

const at = (days: number): void => world.clock.advance(days * day);
/** What people are told of the ages of `name`. */
const agesTold = (name: string): readonly string[] =>
  world.notices
    .filter(({ event, subject }) => event.startsWith("key.") && subject === name)
    .map(({ event, severity }) => `${event} ${severity}`);

describe("a fleet whose keys are young", () => {
  it("nothing is told, nothing waits, and a run that repeats changes nothing", async () => {
    await open();
    expect(world.told()).toEqual([]);
    expect(await openTasks()).toEqual([]);
    const none = { loans: 0, rollovers: 0, tasks: 0, notices: 0, rotated: 0, failed: 0 };
    expect(await world.rotate()).toEqual(none);
  });
});

describe("as keys age", () => {
  it("the signer of trust manifests: told at each threshold once, a ceremony waits while it is due", async () => {
    await open();
    const { warnDays, dueDays, overdueDays, refusedDays } = rotationThresholds.trustManifestSigner;
    at(warnDays - 1);
    await world.rotate();
    expect(agesTold("trust-1")).toEqual([]);
    for (const days of [warnDays, dueDays, overdueDays, refusedDays]) {
      world.clock.advance(world.fleetAge(days));
      await world.rotate();
      await world.rotate();
    }
    expect(agesTold("trust-1")).toEqual([
      "key.rotation-near information",
      "key.rotation-due warning",
      "key.overdue critical",
      "key.refused critical",
    ]);
    expect(await openTasks()).toEqual(
      expect.arrayContaining([
        ["openCeremony", "trust-1", "critical"],
        ["replaceKey", "trust-1", "critical"],
      ]),
    );
  });

  it("an issuing authority that is due gets a rollover, and its ceremony waits for people; two runs plan one", async () => {
    await open();
    world.clock.advance(world.fleetAge(rotationThresholds.issuing.dueDays));
    await Promise.all([world.rotate(), world.rotate()]);
    await world.rotate();
    const [first, ...others] = (await openTasks()).filter(([, subject]) => /^[0-9a-f]{32}$/.test(subject!));
    expect(others).toEqual([]);
    expect(first).toEqual(["openCeremony", expect.any(String), "warning"]);
    const issuing = (await keyReport(world.app, { fleet })).keys.find(({ name }) => name === "issuing-1");
    expect(issuing).toMatchObject({ state: "due", use: "used", nextAction: "openCeremony" });
  });

  it("two runs at once tell each thing twice at most, and later runs never again", async () => {
    await open();
    world.clock.advance(world.fleetAge(rotationThresholds.trustManifestSigner.refusedDays));
    world.told();
    await Promise.all([world.rotate(), world.rotate()]);
    const told = world.told();
    const counts = [...Map.groupBy(told, (event) => event).values()].map((each) => each.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    await world.rotate();
    await world.rotate();
    expect(world.told()).toEqual([]);
  });
});

describe("the responder's key", () => {
  it("is followed by itself where it can be made: nobody has to do anything", async () => {
    await open();
    world.clock.advance(world.fleetAge(rotationThresholds.ocspResponder.dueDays));
    await publishEverything(world.app);
    world.clock.advance(2 * hour);
    await world.rotate();
    expect((await getFleet(world.app, fleet)).record.responderId).toBe("ocsp-2");
    expect((await openTasks()).filter(([, subject]) => subject?.startsWith("ocsp"))).toEqual([]);
  });

  it("must be deployed where it cannot: the task is opened when the publication had an hour for it, and closed when it is there", async () => {
    await open();
    world.clock.advance(world.fleetAge(rotationThresholds.ocspResponder.dueDays));
    await world.rotate();
    expect((await openTasks()).filter(([action]) => action === "deployKey")).toEqual([]);
    world.clock.advance(2 * hour);
    await world.rotate();
    expect(await openTasks()).toContainEqual(["deployKey", "ocsp-2", "warning"]);
    await publishEverything(world.app);
    await world.rotate();
    expect((await openTasks()).filter(([action]) => action === "deployKey")).toEqual([]);
    const { tasks } = await listRotationTasks(world.app, { fleet, closed: true });
    expect(tasks.find(({ action }) => action === "deployKey")?.closedAt).toBeDefined();
  });
});

describe("keys that are not as they should be", () => {
  it("a key in use that is on its way to deletion is critical, until that is called off", async () => {
    await open();
    const issuing = (await getFleet(world.app, fleet)).authorities.find(
      ({ record }) => record.kind === "issuing",
    )!;
    await world.app.custody.scheduleDeletion(issuing.record.keyId, 30);
    await world.rotate();
    expect(await openTasks()).toEqual([]);
    world.clock.advance(hour);
    world.told();
    await world.rotate();
    expect(await openTasks()).toEqual([["inspectKey", "issuing-1", "critical"]]);
    expect(world.told()).toEqual(["rotation.inspect-key issuing-1"]);
    const [key] = (await keyReport(world.app, { fleet })).keys.filter(({ name }) => name === "issuing-1");
    expect(key).toMatchObject({ condition: "pendingDeletion", nextAction: "inspectKey" });
    expect(key?.deletionAt).toBe(key?.nextAt);
    await world.app.custody.cancelDeletion(issuing.record.keyId);
    world.clock.advance(hour);
    await world.rotate();
    expect(await openTasks()).toEqual([]);
  });

  it("a key service that cannot be asked leaves what was known, closes nothing, and keeps no other step", async () => {
    await open();
    const issuing = (await getFleet(world.app, fleet)).authorities.find(
      ({ record }) => record.kind === "issuing",
    )!;
    await world.app.custody.scheduleDeletion(issuing.record.keyId, 30);
    world.clock.advance(hour);
    await world.rotate();
    const before = await keyReport(world.app, { fleet });
    world.clock.advance(2 * hour);
    const custody = { ...world.app.custody, stateOf: () => Promise.reject(new Error("out of reach")) };
    const report = await rotate({ ...world.app, custody });
    expect(report).toMatchObject({ failed: 1, tasks: 0 });
    expect(await openTasks()).toEqual([["inspectKey", "issuing-1", "critical"]]);
    expect((await keyReport(world.app, { fleet })).conditionsAsOf).toBe(before.conditionsAsOf);
  });
});

const planned: RolloverRecord = {
  fleet,
  rolloverId: `${"0".repeat(31)}1`,
  kind: "issuing",
  state: "published",
  fromId: "issuing-1",
  toId: "issuing-2",
  algorithm: "P-256",
  custody: "service",
  emergency: false,
  publishedDays: 7,
  activeDays: 1,
  adoptionPercent: 95,
  createdAt: 0,
  createdBy: "system",
  enteredAt: 0,
};

describe("rollovers that wait for people", () => {
  it.each([
    { state: "published", wanted: ["deployGateway", planned.rolloverId, "warning"] },
    { state: "published", emergency: true, wanted: ["deployGateway", planned.rolloverId, "critical"] },
    { state: "retired", wanted: ["destroyKey", "issuing-1", "information"] },
    { state: "planned", wanted: ["openCeremony", planned.rolloverId, "warning"] },
  ] as const)("$state: $wanted", async ({ state, wanted, ...more }) => {
    await open();
    const gateway = gatewayItem({ fleet, authorityIds: ["issuing-1"], versionId: "v1", confirmedAt: 0 });
    const now = world.clock.now();
    const record = { ...planned, ...more, state, createdAt: now, enteredAt: now };
    await world.app.items.transact([
      { put: gateway, when: "absent" },
      { put: rolloverItem(record), when: "absent" },
    ]);
    await world.rotate();
    expect(await openTasks()).toEqual([wanted]);
  });
});

describe("what people list", () => {
  it("is of their own fleet alone; a fleet that is not there has none", async () => {
    await open();
    expect(await codeOf(listRotationTasks(world.app, { fleet: "nobody" }))).toBe("not_found");
    expect(await codeOf(keyReport(world.app, { fleet: "nobody" }))).toBe("not_found");
  });

  it("the report names every key with its thresholds, and what comes next", async () => {
    await open();
    const report = await keyReport(world.app, { fleet });
    expect(
      report.keys.map(({ name, kind, use, state, nextAction, condition }) => [
        name,
        kind,
        use,
        state,
        nextAction,
        condition,
      ]),
    ).toEqual([
      ["root-1", "root", "used", "ok", "byItself", "enabled"],
      ["issuing-1", "issuing", "used", "ok", "byItself", "enabled"],
      ["ocsp-1", "ocspResponder", "used", "ok", "byItself", "enabled"],
      ["trust-1", "trustManifestSigner", "used", "ok", "openCeremony", "enabled"],
    ]);
    expect(report.certificates.map(({ profile }) => profile)).toEqual([
      "device",
      "quarantine",
      "server",
      "operator",
      "claim",
      "backend",
    ]);
  });
});

describe("two fleets", () => {
  it("neither sees the other's keys or tasks, and one's fault keeps nothing from the other", async () => {
    await open(["ward-protection", `${fleet}-protection`, "data"]);
    await addFleet(world.app, "ward");
    const [ward, ...others] = world.dataKeys.keys;
    world.dataKeys.keys = [{ ...ward!, condition: "disabled" }, ...others];
    world.clock.advance(hour);
    // What is on record of the first fleet cannot be read.
    const damaged = { ...keyConditionsKey(fleet), attributes: { fleet } };
    const { version } = (await world.app.items.get(damaged))!;
    await world.app.items.transact([{ put: damaged, when: version }]);
    expect((await world.rotate()).failed).toBe(1);
    expect(world.log.at(-2)).toMatchObject({ event: "rotation_failed", fields: { fleet, step: "people" } });
    const { tasks } = await listRotationTasks(world.app, { fleet: "ward" });
    expect(tasks).toMatchObject([{ action: "inspectKey", subject: "ward-protection" }]);
    expect(await openTasks()).toEqual([]);
    await world.app.items.transact([{ delete: keyConditionsKey(fleet), when: version + 1 }]);
    await world.rotate();
    const wrapping = async (name: string) =>
      (await keyReport(world.app, { fleet: name })).keys
        .filter(({ kind }) => kind === "keyEncryption")
        .map((key) => key.name);
    expect(await wrapping(fleet)).toEqual([`${fleet}-protection`, "data"]);
    expect(await wrapping("ward")).toEqual(["ward-protection", "data"]);
    expect(await openTasks()).toEqual([]);
  });

  it("take turns: a run that has time for one begins with another one each time", async () => {
    await open();
    await addFleet(world.app, "ward");
    const reached = async (octet: number) => {
      const fleets = new Set<string>();
      let seconds = 0;
      const { app } = world;
      const query: typeof app.items.query = (asked) => {
        const [kind, name = ""] = asked.pk.split("#");
        if (kind === "CEREMONIES") fleets.add(name);
        return app.items.query(asked);
      };
      const start = app.clock.now();
      const clock = { ...app.clock, now: () => start + 1_000 * seconds++ };
      const entropy = { bytes: (length: number) => Buffer.alloc(length, octet) };
      const short = { ...app, clock, entropy, items: { ...app.items, query } };
      await rotate(short, { until: start + 4_000 });
      return [...fleets];
    };
    expect(await reached(0)).toEqual([fleet]);
    expect(await reached(1)).toEqual(["ward"]);
  });

  it("nothing is begun once the time is over", async () => {
    await open();
    world.clock.advance(world.fleetAge(rotationThresholds.issuing.dueDays));
    const report = await rotate(world.app, { until: world.clock.now(), logEveryRun: true });
    expect(report).toMatchObject({ rollovers: 0, tasks: 0, notices: 0, failed: 0 });
    expect(world.log.at(-1)?.event).toBe("rotated");
  });
});

describe("wrapping keys", () => {
  it("without a period of their own, with a longer one, or nearly rotated out: people look", async () => {
    await open(["data", `${fleet}-protection`, "operations", "other-protection"]);
    const [data, protection, operations, other] = world.dataKeys.keys;
    const { rotationDays: _, ...manual } = data!;
    world.dataKeys.keys = [
      manual,
      { ...protection!, rotationDays: 366 },
      { ...operations!, onDemandRotations: 20 },
      { ...other!, onDemandRotations: 19, rotationDays: 90 },
    ];
    world.clock.advance(hour);
    await world.rotate();
    expect((await openTasks()).toSorted()).toEqual([
      ["inspectRotation", `${fleet}-protection`, "warning"],
      ["inspectRotation", "data", "warning"],
      ["inspectRotation", "operations", "warning"],
    ]);
    const keys = (await keyReport(world.app, { fleet })).keys.filter(({ kind }) => kind === "keyEncryption");
    expect(keys.map(({ name, keyId }) => [name, keyId])).toEqual([
      ["data", undefined],
      [`${fleet}-protection`, `arn:${fleet}-protection`],
      ["operations", undefined],
      ["other-protection", undefined],
    ]);
  });

  it("disabled, near deletion or out of reach is critical, and says until when", async () => {
    await open(["data"]);
    const [data] = world.dataKeys.keys;
    for (const condition of ["disabled", "pendingDeletion", "unavailable"] as const) {
      world.dataKeys.keys = [{ ...data!, condition }];
      world.clock.advance(hour);
      await world.rotate();
      expect(await openTasks()).toEqual([["inspectKey", "data", "critical"]]);
    }
    world.dataKeys.keys = [data!];
    world.clock.advance(hour);
    await world.rotate();
    expect(await openTasks()).toEqual([]);
  });
});
