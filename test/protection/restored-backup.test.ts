/**
 * Room: test. A backup of the item store from before a destruction, restored after it: the keys are nowhere, and none
 * is made again.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { getShred, listShreds, shredData } from "../../core/protection/shred.ts";
import { isMarked } from "../../core/protection/shred-tombstone.ts";
import { openPorts } from "./fixtures/keeping-directory.ts";
import {
  decisionOf,
  expectSame,
  fleet,
  type KeepingApp,
  openWorld,
  putKey,
  putKeys,
  storedKeys,
} from "./keeping-world.ts";

const what = { scope: "subject", subject: "s-gone" } as const;

interface Life {
  readonly app: KeepingApp;
  /** Copies the item store as it is, as a backup does. */
  backUp(): Promise<void>;
  /** Puts the copy in its place, and opens all again. */
  restore(): Promise<KeepingApp>;
  /** Files of both stores that hold these octets, as they are or in base64. */
  filesWith(octets: Uint8Array): readonly string[];
}

const holds = (file: Buffer, octets: Buffer): boolean =>
  file.includes(octets) || file.includes(octets.toString("base64").replace(/=+$/, ""));

async function inDirectory(live: (life: Life) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const backup = join(directory, "backup.sqlite");
  let ports = await openPorts(directory);
  const { app } = await openWorld(ports);
  const reopen = async (copy: (database: string) => Promise<void>): Promise<KeepingApp> => {
    // Closed, so that the one file holds all.
    await ports.close();
    await copy(join(directory, "fleetkey.sqlite"));
    ports = await openPorts(directory);
    return { ...app, ...ports };
  };
  const opened = { ...app };
  try {
    await live({
      app: opened,
      async backUp() {
        Object.assign(opened, await reopen((database) => cp(database, backup)));
      },
      restore: () => reopen((database) => cp(backup, database)),
      filesWith: (octets) =>
        readdirSync(directory)
          .filter((name) => name.includes(".sqlite"))
          .filter((name) => holds(readFileSync(join(directory, name)), Buffer.from(octets))),
    });
  } finally {
    await ports.close();
    await rm(directory, { recursive: true, force: true });
  }
}

it("from before the decision: no file holds the wrapped key, the tombstone stands, nobody else is touched", async () => {
  await inDirectory(async ({ app, backUp, restore, filesWith }) => {
    const others = await putKeys(app, 30);
    await putKey(app, "s-gone");
    await backUp();
    const gone = (await storedKeys(app)).find(({ subject }) => subject === "s-gone");
    if (gone === undefined) expect.fail("no key");
    expect(filesWith(gone.wrapped)).not.toEqual([]);
    await shredData(app, await decisionOf(app, what));
    await safekeep(app);
    const restored = await restore();
    expect((await listShreds(restored, { fleet, limit: 10 })).shreds).toEqual([]);
    expect(filesWith(gone.wrapped)).toEqual([]);
    await expectSame(restored, others);
    expect(await isMarked(restored, { fleet, subject: "s-gone" })).toBe(true);
    await expect(shredData(restored, await decisionOf(restored, what))).rejects.toMatchObject({
      code: "subject_shredded",
    });
  });
});

it("from between the decision and its end: the task finds it done, and certifies the very same", async () => {
  await inDirectory(async ({ app, backUp, restore }) => {
    for (const version of [1, 2]) await putKey(app, "s-gone", { version });
    const { shredId } = await shredData(app, await decisionOf(app, what));
    await backUp();
    await safekeep(app);
    const { certificate } = await getShred(app, { fleet, shredId });
    expect(certificate).toMatchObject({ subjectKeys: 2 });
    const restored = await restore();
    expect(await getShred(restored, { fleet, shredId })).toMatchObject({ state: "decided" });
    expect(await safekeep(restored)).toMatchObject({ destroyed: 0, ended: 1 });
    expect(await getShred(restored, { fleet, shredId })).toMatchObject({ state: "done", certificate });
  });
});
