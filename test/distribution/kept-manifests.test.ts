/** Room: test. Versions of the trust that the object store has lost, damaged, or never shared with the item store. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { distribute } from "../../core/bootstrap/distribution.ts";
import { manifestVersionKey } from "../../core/distribution/artifacts.ts";
import { restoreManifests } from "../../core/distribution/kept-manifests.ts";
import { walk } from "../../core/distribution/manifest-walk.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { manifestItem, manifestKey, manifestRecord } from "../../core/records/manifest-record.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { knownManifest, openTrustWorld, type TrustWorld, trustFleet } from "./trust-world.ts";

let world: TrustWorld;
beforeEach(async () => {
  world = await openTrustWorld();
});
afterEach(() => world.close());

const fleet = trustFleet;
const keyOf = (version: number): string => manifestVersionKey(fleet, version);
const textOf = (version: number): string => world.artifacts.text(keyOf(version));
const events = (): string[] =>
  world.log.map(({ event }) => event).filter((event) => event.startsWith("trust_"));

async function forget(trustVersion: number): Promise<void> {
  await world.app.items.transact([{ delete: manifestKey({ fleet, trustVersion }), when: "present" }]);
}

async function keptText(trustVersion: number): Promise<string | undefined> {
  const item = await world.app.items.get(manifestKey({ fleet, trustVersion }));
  return item === undefined ? undefined : manifestRecord(item).value.text;
}

describe("each version's text", () => {
  it("is kept, character for character, before readers find it", async () => {
    await world.advance();
    for (const version of [1, 2]) expect(await keptText(version)).toBe(textOf(version));
    await world.change();
    const put = () => Promise.reject(new Error("killed"));
    const killed = { ...world.app, artifacts: { ...world.app.artifacts, put } };
    await expect(publishTrust(killed, fleet)).rejects.toThrow("killed");
    const text = await keptText(3);
    const keys = faultyKeys(world.app.keys);
    await publishTrust({ ...world.app, keys }, fleet);
    // The next publisher signs nothing: it goes on with what was kept.
    expect([textOf(3), keys.signatures]).toEqual([text, 0]);
  });

  it("comes back from its item as it went in", async () => {
    const text = textOf(1);
    const item = { ...manifestItem({ fleet, trustVersion: 1, text }), version: 1 };
    expect(manifestRecord(item).value).toEqual({ fleet, trustVersion: 1, text });
  });
});

describe("a version that is lost", () => {
  it("comes back octet for octet, the newest one too, so that devices walk on as if nothing had been", async () => {
    const first = textOf(1);
    await world.advance();
    await world.advance();
    const before = [1, 2, 3].map(textOf);
    for (const version of [1, 2, 3]) await world.artifacts.remove(keyOf(version));
    await world.artifacts.remove(`fleets/${fleet}/trust.jws`);
    await distribute(world.app, fleet);
    expect([1, 2, 3].map(textOf)).toEqual(before);
    expect(events()).toEqual(Array(3).fill("trust_version_restored"));
    const outcome = await walk(world.fetchVersion, { known: knownManifest(first) }, world.clock.now());
    expect(outcome.manifest.version).toBe(3);
    await distribute(world.app, fleet);
    expect(events()).toHaveLength(3);
  });

  it("was damaged: it is replaced by what was signed", async () => {
    await world.advance();
    const before = [1, 2].map(textOf);
    const contentType = "application/jose";
    await world.artifacts.put(keyOf(1), { body: Buffer.from("no manifest"), contentType });
    await world.artifacts.put(keyOf(2), { body: Buffer.from(before[0] ?? ""), contentType });
    await distribute(world.app, fleet);
    expect([1, 2].map(textOf)).toEqual(before);
  });

  it("of an earlier release, which kept none, is kept from the first deployment on", async () => {
    await world.advance();
    await forget(1);
    expect(await restoreManifests(world.app, fleet)).toBe(0);
    expect(await keptText(1)).toBe(textOf(1));
    expect(events()).toEqual([]);
  });

  it("in neither store is told of, and keeps nothing else from being published", async () => {
    await world.advance();
    await forget(1);
    await world.artifacts.remove(keyOf(1));
    await distribute(world.app, fleet);
    expect(world.log).toContainEqual(
      expect.objectContaining({ event: "trust_version_lost", fields: { fleet, trustVersion: 1 } }),
    );
    expect((await world.advance()).manifest.version).toBe(3);
  });
});
