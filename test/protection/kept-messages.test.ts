/**
 * Room: test. What the jobs mean for messages: re-encrypted keys open what they protected before, and a destroyed key's
 * messages open no more, whatever a process has in its memory and whatever backup is restored.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { localDataKeys } from "../../adapters/local/data-keys.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import type { DataCaller } from "../../core/protection/data-caller.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { encryptData } from "../../core/protection/encrypt.ts";
import { startReencryption } from "../../core/protection/reencryption.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { shredData } from "../../core/protection/shred.ts";
import { localCipher, openPorts } from "./fixtures/keeping-directory.ts";
import { actor, decisionOf, fleet, type KeepingApp, openWorld, storedKeys } from "./keeping-world.ts";

const subjects = ["s-1", "s-2", "s-3"];
const plaintextOf = (subject: string) => Buffer.from(`observation of ${subject}`);

let directory: string;
let ports: Awaited<ReturnType<typeof openPorts>>;
let app: KeepingApp;
let messages: ReadonlyMap<string, Buffer>;

async function caller(): Promise<DataCaller> {
  return { fleet, actor: "backend:b-1", purposes: ["*"], fleetState: await getFleet(app, fleet) };
}

async function encrypted(subject: string): Promise<Buffer> {
  const context = { purpose: "observations", subject };
  const request = { caller: await caller(), context, plaintext: plaintextOf(subject) };
  return (await encryptData(app, request)).message;
}

/** The plaintext, or the code of the refusal. */
async function read(subject: string): Promise<string> {
  const context = { purpose: "observations", subject };
  const message = messages.get(subject) ?? Buffer.alloc(0);
  try {
    return (await decryptData(app, { caller: await caller(), context, message })).plaintext.toString();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const expected = (unreadable: readonly string[] = []) =>
  subjects.map((each) => (unreadable.includes(each) ? "data_unreadable" : plaintextOf(each).toString()));

const readAll = () => Promise.all(subjects.map(read));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  ports = await openPorts(directory);
  ({ app } = await openWorld(ports));
  app = { ...app, cipher: localCipher(ports) };
  const made: [string, Buffer][] = [];
  for (const subject of subjects) made.push([subject, await encrypted(subject)]);
  messages = new Map(made);
});

afterEach(async () => {
  await ports.close();
  await rm(directory, { recursive: true, force: true });
});

async function reopen(copy: (database: string) => Promise<void>): Promise<void> {
  await ports.close();
  await copy(join(directory, "fleetkey.sqlite"));
  ports = await openPorts(directory);
  app = { ...app, ...ports, cipher: localCipher(ports) };
}

it("after a rotation and a re-encryption every message opens, and its key is under the new wrapping key alone", async () => {
  await localDataKeys(ports.wrappingKeys).rotateNow(`${fleet}-protection`);
  await startReencryption(app, { fleet, actor });
  expect(await readAll()).toEqual(expected());
  expect(await safekeep(app)).toMatchObject({ moved: 3, verified: 3 });
  const keyId = await app.wrappingKeys.keyOf(fleet);
  expect((await storedKeys(app)).map((key) => key.keyId)).toEqual([keyId, keyId, keyId]);
  expect(await readAll()).toEqual(expected());
});

it("a shredded subject is unreadable at the decision, after it, and after a restored backup; no other is", async () => {
  // Its key is in the memory of this process.
  expect(await readAll()).toEqual(expected());
  await reopen((database) => cp(database, join(directory, "backup.sqlite")));
  await shredData(app, await decisionOf(app, { scope: "subject", subject: "s-2" }));
  expect(await readAll()).toEqual(expected(["s-2"]));
  await safekeep(app);
  expect(await readAll()).toEqual(expected(["s-2"]));
  await expect(encrypted("s-2")).rejects.toMatchObject({ code: "subject_shredded" });
  await reopen((database) => cp(join(directory, "backup.sqlite"), database));
  expect(await readAll()).toEqual(expected(["s-2"]));
  await expect(encrypted("s-2")).rejects.toMatchObject({ code: "subject_shredded" });
});

it("a shredded fleet is unreadable at the decision, after it, and after a restored backup", async () => {
  expect(await readAll()).toEqual(expected());
  await reopen((database) => cp(database, join(directory, "backup.sqlite")));
  await shredData(app, await decisionOf(app, { scope: "fleet" }));
  expect(await readAll()).toEqual(expected(subjects));
  await expect(encrypted("s-9")).rejects.toMatchObject({ code: "subject_shredded" });
  expect(await safekeep(app)).toMatchObject({ destroyed: 3, ended: 1 });
  await reopen((database) => cp(join(directory, "backup.sqlite"), database));
  expect(await readAll()).toEqual(expected(subjects));
  for (const subject of ["s-1", "s-9"]) await expect(encrypted(subject)).rejects.toThrow();
});
