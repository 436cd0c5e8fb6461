/** Room: test. What goes wrong where server certificates are held: throttled, deleted, replaced, another key type, in use. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { AppError } from "../../core/errors.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { getServerCertificate } from "../../core/rotation/server-certificate.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import { resumeServerCertificate } from "../../core/rotation/server-rollback.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { testFleet } from "../support/fleet-app.ts";
import { openServerAuthority } from "../support/server-authority.ts";
import { day, openServerWorld, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;
beforeEach(async () => {
  world = await openServerWorld();
});
afterEach(() => world.close());

const name = { fleet: testFleet, name: "api" };
const act = { ...name, actor: "operator:operator-1" };
const tend = () => tendServerCertificates(world.serverApp);
const nothing = { issued: 0, imported: 0, failed: 0, drifted: 0 };
const once = { ...nothing, issued: 1, imported: 1 };
const view = () => getServerCertificate(world.serverApp, name);
const events = () => world.notices.map(({ event }) => event);

/** What somebody else imports, of a key of his own. */
async function foreign(algorithm: "P-256" | "P-384" = "P-256") {
  const authority = await openServerAuthority();
  try {
    return await authority.certify(await systemServerKeys.make(algorithm), algorithm);
  } finally {
    await authority.close();
  }
}

async function imported() {
  await world.request();
  await tend();
  return view();
}

describe("throttled or out of reach", () => {
  const throttled = () => Promise.reject(new AppError("certificate_manager_unavailable", "throttled"));

  it("nothing is issued while the look before it fails; people are told at the third", async () => {
    await imported();
    world.clock.advance(20 * day);
    const { certificates } = world.serverApp;
    const { describe: look } = certificates;
    certificates.describe = throttled;
    for (let failures = 1; failures <= 8; failures += 1) {
      expect(await tend()).toEqual({ ...nothing, failed: 1 });
      expect(await view()).toMatchObject({ lastFailure: "certificate_manager_unavailable" });
      world.clock.advance(6 * 3_600_000);
    }
    certificates.describe = look;
    expect(events()).toEqual(["server-certificate.failing"]);
    expect(world.keys).toHaveLength(1);
    expect(await tend()).toEqual(once);
    expect(await view()).toMatchObject({ state: "current" });
  });

  it("a look that fails and then does not leaves no trace, and renews nothing early", async () => {
    await imported();
    const { certificates } = world.serverApp;
    const { describe: look } = certificates;
    const { nextAt } = await view();
    certificates.describe = throttled;
    expect(await tend()).toEqual({ ...nothing, failed: 1 });
    certificates.describe = look;
    world.clock.advance(day);
    expect(await tend()).toEqual(nothing);
    const after = await view();
    expect(after).toMatchObject({ state: "current", nextAt });
    expect(after.lastFailure).toBeUndefined();
  });

  it("an import that fails leaves what is held as it was; its certificate is revoked and the next try is another", async () => {
    const before = await imported();
    world.clock.advance(20 * day);
    const { certificates } = world.serverApp;
    const { import: take } = certificates;
    certificates.import = throttled;
    for (let failures = 1; failures <= 3; failures += 1) {
      expect(await tend()).toEqual({ ...nothing, issued: 1, failed: 1 });
      expect(await view()).toMatchObject({
        state: "current",
        serialNumber: before.serialNumber,
        lastFailure: "certificate_manager_unavailable",
      });
      expect(await tend()).toEqual(nothing);
      world.clock.advance(2 ** (failures - 1) * 300_000);
    }
    expect(events()).toEqual(["server-certificate.failing"]);
    certificates.import = take;
    expect(await tend()).toEqual(once);
    const after = await view();
    expect(after).toMatchObject({ state: "current", certificateId: before.certificateId });
    expect(after.lastFailure).toBeUndefined();
    expect(after.previous?.serialNumber).toBe(before.serialNumber);
  });

  it("an import whose answer is lost counts once it is seen, and no second one is made", async () => {
    const before = await imported();
    world.clock.advance(20 * day);
    const { certificates } = world.serverApp;
    const { import: take } = certificates;
    certificates.import = async (called, material, replaces) => {
      const id = await take(called, material, replaces);
      if (replaces === before.certificateId) return throttled();
      return id;
    };
    expect(await tend()).toEqual({ ...nothing, issued: 1, failed: 1 });
    certificates.import = take;
    world.clock.advance(300_000);
    expect(await tend()).toEqual({ ...nothing, imported: 1 });
    const after = await view();
    expect(after).toMatchObject({ state: "current", certificateId: before.certificateId });
    expect(after.previous?.serialNumber).toBe(before.serialNumber);
    expect(events()).toEqual([]);
  });
});

describe("drift", () => {
  it("deleted behind our back: people are told, and it is imported anew under another name", async () => {
    const before = await imported();
    await world.serverApp.certificates.remove(before.certificateId ?? "");
    expect(await tend()).toEqual({ ...once, drifted: 1 });
    const after = await view();
    expect(after.certificateId).not.toBe(before.certificateId);
    expect(after).toMatchObject({ state: "current" });
    expect(events()).toEqual(["server-certificate.missing", "server-certificate.moved"]);
    expect(await tend()).toEqual(nothing);
  });

  it("replaced behind our back: people are told once, and it is left alone until they resume", async () => {
    const before = await imported();
    const other = await foreign();
    await world.serverApp.certificates.import("other", other.material, before.certificateId);
    expect(await tend()).toEqual({ ...nothing, drifted: 1 });
    expect(await view()).toMatchObject({ state: "drifted" });
    world.clock.advance(21 * day);
    expect(await tend()).toEqual(nothing);
    expect(events()).toEqual(["server-certificate.replaced"]);
    const held = await world.serverApp.certificates.describe(before.certificateId ?? "");
    expect(held?.serialNumber).toBe(other.serialNumber);
    await resumeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(once);
    expect(await view()).toMatchObject({ state: "current", certificateId: before.certificateId });
  });

  it("replaced by another key type: resuming fails before anything is made, and says why", async () => {
    const before = await imported();
    const other = await foreign("P-384");
    const { certificates } = world.serverApp;
    const { describe: look } = certificates;
    const there = {
      ...(await look(before.certificateId ?? "")),
      keyAlgorithm: "P-384",
      serialNumber: other.serialNumber,
    };
    certificates.describe = async (id) =>
      id === before.certificateId ? (there as Awaited<ReturnType<typeof look>>) : look(id);
    expect(await tend()).toEqual({ ...nothing, drifted: 1 });
    await resumeServerCertificate(world.serverApp, act);
    const acts = world.acts.filter((each) => each.startsWith("import")).length;
    expect(await tend()).toEqual({ ...nothing, failed: 1 });
    expect(await view()).toMatchObject({ lastFailure: "server_certificate_mismatch" });
    expect(world.acts.filter((each) => each.startsWith("import"))).toHaveLength(acts);
    expect(world.keys).toHaveLength(1);
    expect(events()).toEqual(["server-certificate.replaced", "server-certificate.failing"]);
  });

  it("a copy that somebody else has replaced is not written over", async () => {
    await imported();
    world.clock.advance(20 * day);
    await tend();
    const { previous } = await view();
    const other = await foreign();
    await world.serverApp.certificates.import("other", other.material, previous?.certificateId);
    world.clock.advance(20 * day);
    expect(await tend()).toEqual(once);
    const held = await world.serverApp.certificates.describe(previous?.certificateId ?? "");
    expect(held?.serialNumber).toBe(other.serialNumber);
  });

  it("a removal leaves what somebody else put in its place", async () => {
    const before = await imported();
    const other = await foreign();
    await world.serverApp.certificates.import("other", other.material, before.certificateId);
    await removeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(nothing);
    const held = await world.serverApp.certificates.describe(before.certificateId ?? "");
    expect(held?.serialNumber).toBe(other.serialNumber);
  });
});

describe("refused", () => {
  it("one that is in use is not removed until it is free", async () => {
    await imported();
    const { certificates } = world.serverApp;
    const { remove } = certificates;
    certificates.remove = () => Promise.reject(new AppError("certificate_manager_refused", "is in use"));
    await removeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual({ ...nothing, failed: 1 });
    expect(await view()).toMatchObject({ state: "removing", lastFailure: "certificate_manager_refused" });
    certificates.remove = remove;
    world.clock.advance(300_000);
    expect(await tend()).toEqual(nothing);
  });

  it("a pipeline that lost its names gets no renewal, and neither does one that is gone", async () => {
    const pipeline = {
      kind: "iam",
      id: "ci",
      operations: ["requestServerCertificate"],
      profiles: [],
      principal: "arn:aws:sts::123456789012:assumed-role/ci/*",
    } as const;
    const configure = (serverNames: readonly string[], when: "absent" | number) =>
      world.serverApp.items.transact([
        {
          put: configurationItem(testFleet, {
            ...defaultConfiguration,
            pipelines: [{ ...pipeline, serverNames }],
          }),
          when,
        },
      ]);
    await configure(["*.example.test"], "absent");
    await world.request({ caller: { actor: "pipeline:ci", namePatterns: ["*.example.test"] } });
    expect(await tend()).toEqual(once);
    await configure(["other.example.test"], 1);
    world.clock.advance(20 * day);
    expect(await tend()).toEqual({ ...nothing, failed: 1 });
    expect(await view()).toMatchObject({ lastFailure: "name_not_permitted" });
    expect(world.keys).toHaveLength(1);
  });

  it("one that fails keeps no other from being renewed", async () => {
    await imported();
    await world.request({ name: "www", dnsNames: ["www.example.test"] });
    const { certificates } = world.serverApp;
    const { import: take } = certificates;
    world.clock.advance(20 * day);
    certificates.import = (called, material, replaces) =>
      called.startsWith("default/api") ? Promise.reject(new Error("odd")) : take(called, material, replaces);
    expect(await tend()).toEqual({ issued: 2, imported: 1, failed: 1, drifted: 0 });
    expect(await view()).toMatchObject({ lastFailure: "internal" });
  });
});
