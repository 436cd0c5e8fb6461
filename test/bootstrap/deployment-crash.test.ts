/**
 * Room: test. A deployment that dies before or after any one of its calls to the world: the next run finishes it.
 * A port's call that never returns is a process that died there; nothing outside changes between two calls.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { clientTrustKey, type DeploymentRequest, deployFleet } from "../../core/bootstrap/deployment.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { verifyManifest } from "../../core/distribution/manifest-walk.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import type { DeploymentApp } from "../../core/ports.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

type When = "before" | "after";
type Call = (...parameters: never[]) => Promise<unknown>;

const never = () => new Promise<never>(() => undefined);

/** Calls of `port` announce themselves to `pass`, which returns normally or never. */
function interrupted<Port extends object>(port: Port, pass: (when: When) => Promise<void>): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...parameters: never[]) => {
        await pass("before");
        const result = await (value as Call).apply(target, parameters);
        await pass("after");
        return result;
      };
    },
  });
}

interface Run {
  readonly app: DeploymentApp;
  /** Resolves when the run has died. */
  readonly dead: Promise<"dead">;
}

/** An App whose process dies at step `target`; each call of a port is two steps. */
function dyingApp(app: DeploymentApp, target: number): Run {
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
  const { items, keys, artifacts, trustStores, records, notifier } = app;
  const ports = { items, keys, artifacts, trustStores, records, notifier };
  const dying = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, interrupted<object>(port, pass)]),
  );
  return { app: { ...app, ...(dying as typeof ports) }, dead };
}

const request = (): DeploymentRequest => ({
  plan: { fleet: "clinic", trustDomain: "example.test", rootAlgorithm: "P-256", issuingAlgorithm: "P-256" },
  fleets: ["clinic"],
  operator: { operatorId: "operator-1", csr: deviceCsr(deviceKey()) },
  origin: "https://keys.example.test",
});

describe("a deployment that dies at any call", () => {
  let fixture: DeploymentFixture;
  beforeEach(async () => {
    fixture = await openDeploymentApp();
  });
  afterEach(() => fixture.close());

  /** Makes one deployment in two runs, the first of which dies at step `target`; false when it outlived that. */
  async function crashAndRepeat(target: number): Promise<boolean> {
    const wanted = request();
    const { app, dead } = dyingApp(fixture.app, target);
    const outcome = await Promise.race([dead, deployFleet(app, wanted).then(() => "alive" as const)]);
    fixture.clock.advance(leaseMilliseconds + 1);
    const deployed = await deployFleet(fixture.app, wanted);
    const label = `died at step ${target}`;
    const { certificates } = await listCertificates(fixture.app, { fleet: "clinic", limit: 10 });
    expect(certificates.map(({ profile }) => profile).sort(), label).toEqual([
      "issuing",
      "ocspResponder",
      "operator",
      "root",
      "trustSigner",
    ]);
    expect((await getFleet(fixture.app, "clinic")).record.origin, label).toBe(wanted.origin);
    expect(fixture.artifacts.text("fleets/clinic/trust.pem"), label).toBe(deployed.root);
    const manifest = fixture.artifacts.text("fleets/clinic/trust.jws");
    expect(fixture.artifacts.text("fleets/clinic/trust/1.jws"), label).toBe(manifest);
    const anchor = { roots: [deployed.rootFingerprint], fleet: "clinic" };
    const verified = await verifyManifest(manifest, anchor, fixture.clock.now());
    expect(verified, label).toMatchObject({ state: "current", manifest: { version: 1 } });
    expect(fixture.trustStores.text(clientTrustKey), label).toBe(
      `${deployed.root}${deployed.operator?.chain}`,
    );
    expect(fixture.trustStores.versions(clientTrustKey), label).toHaveLength(1);
    expect(
      fixture.records.keys.map((key) => fixture.records.versions(key).length),
      label,
    ).toEqual([1, 1]);
    const told = fixture.notices.map(({ event }) => event);
    expect(new Set(told), label).toEqual(new Set(["fleet.created", "operator.certified"]));
    // Told twice only by a run that died between telling and noting that it had told.
    expect(told.length, label).toBeLessThanOrEqual(3);
    await deployFleet(fixture.app, wanted);
    expect(fixture.notices, label).toHaveLength(told.length);
    return outcome === "dead";
  }

  it("is finished by the next run: one fleet, one operator, one record each, and everybody told", async () => {
    let deaths = 0;
    let target = 1;
    while (await crashAndRepeat(target)) {
      deaths += 1;
      target += 1;
      await fixture.close();
      fixture = await openDeploymentApp();
    }
    expect(deaths).toBeGreaterThan(150);
  }, 120_000);
});
