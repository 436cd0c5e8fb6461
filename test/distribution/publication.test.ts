import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { bootstrapFleet } from "../../core/bootstrap/fleet.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { verifyManifest, walk } from "../../core/distribution/manifest-walk.ts";
import { ensureTrust, publishTrust } from "../../core/distribution/trust-publication.ts";
import { findPublication } from "../../core/distribution/trust-version.ts";
import type { DeploymentApp, ItemStore, ObjectStore } from "../../core/ports.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { publicationItem } from "../../core/records/publication-record.ts";
import { type Random, seededRandom } from "../formats/seeded-random.ts";
import { openDeploymentApp } from "../support/deployment-app.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { changeContent, knownManifest, openTrustWorld, type TrustWorld, trustFleet } from "./trust-world.ts";

const day = 86_400_000;
const keyOf = (name: string): string => `fleets/${trustFleet}/${name}`;
const derived = ["trust.jws", "trust.pem", "trust.p7b", "trust.der", "jwks.json"].map(keyOf);

let world: TrustWorld;
beforeEach(async () => {
  world = await openTrustWorld();
});
afterEach(() => world.close());

const publishNow = (app: DeploymentApp = world.app) => publishTrust(app, trustFleet);
const counts = () => derived.map((key) => world.artifacts.versions(key).length);

describe("when a version is made", () => {
  it("none while nothing has changed and ten days have not passed: nothing is written, nothing signed", async () => {
    const keys = faultyKeys(world.app.keys);
    world.clock.advance(10 * day - 60_000);
    expect(await publishNow({ ...world.app, keys })).toBe("unchanged");
    expect(keys.signatures).toBe(0);
    expect(counts()).toEqual([1, 1, 1, 1, 1]);
  });

  it("one after ten days, though nothing has changed: only the manifest is written anew", async () => {
    world.clock.advance(10 * day + 1000);
    expect(await publishNow()).toBe("published");
    expect(await publishNow()).toBe("unchanged");
    expect((await world.newest()).version).toBe(2);
    expect(counts()).toEqual([2, 1, 1, 1, 1]);
  });

  it("one when the content changes, with one signature", async () => {
    const keys = faultyKeys(world.app.keys);
    await world.change();
    expect(await publishNow({ ...world.app, keys })).toBe("published");
    expect(await publishNow()).toBe("unchanged");
    expect(keys.signatures).toBe(1);
    expect(await world.newest()).toMatchObject({ version: 2, crl: { windowDays: 8 } });
  });

  it("an authority that is retired stays, as retired, and leaves keys and trust.p7b", async () => {
    const { authorities } = await getFleet(world.app, trustFleet);
    const { record } = authorities.find((one) => one.record.authorityId === "issuing-1")!;
    await world.app.items.transact([{ put: authorityItem({ ...record, state: "retired" }), when: 1 }]);
    expect(await publishNow()).toBe("published");
    const { keys, authorities: told } = await world.newest();
    expect(told).toMatchObject([{ authorityId: "issuing-1", state: "retired" }]);
    expect(keys.keys).toHaveLength(1);
    const [before, after] = world.artifacts.versions(keyOf("trust.p7b"));
    expect(after!.body.byteLength).toBeLessThan(before!.body.byteLength);
  });

  it("none for a fleet without a signer or without an address", async () => {
    const fixture = await openDeploymentApp();
    try {
      const plan = { fleet: trustFleet, trustDomain: "example.test" } as const;
      await bootstrapFleet(fixture.app, { ...plan, rootAlgorithm: "P-256", issuingAlgorithm: "P-256" });
      await moveOrigin(fixture.app, trustFleet, "https://keys.example.test");
      expect(await publishTrust(fixture.app, trustFleet)).toBe("unchanged");
      expect(fixture.artifacts.keys).toEqual([]);
      expect(await codeOf(publishTrust(fixture.app, "nobody"))).toBe("not_found");
    } finally {
      await fixture.close();
    }
  });

  it("none that no reader could take: without a root in use its number is not taken", async () => {
    const { authorities } = await getFleet(world.app, trustFleet);
    const { record } = authorities.find((one) => one.record.authorityId === "root-1")!;
    await world.app.items.transact([{ put: authorityItem({ ...record, state: "retired" }), when: 1 }]);
    expect(await codeOf(publishNow())).toBe("trust_malformed");
    expect((await findPublication(world.app, trustFleet))?.value.trustVersion).toBe(1);
  });
});

describe("deployments", () => {
  it("a run too many signs nothing and writes nothing", async () => {
    const keys = faultyKeys(world.app.keys);
    await ensureTrust({ ...world.app, keys }, trustFleet);
    expect(keys.signatures).toBe(0);
    expect(counts()).toEqual([1, 1, 1, 1, 1]);
  });

  it("at once make one signer, one version, and nothing twice", async () => {
    const fixture = await openDeploymentApp();
    try {
      const plan = { fleet: trustFleet, trustDomain: "example.test" } as const;
      await bootstrapFleet(fixture.app, { ...plan, rootAlgorithm: "P-256", issuingAlgorithm: "P-256" });
      await moveOrigin(fixture.app, trustFleet, "https://keys.example.test");
      await Promise.all([1, 2, 3, 4].map(() => ensureTrust(fixture.app, trustFleet)));
      const { certificates } = await listCertificates(fixture.app, { fleet: trustFleet, limit: 10 });
      expect(certificates.map(({ profile }) => profile).sort()).toEqual(["issuing", "root", "trustSigner"]);
      for (const key of [...derived, keyOf("trust/1.jws")])
        expect(fixture.artifacts.versions(key), key).toHaveLength(1);
      expect(fixture.artifacts.keys).toHaveLength(6);
    } finally {
      await fixture.close();
    }
  });

  it("put back what somebody else has changed or removed; the version's own text stays", async () => {
    const text = await world.fetchVersion(1);
    for (const key of derived) {
      if (key.endsWith("trust.der")) await world.artifacts.remove(key);
      else await world.artifacts.put(key, { body: Buffer.from("no"), contentType: "text/plain" });
    }
    await ensureTrust(world.app, trustFleet);
    expect(await world.fetchVersion("newest")).toBe(text);
    for (const key of derived) expect(world.artifacts.text(key), key).not.toBe("no");
    expect(world.artifacts.keys).toEqual(expect.arrayContaining(derived));
  });

  it("an item store that was set back to version 1 goes on after the versions that were published", async () => {
    const state = await findPublication(world.app, trustFleet);
    for (let version = 2; version <= 4; version += 1) await world.advance();
    const published = await world.fetchVersion("newest");
    const now = await findPublication(world.app, trustFleet);
    await world.app.items.transact([{ put: publicationItem(state!.value), when: now!.version }]);
    expect(await publishNow()).toBe("published");
    // What readers have is never replaced by something older on the way.
    const seen = world.artifacts.versions(keyOf("trust.jws")).map(({ body }) => Buffer.from(body).toString());
    expect(seen.map((text) => knownManifest(text).manifest.version)).toEqual([1, 2, 3, 4]);
    const next = await world.advance();
    expect(next.manifest).toMatchObject({ version: 5, previous: hash("sha256", published) });
  });
});

describe("a key service that fails", () => {
  it.each(["unavailable", "signedThenUnavailable", "wrongSignature"] as const)(
    "%s: nothing is published, and the next run publishes the number that was taken",
    async (fault) => {
      const keys = faultyKeys(world.app.keys);
      keys.fault = fault;
      await world.change();
      expect(await codeOf(publishNow({ ...world.app, keys }))).toMatch(
        /^(key_service_unavailable|signature_invalid)$/,
      );
      expect((await world.newest()).version).toBe(1);
      expect(await publishNow()).toBe("published");
      expect((await world.newest()).version).toBe(2);
    },
  );
});

/** Calls of a port take their time: before they happen, and before their answer arrives. */
function unsteady<Port extends ItemStore | ObjectStore>(port: Port, random: Random): Port {
  const pause = async (): Promise<void> => {
    for (let turns = random.below(6); turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve));
  };
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...parameters: never[]) => {
        await pause();
        const result: unknown = await (value as (...all: never[]) => Promise<unknown>).apply(
          target,
          parameters,
        );
        await pause();
        return result;
      };
    },
  });
}

describe("twenty publishers at once", () => {
  it.each([1, 2, 3])(
    "while the fleet changes (%i): numbers rise by one, each has one content, the newest wins everywhere",
    async (seed) => {
      const random = seededRandom(seed);
      const items = unsteady(world.app.items, random);
      const artifacts = unsteady<ObjectStore>(world.artifacts, random);
      const app: DeploymentApp = { ...world.app, items, artifacts };
      const publishers = Array.from({ length: 20 }, async () => {
        for (let run = 0; run < 3; run += 1) {
          if (random.chance(0.3)) await changeContent(app).catch(() => undefined);
          await publishNow(app);
        }
      });
      await Promise.all(publishers);
      await publishNow();
      const { version } = await world.newest();
      expect(version).toBeGreaterThan(3);
      const seen = world.artifacts
        .versions(keyOf("trust.jws"))
        .map(({ body }) => Buffer.from(body).toString());
      const numbers = seen.map((text) => knownManifest(text).manifest.version);
      expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
      expect(new Set(numbers).size).toBe(numbers.length);
      for (let at = 1; at <= version; at += 1) {
        expect(world.artifacts.versions(keyOf(`trust/${at}.jws`)), `version ${at}`).toHaveLength(1);
        if (at === version) break;
        const known = knownManifest(await world.fetchVersion(at));
        await verifyManifest(await world.fetchVersion(at + 1), { known }, world.clock.now());
      }
      expect(await world.fetchVersion(version)).toBe(await world.fetchVersion("newest"));
      const first = knownManifest(await world.fetchVersion(1));
      await walk(world.fetchVersion, { known: first }, world.clock.now());
      const { configuration } = await getFleet(world.app, trustFleet);
      expect((await world.newest()).crl.windowDays).toBe(configuration.crlWindowDays);
    },
    60_000,
  );
});
