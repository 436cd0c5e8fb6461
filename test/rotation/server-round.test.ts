/** Room: test. Which server certificates a run looks at, in which order: fleets take turns, and a lost authority is left at once. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealedCertificates } from "../../adapters/local/sealed-certificates.ts";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { AppError } from "../../core/errors.ts";
import { listFleet } from "../../core/fleets/directory.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import type { ServerCertificateRecord } from "../../core/records/server-certificate-record.ts";
import { findServerCertificate, getServerCertificate } from "../../core/rotation/server-certificate.ts";
import { requestServerCertificate } from "../../core/rotation/server-request.ts";
import { visits } from "../../core/rotation/server-round.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { testFleet } from "../support/fleet-app.ts";
import { name as clinic, openRolloverFleet, settle } from "./rollover-fleet.ts";
import { ceremony, issuer, plan } from "./rollover-steps.ts";
import { day, openServerWorld, type ServerWorld } from "./server-world.ts";

const nothing = { issued: 0, imported: 0, failed: 0, drifted: 0 };

describe("the order of a run", () => {
  const now = 1_000_000;
  const record = (fleet: string, name: string, nextAt: number) =>
    ({ fleet, name, nextAt, state: "current" }) as unknown as ServerCertificateRecord;
  const fleetOf = (fleet: string, count: number, nextAt: number) => ({
    fleet,
    records: Array.from({ length: count }, (_, at) => record(fleet, `${fleet}-${at}`, nextAt + at)),
    lost: new Set<string>(),
  });
  const namesOf = (servers: Parameters<typeof visits>[0], first: number) =>
    visits(servers, now, first).map(({ record: { name } }) => name);

  it("a fleet with a thousand that are due keeps the one of another fleet waiting for one", () => {
    const names = namesOf([fleetOf("a", 1_000, 0), fleetOf("b", 1, 0)], 0);
    expect(names).toHaveLength(1_001);
    expect(names.slice(0, 3)).toEqual(["a-0", "b-0", "a-1"]);
  });

  it("what is due comes before what is only looked at, whichever fleet's it is", () => {
    const names = namesOf([fleetOf("a", 3, now + 1), fleetOf("b", 2, now - 10)], 0);
    expect(names.slice(0, 2)).toEqual(["b-0", "b-1"]);
  });

  it("what is only looked at begins at another place each time, and all of it is there", () => {
    const servers = [fleetOf("a", 3, now + 1), fleetOf("b", 3, now + 1)];
    expect(namesOf(servers, 0)[0]).toBe("a-0");
    expect(namesOf(servers, 1)[0]).toBe("b-1");
    expect(namesOf(servers, 4_294_967_295).toSorted()).toEqual(namesOf(servers, 0).toSorted());
  });
});

describe("a run", () => {
  let world: ServerWorld;
  beforeEach(async () => {
    world = await openServerWorld();
  });
  afterEach(() => world.close());
  const tend = () => tendServerCertificates(world.serverApp);

  it("ends when the service is out of reach for five in a row; the others are left as they were", async () => {
    for (let at = 0; at < 8; at += 1)
      await world.request({ name: `api-${at}`, dnsNames: [`a${at}.example.test`] });
    expect(await tend()).toMatchObject({ imported: 8 });
    world.clock.advance(20 * day);
    const { certificates } = world.serverApp;
    const { describe: look } = certificates;
    certificates.describe = () =>
      Promise.reject(new AppError("certificate_manager_unavailable", "throttled"));
    expect(await tend()).toEqual({ ...nothing, failed: 5 });
    expect(world.keys).toHaveLength(8);
    certificates.describe = look;
    expect(await tend()).toMatchObject({ imported: 3, failed: 0 });
    world.clock.advance(300_000);
    expect(await tend()).toMatchObject({ imported: 5, failed: 0 });
  });

  it("begins nothing after its end, and the next one goes on", async () => {
    await world.request();
    expect(await tendServerCertificates(world.serverApp, { until: world.clock.now() })).toEqual(nothing);
    expect(await tend()).toMatchObject({ imported: 1 });
  });

  it("a pipeline that may ask for no server certificate any more gets no renewal, whatever its names", async () => {
    const pipeline = {
      kind: "iam",
      id: "ci",
      profiles: [],
      principal: "arn:aws:sts::123456789012:assumed-role/ci/*",
      serverNames: ["*.example.test"],
    } as const;
    const configure = (operation: "requestServerCertificate" | "registerDevices", when: "absent" | number) =>
      world.app.items.transact([
        {
          put: configurationItem(testFleet, {
            ...defaultConfiguration,
            pipelines: [{ ...pipeline, operations: [operation] }],
          }),
          when,
        },
      ]);
    await configure("requestServerCertificate", "absent");
    await world.request({ caller: { actor: "pipeline:ci", namePatterns: ["*.example.test"] } });
    expect(await tend()).toMatchObject({ imported: 1 });
    await configure("registerDevices", 1);
    world.clock.advance(20 * day);
    expect(await tend()).toEqual({ ...nothing, failed: 1 });
    expect(await world.record()).toMatchObject({ lastFailure: "name_not_permitted" });
  });
});

describe("an emergency", () => {
  async function openHouse() {
    const fleet = await openRolloverFleet();
    const { app, keys, directory } = fleet;
    await listFleet(app, clinic);
    const masterKey = { keyFile: join(directory, "master.key") };
    const certificates = await sealedCertificates({
      directory: join(directory, "certificates"),
      masterKey,
      now: () => app.clock.now(),
    });
    const serverApp = { ...app, keys, certificates, serverKeys: systemServerKeys };
    const record = async () => {
      const found = await findServerCertificate(app, { fleet: clinic, name: "api" });
      return found?.value.current;
    };
    await requestServerCertificate(app, {
      fleet: clinic,
      caller: { actor: "operator:owner-1", namePatterns: "any" },
      name: "api",
      dnsNames: ["api.example.test"],
      keyAlgorithm: "P-256",
    });
    expect(await tendServerCertificates(serverApp)).toMatchObject({ imported: 1 });
    return { fleet, app, serverApp, record };
  }

  it.each([
    { emergency: true, renews: 1 },
    { emergency: false, renews: 0 },
  ])("a successor (emergency: $emergency) renews $renews at once", async ({ emergency, renews }) => {
    const { fleet, app, serverApp, record } = await openHouse();
    try {
      const before = await getServerCertificate(app, { fleet: clinic, name: "api" });
      const { rolloverId } = await plan(app, "issuing", { emergency });
      expect(await tendServerCertificates(serverApp)).toEqual(nothing);
      await ceremony(app, rolloverId);
      await settle(app);
      if (!emergency) {
        fleet.advance(8 * day);
        await settle(app);
      }
      expect(await issuer(app)).toBe("issuing-2");
      expect(await tendServerCertificates(serverApp)).toEqual({
        ...nothing,
        issued: renews,
        imported: renews,
      });
      expect(await record()).toMatchObject({ authorityId: renews === 1 ? "issuing-2" : "issuing-1" });
      expect(await tendServerCertificates(serverApp)).toEqual(nothing);
      const after = await getServerCertificate(app, { fleet: clinic, name: "api" });
      expect(after).toMatchObject({ state: "current", certificateId: before.certificateId });
    } finally {
      await fleet.close();
    }
  });

  it("a renewal that fails waits as others do", async () => {
    const { fleet, app, serverApp, record } = await openHouse();
    try {
      const { rolloverId } = await plan(app, "issuing", { emergency: true });
      await ceremony(app, rolloverId);
      await settle(app);
      const refusing = {
        ...serverApp,
        certificates: {
          describe: (id: string) => serverApp.certificates.describe(id),
          remove: (id: string) => serverApp.certificates.remove(id),
          import: () => Promise.reject(new AppError("certificate_manager_refused", "quota")),
        },
      };
      expect(await tendServerCertificates(refusing)).toMatchObject({ issued: 1, failed: 1 });
      expect(await tendServerCertificates(refusing)).toEqual(nothing);
      fleet.advance(300_000);
      expect(await tendServerCertificates(serverApp)).toMatchObject({ imported: 1 });
      expect(await record()).toMatchObject({ authorityId: "issuing-2" });
      expect(await tendServerCertificates(serverApp)).toEqual(nothing);
    } finally {
      await fleet.close();
    }
  });
});
