/** Room: test. Who may ask for which server certificate, and what asking again means. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { getServerCertificate, listServerCertificates } from "../../core/rotation/server-certificate.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import type { ServerCertificateRequest } from "../../core/rotation/server-request.ts";
import { resumeServerCertificate } from "../../core/rotation/server-rollback.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import { openServerWorld, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;
beforeEach(async () => {
  world = await openServerWorld();
  const put = configurationItem(testFleet, { ...defaultConfiguration, pipelines: [trust] });
  await world.app.items.transact([{ put, when: "absent" }]);
});
afterEach(() => world.close());

const trust = {
  kind: "iam",
  id: "ci",
  operations: ["requestServerCertificate"],
  profiles: [],
  principal: "arn:aws:sts::123456789012:assumed-role/ci/*",
  serverNames: ["*.example.test"],
} as const;
const pipeline = { actor: "pipeline:ci", namePatterns: ["*.example.test"] };
const refusal = (change: Partial<ServerCertificateRequest>) => codeOf(world.request(change));

describe("names", () => {
  const cases: readonly { readonly name: string; readonly change: Partial<ServerCertificateRequest> }[] = [
    { name: "no name", change: { dnsNames: [] } },
    { name: "65 names", change: { dnsNames: Array.from({ length: 65 }, (_, at) => `n${at}.example.test`) } },
    { name: "a name twice", change: { dnsNames: ["api.example.test", "api.example.test"] } },
    { name: "upper case", change: { dnsNames: ["API.example.test"] } },
    { name: "a wildcard, RFC 9525 §7.1", change: { dnsNames: ["*.example.test"] } },
    { name: "a trailing dot", change: { dnsNames: ["api.example.test."] } },
    { name: "an address", change: { dnsNames: ["127.0.0.1"] } },
    { name: "a line end", change: { dnsNames: ["api.example.test\n"] } },
    { name: "another's name for a pipeline", change: { caller: pipeline, dnsNames: ["api.example.org"] } },
    {
      name: "one foreign name of two",
      change: { caller: pipeline, dnsNames: ["api.example.test", "a.b.example.test"] },
    },
    { name: "the parent of a pattern", change: { caller: pipeline, dnsNames: ["example.test"] } },
    { name: "a suffix without its dot", change: { caller: pipeline, dnsNames: ["evilexample.test"] } },
    {
      name: "any name for a pipeline without patterns",
      change: { caller: { ...pipeline, namePatterns: [] } },
    },
    { name: "a name of the certificate with a slash", change: { name: "a/b" } },
    {
      name: "a name of the certificate shaped like a social security number",
      change: { name: "123-45-6789" },
    },
    { name: "a name of 65 characters", change: { name: "a".repeat(65) } },
  ];
  it.each(cases)("refused: $name", async ({ change }) => {
    const code = await refusal(change);
    expect(code).toBe("name_not_permitted");
    expect(world.started).toEqual([]);
    const page = await listServerCertificates(world.serverApp, { fleet: testFleet, limit: 10 });
    expect(page.serverCertificates).toEqual([]);
  });

  it("a pipeline gets what its patterns cover", async () => {
    const view = await world.request({
      caller: pipeline,
      dnsNames: ["api.example.test", "www.example.test"],
    });
    expect(view.state).toBe("requested");
  });
});

describe("asking again", () => {
  it("the same gives the same answer and writes nothing, in whatever order the names are", async () => {
    const dnsNames = ["a.example.test", "b.example.test"];
    await world.request({ dnsNames });
    await tendServerCertificates(world.serverApp);
    const writes = world.received.length;
    const view = await getServerCertificate(world.serverApp, { fleet: testFleet, name: "api" });
    expect(await world.request({ dnsNames: dnsNames.toReversed() })).toEqual(view);
    expect(await world.request({ dnsNames, caller: pipeline })).toEqual(view);
    expect(world.received).toHaveLength(writes);
    expect(world.started.filter((task) => task === "tendServers")).toHaveLength(1);
  });

  it("100 at once make one record", async () => {
    const views = await Promise.all(Array.from({ length: 100 }, () => world.request()));
    expect(new Set(views.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await tendServerCertificates(world.serverApp)).toMatchObject({ issued: 1, imported: 1 });
  });

  it("other names of one's own are issued at once, under the same name of the service", async () => {
    await world.request({ caller: pipeline });
    await tendServerCertificates(world.serverApp);
    const before = await getServerCertificate(world.serverApp, { fleet: testFleet, name: "api" });
    const asked = await world.request({ caller: pipeline, dnsNames: ["new.example.test"] });
    expect(asked).toMatchObject({ state: "requested", dnsNames: ["new.example.test"] });
    expect(await tendServerCertificates(world.serverApp)).toMatchObject({ issued: 1, imported: 1 });
    const after = await getServerCertificate(world.serverApp, { fleet: testFleet, name: "api" });
    expect(after).toMatchObject({ state: "current", certificateId: before.certificateId });
    expect((await world.record()).current?.dnsNames).toEqual(["new.example.test"]);
  });

  it("server_certificate_mismatch: another key type, somebody else's names, one that is being removed", async () => {
    await world.request({ dnsNames: ["api.example.org"] });
    expect(await refusal({ dnsNames: ["api.example.org"], keyAlgorithm: "RSA-2048" })).toBe(
      "server_certificate_mismatch",
    );
    expect(await refusal({ caller: pipeline })).toBe("server_certificate_mismatch");
    expect((await world.record()).dnsNames).toEqual(["api.example.org"]);
    const act = { fleet: testFleet, name: "api", actor: "operator:operator-1" };
    await removeServerCertificate(world.serverApp, act);
    expect(await refusal({ dnsNames: ["api.example.org"] })).toBe("server_certificate_mismatch");
    expect(await codeOf(resumeServerCertificate(world.serverApp, act))).toBe("server_certificate_mismatch");
  });
});

describe("tenants and states", () => {
  it("a pipeline sees what its names cover, and is told of nothing else", async () => {
    await world.request({ caller: pipeline });
    await world.request({ name: "other", dnsNames: ["api.example.org"] });
    const { app } = world;
    const names = async (caller?: typeof pipeline) =>
      (
        await listServerCertificates(app, { fleet: testFleet, limit: 10, ...(caller && { caller }) })
      ).serverCertificates.map(({ name }) => name);
    expect(await names()).toEqual(["api", "other"]);
    expect(await names(pipeline)).toEqual(["api"]);
    const ask = { fleet: testFleet, name: "other", caller: pipeline };
    expect(await codeOf(getServerCertificate(app, ask))).toBe("not_found");
    expect(await codeOf(getServerCertificate(app, { ...ask, name: "none" }))).toBe("not_found");
  });

  it("another fleet has no such certificate, and no such fleet is asked for", async () => {
    await world.request();
    expect(await codeOf(getServerCertificate(world.app, { fleet: "other", name: "api" }))).toBe("not_found");
    expect(await refusal({ fleet: "other" })).toBe("not_found");
  });
});
