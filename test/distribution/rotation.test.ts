/** Room: test. The signer of a fleet's trust is replaced, again and again, under the eyes of devices that sleep and caches that lag. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { trustSigners } from "../../core/distribution/known-signers.ts";
import { readManifest } from "../../core/distribution/manifest-signature.ts";
import { type KnownManifest, walk } from "../../core/distribution/manifest-walk.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { rotateTrustSigner } from "../../core/distribution/trust-rotation.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { AppError } from "../../core/errors.ts";
import type { DeploymentApp } from "../../core/ports.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { codeOf } from "../support/errors.ts";
import { knownManifest, openTrustWorld, type TrustWorld, trustFleet } from "./trust-world.ts";

let world: TrustWorld;
beforeEach(async () => {
  world = await openTrustWorld();
});
afterEach(() => world.close());

const states = async () =>
  (await trustSigners(world.app, trustFleet)).map(({ value }) => [value.signerId, value.state]);
const signedBy = async (version: number) => readManifest(await world.fetchVersion(version)).kid;

describe("one rotation", () => {
  it("makes two versions: both keys named under the old signature, then the new key alone under its own", async () => {
    const [old] = (await world.newest()).signers;
    expect(await rotateTrustSigner(world.app, trustFleet)).toEqual({ signerId: "trust-2" });
    const [both, alone] = await Promise.all([2, 3].map((at) => world.fetchVersion(at).then(knownManifest)));
    expect(both!.manifest.signers).toHaveLength(2);
    expect(both!.manifest.signers[0]).toEqual(old);
    expect(await signedBy(2)).toBe(old!.kid);
    expect(alone!.manifest.signers).toEqual([both!.manifest.signers[1]]);
    expect(await signedBy(3)).toBe(alone!.manifest.signers[0]!.kid);
    expect((await world.newest()).version).toBe(3);
    expect(await states()).toEqual([
      ["trust-1", "former"],
      ["trust-2", "active"],
    ]);
  });

  it("of a signer that signs no more changes nothing: a repetition that names whom it replaced is safe", async () => {
    await rotateTrustSigner(world.app, trustFleet, "trust-1");
    expect(await rotateTrustSigner(world.app, trustFleet, "trust-1")).toEqual({ signerId: "trust-2" });
    expect((await world.newest()).version).toBe(3);
  });

  it("the root certifies the next signer: who pinned it begins with any version", async () => {
    await rotateTrustSigner(world.app, trustFleet);
    for (const at of [1, 2, 3]) {
      const fetchVersion = () => world.fetchVersion(at);
      const reached = await walk(fetchVersion, { roots: [world.root] }, world.clock.now());
      expect(reached.manifest.version).toBe(at);
    }
  });

  it("by two at once ends with one signer that signs, and a chain that holds", async () => {
    const first = await world.fetchVersion(1);
    await Promise.allSettled([1, 2].map(() => rotateTrustSigner(world.app, trustFleet, "trust-1")));
    await rotateTrustSigner(world.app, trustFleet, "trust-1");
    expect((await states()).filter(([, state]) => state !== "former")).toEqual([["trust-2", "active"]]);
    const reached = await walk(world.fetchVersion, { known: knownManifest(first) }, world.clock.now());
    expect(reached.manifest.signers).toHaveLength(1);
  });
});

const never = () => new Promise<never>(() => undefined);

/** An App whose process dies at its `target`-th call of a port, before it or, in the next step, after it. */
function dyingApp(app: DeploymentApp, target: number) {
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
  const dying = <Port extends object>(port: Port): Port =>
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
  const { items, keys, artifacts } = app;
  return { app: { ...app, items: dying(items), keys: dying(keys), artifacts: dying(artifacts) }, dead };
}

describe("a rotation that dies at any call", () => {
  it("is finished by the next, which begins no other", async () => {
    let deaths = 0;
    for (let target = 1; ; target += 1) {
      const before = knownManifest(await world.fetchVersion("newest"));
      const from = `trust-${(await states()).length}`;
      const { app, dead } = dyingApp(world.app, target);
      const run = rotateTrustSigner(app, trustFleet, from).then(() => "alive" as const);
      const outcome = await Promise.race([dead, run]);
      world.clock.advance(leaseMilliseconds + 1);
      // The publisher of every minute may come first.
      if (target % 2 === 0) await publishTrust(world.app, trustFleet);
      await rotateTrustSigner(world.app, trustFleet, from);
      const after = await walk(world.fetchVersion, { known: before }, world.clock.now());
      expect(after.manifest.version, `died at step ${target}`).toBe(before.manifest.version + 2);
      expect(after.manifest.signers).toHaveLength(1);
      expect((await states()).filter(([, state]) => state !== "former")).toHaveLength(1);
      if (outcome === "alive") break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(80);
  }, 300_000);

  it("without a name for whom to replace, the next run finishes it too", async () => {
    // Dies between the activation of the new signer and its first manifest.
    for (let target = 1; ; target += 1) {
      const { app, dead } = dyingApp(world.app, target);
      const outcome = await Promise.race([
        dead,
        rotateTrustSigner(app, trustFleet).then(() => "alive" as const),
      ]);
      const [, second] = await states();
      world.clock.advance(leaseMilliseconds + 1);
      if (second?.[1] === "active") {
        expect(outcome).toBe("dead");
        expect(await rotateTrustSigner(world.app, trustFleet)).toEqual({ signerId: "trust-2" });
        expect((await world.newest()).signers).toHaveLength(1);
        break;
      }
      await world.close();
      world = await openTrustWorld();
    }
  }, 300_000);
});

describe("before there is a signer", () => {
  it("authority_unavailable", async () => {
    expect(await codeOf(rotateTrustSigner(world.app, "ward"))).toBe("authority_unavailable");
  });
});

describe("a hundred rotations", () => {
  it("under clients that pull at random, some from caches that lag: none fails, none goes back", async () => {
    const random = seededRandom(100);
    // What a cache keeps for `newest`; versions never change, so those it keeps are right for good.
    const caches = Array.from({ length: 5 }, () => ({ text: "", until: 0 }));
    const first = knownManifest(await world.fetchVersion(1));
    const clients: KnownManifest[] = Array.from({ length: 60 }, () => first);
    let pulls = 0;
    let behind = 0;

    async function newestOf(cache: { text: string; until: number }): Promise<string> {
      if (world.clock.now() >= cache.until) {
        cache.text = await world.fetchVersion("newest");
        cache.until = world.clock.now() + 300_000;
      }
      return cache.text;
    }

    async function pull(index: number): Promise<void> {
      const known = clients[index]!;
      const cache = random.chance(0.5) ? random.pick(caches as [(typeof caches)[0]]) : undefined;
      const fetchVersion = async (version: number | "newest"): Promise<string> =>
        version === "newest" && cache !== undefined
          ? await newestOf(cache)
          : await world.fetchVersion(version);
      const reached = await walk(fetchVersion, { known }, world.clock.now()).catch(async (error: unknown) => {
        // A cache of another place may be behind what this client has seen: it asks the origin.
        if (!(error instanceof AppError) || error.code !== "trust_rollback" || cache === undefined)
          throw error;
        behind += 1;
        return await walk(world.fetchVersion, { known }, world.clock.now());
      });
      expect(reached.manifest.version).toBeGreaterThanOrEqual(known.manifest.version);
      clients[index] = reached;
      pulls += 1;
    }

    for (let rotation = 1; rotation <= 100; rotation += 1) {
      const rotating = rotateTrustSigner(world.app, trustFleet);
      const pulling = Array.from({ length: 5 }, () => pull(random.below(clients.length)));
      await Promise.all([rotating, ...pulling]);
      world.clock.advance(random.below(400_000));
      for (let each = 0; each < 5; each += 1) await pull(random.below(clients.length));
    }
    const newest = await world.fetchVersion("newest");
    expect(readManifest(newest).manifest.version).toBe(201);
    for (const known of [first, ...clients])
      expect((await walk(world.fetchVersion, { known }, world.clock.now())).text).toBe(newest);
    expect(pulls).toBe(1000);
    expect(behind).toBeGreaterThan(0);
  }, 300_000);
});
