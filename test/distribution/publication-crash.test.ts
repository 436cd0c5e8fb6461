/** Room: test. kill -9 at every await of a publication: the next run repairs it, and readers never notice. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { type KnownManifest, walk } from "../../core/distribution/manifest-walk.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { findPublication } from "../../core/distribution/trust-version.ts";
import { type OpenedDirectory, openDirectory } from "./fixtures/directory.ts";
import { changeContent, fetcher, knownManifest, makeTrustFleet, trustFleet } from "./trust-world.ts";

const script = join(import.meta.dirname, "fixtures/crashing-publication.ts");

/** True when it was killed. Rejects when it failed instead of being killed or done. */
function crash(directory: string, target: number): Promise<boolean> {
  // A hundred processes load the same modules: compiled once, they start in a third of the time.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, directory, String(target)], { env }, (error, _, stderr) => {
      if (error === null) resolve(false);
      else if (error.signal === "SIGKILL") resolve(true);
      else reject(new Error(`the publication failed instead of being killed: ${stderr}`));
    });
  });
}

interface Lane extends OpenedDirectory {
  readonly directory: string;
}

/** Each lane is a fleet of its own and takes every fourth await: the processes wait for their disk most of the time. */
const laneCount = 4;
let lanes: readonly Lane[];
beforeAll(async () => {
  const opening = Array.from({ length: laneCount }, async (): Promise<Lane> => {
    const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
    const opened = await openDirectory(directory);
    await makeTrustFleet(opened.app);
    return { ...opened, directory };
  });
  lanes = await Promise.all(opening);
});
afterAll(async () => {
  for (const { directory, close } of lanes) {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
});

/** What the dead process had done: the number taken or not, all in place or not. */
interface Death {
  readonly taken: boolean;
  readonly placed: boolean;
}

/** Kills one publication, looks as a reader does, lets the next run finish it; undefined when it outlived its target. */
async function crashOnce({ app, directory }: Lane, target: number): Promise<Death | undefined> {
  const fetchVersion = fetcher(app.artifacts);
  const now = () => app.clock.now();
  const known: KnownManifest = knownManifest(await fetchVersion("newest"));
  await changeContent(app);
  const killed = await crash(directory, target);
  const left = (await findPublication(app, trustFleet))!.value;
  // A reader who comes between the two runs finds the old version or the new one, whole.
  const between = await walk(fetchVersion, { known }, now());
  expect([0, 1]).toContain(between.manifest.version - known.manifest.version);
  await publishTrust(app, trustFleet);
  const after = await walk(fetchVersion, { known: between }, now());
  // One change is one version, however its publisher died.
  expect(after.manifest.version, `killed at await ${target}`).toBe(known.manifest.version + 1);
  const { configuration } = await getFleet(app, trustFleet);
  expect(after.manifest.crl.windowDays).toBe(configuration.crlWindowDays);
  expect(await fetchVersion(after.manifest.version)).toBe(after.text);
  expect(await publishTrust(app, trustFleet)).toBe("unchanged");
  const taken = left.trustVersion > known.manifest.version;
  return killed ? { taken, placed: taken && left.placedVersion === left.trustVersion } : undefined;
}

async function crashAlong(lane: Lane, first: number): Promise<readonly Death[]> {
  const deaths: Death[] = [];
  for (let target = first; ; target += laneCount) {
    const death = await crashOnce(lane, target);
    if (death === undefined) return deaths;
    deaths.push(death);
  }
}

it("a publication killed at any await is finished by the next: no version twice, none missing, none older", async () => {
  const all = await Promise.all(lanes.map((lane, index) => crashAlong(lane, index + 1)));
  const deaths = all.flat();
  expect(deaths.length).toBeGreaterThan(100);
  // Before the number was taken, after it, and after all was in its place: each was met.
  expect(deaths.some(({ taken }) => !taken)).toBe(true);
  expect(deaths.some(({ taken, placed }) => taken && !placed)).toBe(true);
  expect(deaths.some(({ placed }) => placed)).toBe(true);
}, 600_000);
