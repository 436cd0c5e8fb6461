/** Room: test. A server certificate's life: asked for, imported, renewed under its name, rolled back, resumed, removed. */
import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { AppError } from "../../core/errors.ts";
import { serverCertificateKey } from "../../core/records/server-certificate-record.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { getServerCertificate, listServerCertificates } from "../../core/rotation/server-certificate.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import { resumeServerCertificate, rollbackServerCertificate } from "../../core/rotation/server-rollback.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import { leaks } from "../support/key-leaks.ts";
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
const held = (certificateId = "") => world.serverApp.certificates.describe(certificateId);

describe("issue and import", () => {
  it("a request is written and the task is asked for; the task issues, imports twice, and is done", async () => {
    expect(await world.request()).toMatchObject({ state: "requested", dnsNames: ["api.example.test"] });
    expect(world.started).toContain("tendServers");
    expect(world.acts).toEqual([]);
    expect(await tend()).toEqual(once);
    const shown = await view();
    expect(shown).toMatchObject({ state: "current", keyAlgorithm: "P-256" });
    expect(shown.previous).toBeUndefined();
    expect(world.acts.filter((each) => each.startsWith("import"))).toEqual(["import new", "import new"]);
    expect(await held(shown.certificateId)).toMatchObject({ serialNumber: shown.serialNumber });
    expect(await tend()).toEqual(nothing);
  });

  it.each(["P-256", "P-384", "RSA-2048", "RSA-3072", "RSA-4096"] as const)(
    "a key of type %s is made, certified and held",
    async (keyAlgorithm) => {
      await world.request({ keyAlgorithm });
      expect(await tend()).toEqual(once);
      const { certificateId, serialNumber } = await view();
      expect(await held(certificateId)).toMatchObject({ keyAlgorithm, serialNumber });
    },
  );

  it("RFC 9525 §6.3: the certificate has the names that were asked for, and serverAuth alone", async () => {
    const dnsNames = ["api.example.test", "www.example.test"];
    await world.request({ dnsNames });
    await tend();
    const stored = await findCertificate(world.serverApp, testFleet, (await view()).serialNumber ?? "");
    const certificate = new X509Certificate(stored?.value.certificate ?? "");
    expect(certificate.subjectAltName).toBe("DNS:api.example.test, DNS:www.example.test");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(stored?.value).toMatchObject({ profile: "server", subjectKind: "server" });
  });
});

describe("renewal", () => {
  it("is done at two thirds of the life, not before, and the certificate keeps its name", async () => {
    await world.request();
    await tend();
    const first = await view();
    world.clock.advance(20 * day - 3_600_000);
    expect(await tend()).toEqual(nothing);
    world.clock.advance(3_600_000);
    expect(await tend()).toEqual(once);
    const second = await view();
    expect(second.certificateId).toBe(first.certificateId);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(await held(second.certificateId)).toMatchObject({ serialNumber: second.serialNumber });
    expect(second.previous).toMatchObject({ serialNumber: first.serialNumber, notAfter: first.notAfter });
    expect(await held(second.previous?.certificateId)).toMatchObject({ serialNumber: first.serialNumber });
  });

  it("ten generations use three places, and the one before each stays in force", async () => {
    await world.request();
    await tend();
    const places = new Set<string>();
    for (let generation = 2; generation <= 10; generation += 1) {
      const before = await view();
      world.clock.advance(20 * day);
      expect(await tend()).toEqual(once);
      const after = await view();
      expect(after.previous?.serialNumber).toBe(before.serialNumber);
      const previous = await held(after.previous?.certificateId);
      expect(previous?.serialNumber).toBe(before.serialNumber);
      expect(previous?.notAfter).toBeGreaterThan(world.clock.now());
      for (const id of [after.certificateId, after.previous?.certificateId]) places.add(id ?? "");
    }
    expect(places.size).toBe(3);
    expect(world.acts.filter((each) => each === "import new")).toHaveLength(3);
  });

  it("what is not renewed in time is told once, before it ends", async () => {
    await world.request();
    await tend();
    world.serverApp.certificates.import = () => Promise.reject(new Error("out of order"));
    for (let days = 1; days <= 30; days += 1) {
      world.clock.advance(day);
      await tend();
    }
    const ending = world.notices.filter(({ event }) => event === "server-certificate.ending");
    expect(ending).toEqual([
      {
        event: "server-certificate.ending",
        severity: "critical",
        fleet: testFleet,
        subject: "api",
        measures: { days: 4 },
      },
    ]);
  });
});

describe("a certificate that was revoked", () => {
  it.each([
    { reason: "keyCompromise", renewed: once },
    { reason: "superseded", renewed: once },
    // Whoever says so wants no other, or this one again.
    { reason: "cessationOfOperation", renewed: nothing },
    { reason: "privilegeWithdrawn", renewed: nothing },
    { reason: "certificateHold", renewed: nothing },
  ] as const)("with reason $reason", async ({ reason, renewed }) => {
    await world.request();
    await tend();
    const { serialNumber = "", certificateId } = await view();
    await revoke(world.serverApp, {
      fleet: testFleet,
      serialNumber,
      actor: "operator:operator-1",
      reason,
    });
    expect(await tend()).toEqual(renewed);
    expect(await tend()).toEqual(nothing);
    expect(await view()).toMatchObject({ state: "current", certificateId });
  });
});

describe("rollback", () => {
  async function twoGenerations() {
    await world.request();
    await tend();
    world.clock.advance(20 * day);
    await tend();
    return view();
  }

  it("names where the generation before is held, and nothing is renewed until it is resumed", async () => {
    const before = await twoGenerations();
    const rolledBack = await rollbackServerCertificate(world.serverApp, act);
    expect(rolledBack).toMatchObject({ state: "rolledBack", previous: before.previous });
    expect(await rollbackServerCertificate(world.serverApp, act)).toEqual(rolledBack);
    const acts = world.acts.length;
    world.clock.advance(9 * day);
    expect(await tend()).toEqual(nothing);
    expect(world.acts).toHaveLength(acts);
    expect(world.notices.at(-1)).toMatchObject({ event: "server-certificate.ending", subject: "api" });
    await resumeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(once);
    const after = await view();
    expect(after).toMatchObject({ state: "current", certificateId: before.certificateId });
    // The listener that was pointed at the copy has the new one as well.
    expect(await held(before.previous?.certificateId)).toMatchObject({ serialNumber: after.serialNumber });
  });

  it("is refused for the first generation, for one that is over, and for what is not there", async () => {
    await world.request();
    await tend();
    expect(await codeOf(rollbackServerCertificate(world.serverApp, act))).toBe("not_found");
    world.clock.advance(20 * day);
    await tend();
    world.clock.advance(11 * day);
    expect(await codeOf(rollbackServerCertificate(world.serverApp, act))).toBe("not_found");
    expect(await codeOf(rollbackServerCertificate(world.serverApp, { ...act, name: "other" }))).toBe(
      "not_found",
    );
    expect(await codeOf(rollbackServerCertificate(world.serverApp, { ...act, fleet: "other" }))).toBe(
      "not_found",
    );
  });
});

describe("removal", () => {
  it("takes away all three, revokes what they were, and frees the name", async () => {
    await world.request();
    await tend();
    world.clock.advance(20 * day);
    await tend();
    const before = await view();
    await removeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(nothing);
    expect(await codeOf(view())).toBe("not_found");
    expect(await held(before.certificateId)).toBeUndefined();
    expect(await held(before.previous?.certificateId)).toBeUndefined();
    expect(world.acts.filter((each) => each === "remove")).toHaveLength(3);
    for (const serial of [before.serialNumber, before.previous?.serialNumber]) {
      const stored = await findCertificate(world.serverApp, testFleet, serial ?? "");
      expect(stored?.value).toMatchObject({ state: "revoked", revocationReason: "cessationOfOperation" });
    }
    await world.request({ dnsNames: ["new.example.test"], keyAlgorithm: "P-384" });
    expect(await tend()).toEqual(once);
    expect(await view()).toMatchObject({ keyAlgorithm: "P-384", dnsNames: ["new.example.test"] });
  });

  it("deletes no item: what is left has no state, may be dropped, and is shown to nobody", async () => {
    const { items } = world.app;
    const undeletable = {
      ...world.serverApp,
      items: {
        ...items,
        get: items.get.bind(items),
        query: items.query.bind(items),
        async transact(operations: Parameters<typeof items.transact>[0]) {
          // As IAM has it: dynamodb:DeleteItem is granted for holds of devices alone.
          if (operations.some((operation) => "delete" in operation)) throw new Error("AccessDenied");
          await items.transact(operations);
        },
      },
    };
    await world.request();
    await tend();
    await removeServerCertificate(world.serverApp, act);
    expect(await tendServerCertificates(undeletable)).toEqual(nothing);
    const left = await items.get(serverCertificateKey(testFleet, "api"));
    expect(left?.expiresAt).toBeLessThanOrEqual(world.clock.now() / 1000);
    expect(Object.keys(left?.attributes ?? {}).sort()).toEqual(["fleet", "name", "removedAt"]);
    expect(await listServerCertificates(world.serverApp, { fleet: testFleet, limit: 10 })).toEqual({
      serverCertificates: [],
    });
    expect(await codeOf(removeServerCertificate(world.serverApp, act))).toBe("not_found");
    expect(await tend()).toEqual(nothing);
  });

  it("comes to its end though an intent of it was closed and became no certificate", async () => {
    await world.request();
    await tend();
    world.clock.advance(20 * day);
    const { keys } = world.serverApp;
    const broken = {
      ...world.serverApp,
      keys: {
        createKey: keys.createKey.bind(keys),
        describeKey: keys.describeKey.bind(keys),
        sign: () => Promise.reject(new AppError("key_service_unavailable", "out of reach")),
      },
    };
    expect(await tendServerCertificates(broken)).toEqual({ ...nothing, failed: 1 });
    world.clock.advance(2 * day);
    expect(await reconcile(broken)).toMatchObject({ closed: 1 });
    await removeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(nothing);
    expect(await codeOf(view())).toBe("not_found");
  });

  it("one that was never imported is forgotten", async () => {
    await world.request();
    await removeServerCertificate(world.serverApp, act);
    expect(await tend()).toEqual(nothing);
    expect(await codeOf(view())).toBe("not_found");
    expect(world.keys).toEqual([]);
  });
});

describe("private keys", () => {
  it("are nowhere but with the certificate manager, and their buffers are overwritten", async () => {
    await world.request();
    await world.request({ name: "rsa", dnsNames: ["rsa.example.test"], keyAlgorithm: "RSA-2048" });
    await tend();
    world.clock.advance(20 * day);
    await tend();
    world.serverApp.certificates.import = (_, { privateKey }) =>
      Promise.reject(
        new Error(`Value '${privateKey.toString()}' at 'privateKey' failed to satisfy a constraint`),
      );
    world.clock.advance(20 * day);
    expect((await tend()).failed).toBe(2);
    expect(world.keys).toHaveLength(6);
    expect(world.handedOut.every((buffer) => buffer.every((octet) => octet === 0))).toBe(true);
    const all = await listServerCertificates(world.serverApp, { fleet: testFleet, limit: 10 });
    expect(leaks([world.received, all, world.log, world.notices, world.started], world.keys)).toEqual([]);
    // The search finds what it looks for: in an item, in a message, in base64.
    const [key = Buffer.alloc(0)] = world.keys;
    expect(leaks({ attributes: { key } }, [key])).not.toEqual([]);
    expect(leaks(new Error(key.toString("base64")), [key])).not.toEqual([]);
  });
});
