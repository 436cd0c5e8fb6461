/** Room: test. A device that was off for a year: from the version that it knows to the newest, over every change of signer. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FetchManifest, type KnownManifest, walk } from "../../core/distribution/manifest-walk.ts";
import { rotateTrustSigner } from "../../core/distribution/trust-rotation.ts";
import { AppError } from "../../core/errors.ts";
import { codeOf } from "../support/errors.ts";
import { certifiedKey, forge, genuineSigner, jwkOf } from "./forgery.ts";
import { authorityOf, knownManifest, openTrustWorld, type TrustWorld, trustFleet } from "./trust-world.ts";

const day = 86_400_000;
let world: TrustWorld;
let versions: readonly KnownManifest[];

/** Thirty versions and three rotations, each of which makes two, in two years. */
beforeAll(async () => {
  world = await openTrustWorld();
  while ((await world.newest()).version < 30) {
    world.clock.advance(20 * day);
    const { version } = await world.newest();
    if (version === 6 || version === 14 || version === 22) await rotateTrustSigner(world.app, trustFleet);
    else await world.advance();
  }
  const numbers = Array.from({ length: 30 }, (_, index) => index + 1);
  versions = await Promise.all(numbers.map(async (at) => knownManifest(await world.fetchVersion(at))));
}, 60_000);
afterAll(() => world.close());

const from = (version: number) => ({ known: versions[version - 1]! });
const signersOf = (version: number): number => versions[version - 1]!.manifest.signers.length;
const now = () => world.clock.now();

/** Counts what is fetched besides the newest. */
function counted(fetchVersion: FetchManifest): {
  readonly fetchVersion: FetchManifest;
  readonly steps: number[];
} {
  const steps: number[] = [];
  return {
    steps,
    fetchVersion: (version) => {
      if (version !== "newest") steps.push(version);
      return fetchVersion(version);
    },
  };
}
const serving = (change: Readonly<Record<string, string>>): FetchManifest => {
  return async (version) => change[version] ?? (await world.fetchVersion(version));
};

describe("a walk to the newest version", () => {
  it("there are thirty versions and four signers; each rotation has one version that names both", () => {
    expect(versions.map(({ manifest: { version } }) => version)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    const kids = new Set(versions.flatMap(({ manifest }) => manifest.signers.map(({ kid }) => kid)));
    expect(kids.size).toBe(4);
    expect([7, 15, 23].map(signersOf)).toEqual([2, 2, 2]);
    expect([6, 8, 14, 16, 22, 24].map(signersOf)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("leads from every version, and from the pinned root, to the same text", async () => {
    const newest = await world.fetchVersion("newest");
    for (const { manifest } of versions) {
      const reached = await walk(world.fetchVersion, from(manifest.version), now());
      expect(reached).toMatchObject({ state: "current", text: newest });
    }
    expect((await walk(world.fetchVersion, { roots: [world.root] }, now())).text).toBe(newest);
  });

  it("fetches the newest alone when its signer is known, and no more steps than lead to its signer", async () => {
    const near = counted(world.fetchVersion);
    await walk(near.fetchVersion, from(24), now());
    expect(near.steps).toEqual([]);
    const far = counted(world.fetchVersion);
    await walk(far.fetchVersion, from(1), now());
    // Version 23 names the signer of the newest.
    expect(far.steps).toEqual(Array.from({ length: 22 }, (_, index) => index + 2));
  });

  it("does not mind that versions on the way have expired; of the newest it says so", async () => {
    const verified = await walk(world.fetchVersion, from(1), now() + 31 * day);
    expect(verified).toMatchObject({ state: "expired", manifest: { version: 30 } });
  });
});

describe("a walk that is led astray", () => {
  const missing = (): never => {
    throw new AppError("not_found", "gone");
  };

  it("a version that is missing: trust_truncated", async () => {
    const fetchVersion: FetchManifest = async (version) =>
      version === 15 ? missing() : world.fetchVersion(version);
    expect(await codeOf(walk(fetchVersion, from(1), now()))).toBe("trust_truncated");
  });

  it("a network that fails is no verdict: its own failure is told", async () => {
    const fetchVersion: FetchManifest = async (version) => {
      if (version === 15) throw new AppError("store_unavailable", "timed out");
      return await world.fetchVersion(version);
    };
    expect(await codeOf(walk(fetchVersion, from(1), now()))).toBe("store_unavailable");
  });

  it("a version in the place of another: trust_truncated for a later one, trust_rollback for an earlier one", async () => {
    const later = serving({ 4: versions[4]!.text });
    expect(await codeOf(walk(later, from(3), now()))).toBe("trust_truncated");
    const earlier = serving({ 4: versions[1]!.text });
    expect(await codeOf(walk(earlier, from(3), now()))).toBe("trust_rollback");
  });

  it("an old version as the newest: trust_rollback, whoever signed it", async () => {
    for (const old of [1, 7, 20, 28])
      expect(await codeOf(walk(serving({ newest: versions[old - 1]!.text }), from(29), now()))).toBe(
        "trust_rollback",
      );
  });

  it("frozen at a version that it knows: taken as it is, and expired when its time has passed", async () => {
    const frozen = serving({ newest: versions[19]!.text });
    expect(await walk(frozen, from(20), now())).toMatchObject({
      state: "expired",
      manifest: { version: 20 },
    });
  });

  it("a forged newest of an enormous number ends where authentic versions end: trust_truncated", async () => {
    const root = await authorityOf(world.app, trustFleet, "root-1");
    const key = await certifiedKey(world.app, root, "trust-99");
    const manifest = { ...versions[29]!.manifest, version: 900_000_000, signers: [jwkOf(key)] };
    const fetches = counted(serving({ newest: await forge(world.app, key, manifest) }));
    expect(await codeOf(walk(fetches.fetchVersion, from(27), now()))).toBe("trust_truncated");
    expect(fetches.steps).toEqual([28, 29, 30, 31]);
  });

  it("a former signer cannot go on: what it signs after it was replaced is trust_foreign", async () => {
    const former = await genuineSigner(world.app, "trust-3");
    const manifest = { ...versions[29]!.manifest, version: 31, signers: [jwkOf(former)] };
    const newest = await forge(world.app, former, manifest);
    expect(await codeOf(walk(serving({ newest }), from(24), now()))).toBe("trust_foreign");
  });
});
