import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { type DeploymentRequest, deployFleet } from "../../core/bootstrap/deployment.ts";
import { assertOrigin, moveOrigin } from "../../core/bootstrap/origin.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { redact } from "../../lambdas/http/redaction.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { codeOf } from "../support/errors.ts";
import { faultyStore } from "../support/faulty-store.ts";

const fleet = "clinic";
const requestFor = (origin?: string): DeploymentRequest => ({
  plan: { fleet, trustDomain: "example.test", rootAlgorithm: "P-256", issuingAlgorithm: "P-256" },
  fleets: [fleet],
  ...(origin === undefined ? {} : { origin }),
});

let fixture: DeploymentFixture;
beforeEach(async () => {
  fixture = await openDeploymentApp();
});
afterEach(() => fixture.close());
const originNow = async () => (await getFleet(fixture.app, fleet)).record.origin;

describe("what is an origin of the page for passkeys", () => {
  it.each(["https://keys.example.test", "https://keys.example.test:8443", "https://localhost:8443"])(
    "%s is",
    (origin) => {
      expect(assertOrigin(origin)).toBeUndefined();
    },
  );

  it.each([
    ["without TLS", "http://keys.example.test"],
    ["with a path", "https://keys.example.test/passkeys"],
    ["with a solidus", "https://keys.example.test/"],
    ["with a query", "https://keys.example.test?a"],
    ["with a user", "https://a@keys.example.test"],
    ["with its scheme's own port", "https://keys.example.test:443"],
    ["in capital letters", "https://Keys.example.test"],
    ["in letters that are no ASCII", "https://k\u00E9ys.example.test"],
    ["WebAuthn Level 3 §5.1.3: an IPv4 address", "https://127.0.0.1:8443"],
    ["an IPv6 address", "https://[::1]:8443"],
    ["a number that is an address", "https://2130706433"],
    ["a name alone", "keys.example.test"],
    ["nothing", ""],
    ["`null`", "null"],
  ])("%s is none", async (_name, origin) => {
    expect(await codeOf(Promise.resolve().then(() => assertOrigin(origin)))).toBe("configuration_invalid");
  });
});

describe("a deployment's origin", () => {
  it("is its new fleet's", async () => {
    await deployFleet(fixture.app, requestFor("https://keys.example.test"));
    expect(await originNow()).toBe("https://keys.example.test");
  });

  it("is followed by a fleet that had none, or another; said again it writes nothing", async () => {
    await deployFleet(fixture.app, requestFor());
    expect(await originNow()).toBeUndefined();
    await deployFleet(fixture.app, requestFor("https://keys.example.test"));
    await deployFleet(fixture.app, requestFor("https://keys.example.test:8443"));
    const { record, version } = await getFleet(fixture.app, fleet);
    expect(record.origin).toBe("https://keys.example.test:8443");
    await deployFleet(fixture.app, requestFor("https://keys.example.test:8443"));
    expect((await getFleet(fixture.app, fleet)).version).toBe(version);
  });

  it("left out, stays as it was", async () => {
    await deployFleet(fixture.app, requestFor("https://keys.example.test"));
    await deployFleet(fixture.app, requestFor());
    expect(await originNow()).toBe("https://keys.example.test");
  });

  it("that is none: nothing is made for it", async () => {
    const outcome = deployFleet(fixture.app, requestFor("https://keys.example.test/passkeys"));
    expect(await codeOf(outcome)).toBe("configuration_invalid");
    expect(await codeOf(getFleet(fixture.app, fleet))).toBe("not_found");
    expect(fixture.artifacts.keys).toEqual([]);
  });

  it("a run that died before it was written: the next one writes it", async () => {
    let fleetIsMade = false;
    const items = faultyStore(fixture.app.items, () => (fleetIsMade ? "unavailable" : "none"));
    const dying = { ...fixture.app, items };
    await deployFleet(dying, requestFor());
    fleetIsMade = true;
    expect(await codeOf(deployFleet(dying, requestFor("https://keys.example.test")))).toBe(
      "store_unavailable",
    );
    expect(await originNow()).toBeUndefined();
    await deployFleet(fixture.app, requestFor("https://keys.example.test"));
    expect(await originNow()).toBe("https://keys.example.test");
  });
});

describe("the addresses of before", () => {
  const bases = async () => (await getFleet(fixture.app, fleet)).record.artifactBases ?? [];
  const move = (number: number) => moveOrigin(fixture.app, fleet, `https://localhost:${9_000 + number}`);
  const warnings = () => fixture.log.filter(({ level }) => level === "warn");

  it("are kept, eight in all with the present one first; the ninth drops the oldest, with a warning", async () => {
    await deployFleet(fixture.app, requestFor());
    for (let number = 1; number <= 8; number += 1) await move(number);
    expect(warnings()).toEqual([]);
    await move(9);
    const ports = (await bases()).map((base) => Number(new URL(base).port) - 9_000);
    expect(ports).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
    expect(warnings()).toMatchObject([{ event: "artifact_base_dropped", fields: { fleet, count: 1 } }]);
    expect(redact(warnings()[0]?.fields ?? {})["detail"]).toMatch(/8 addresses/);
  });

  it("going back to one of them drops none", async () => {
    await deployFleet(fixture.app, requestFor());
    for (let number = 1; number <= 8; number += 1) await move(number);
    await move(1);
    expect(await bases()).toHaveLength(8);
    expect(warnings()).toEqual([]);
  });
});

describe("moving at once", () => {
  it("with a suspension, which both count: neither undoes the other", async () => {
    await deployFleet(fixture.app, requestFor("https://old.example.test"));
    const { record, version } = await getFleet(fixture.app, fleet);
    let raced = false;
    const items = {
      ...fixture.app.items,
      get: fixture.app.items.get.bind(fixture.app.items),
      query: fixture.app.items.query.bind(fixture.app.items),
      transact: async (operations: Parameters<typeof fixture.app.items.transact>[0]) => {
        if (!raced) {
          raced = true;
          const put = fleetItem({ ...record, state: "suspended" });
          await fixture.app.items.transact([{ put, when: version }]);
        }
        await fixture.app.items.transact(operations);
      },
    };
    await moveOrigin({ ...fixture.app, items }, fleet, "https://new.example.test");
    expect((await getFleet(fixture.app, fleet)).record).toMatchObject({
      state: "suspended",
      origin: "https://new.example.test",
    });
  });

  it("eight starts: all end, with one of their origins", async () => {
    await deployFleet(fixture.app, requestFor());
    const origins = Array.from({ length: 8 }, (_, index) => `https://localhost:${9_000 + index}`);
    await Promise.all(origins.map((origin) => moveOrigin(fixture.app, fleet, origin)));
    expect(origins).toContain(await originNow());
  });

  it("a fleet that there is none of is not made by it", async () => {
    expect(await codeOf(moveOrigin(fixture.app, "nobody", "https://localhost:1"))).toBe("not_found");
  });
});
