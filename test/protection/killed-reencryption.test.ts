/**
 * Room: test. A re-encryption of 100,000 subject keys on the embedded store, whose process is killed (SIGKILL) ten
 * times: every key opens in the end and is what it was, and none is under the old wrapping key.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { localDataKeys } from "../../adapters/local/data-keys.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import type { WriteOperation } from "../../core/ports.ts";
import { decryptData } from "../../core/protection/decrypt.ts";
import { getReencryption, startReencryption } from "../../core/protection/reencryption.ts";
import { findReencryption } from "../../core/protection/reencryption-view.ts";
import {
  currentContextVersion,
  subjectKeyContext,
  subjectKeyItem,
  subjectKeyName,
  subjectKeyPartition,
  subjectKeyRecord,
} from "../../core/records/subject-key-record.ts";
import { localCipher, openPorts } from "./fixtures/keeping-directory.ts";
import { actor, fleet, type KeepingApp, openWorld, storedKeys } from "./keeping-world.ts";

const script = join(import.meta.dirname, "fixtures/safekeeping-process.ts");
const subjects = 100_000;
const kills = 10;
const everyMessage = 500;

function startTask(directory: string): ChildProcess {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") };
  return spawn(process.execPath, [script, directory], { env, stdio: ["ignore", "ignore", "inherit"] });
}

interface Protected {
  /** Digests of the keys in the clear, by subject. */
  readonly digests: ReadonlyMap<string, string>;
  /** A message of every so manieth subject. */
  readonly messages: ReadonlyMap<string, Buffer>;
}

const contextOf = (subject: string) => ({ fleet, purpose: "observations", subject });

async function putSubjects(app: KeepingApp): Promise<Protected> {
  const digests = new Map<string, string>();
  const messages = new Map<string, Buffer>();
  const newKey = async (subject: string, index: number): Promise<WriteOperation> => {
    const named = { fleet, subject, version: 1, contextVersion: currentContextVersion };
    const now = app.clock.now();
    const key = await app.wrappingKeys.generate(fleet, subjectKeyContext(named));
    digests.set(subject, hash("sha256", key.plaintext));
    if (index % everyMessage === 0) {
      const wrapping = { kind: "subject", keyName: subjectKeyName(named), key: key.plaintext } as const;
      messages.set(subject, await app.cipher.encrypt(wrapping, Buffer.from(subject), contextOf(subject)));
    }
    const { keyId, wrapped } = key;
    const put = subjectKeyItem({ ...named, keyId, wrapped, createdAt: now, wrappedAt: now });
    return { put, when: "absent" };
  };
  for (let first = 0; first < subjects; first += 100) {
    const indexes = Array.from({ length: 100 }, (_, index) => first + index);
    await app.subjectKeys.transact(await Promise.all(indexes.map((index) => newKey(`s-${index}`, index))));
  }
  return { digests, messages };
}

/** Every key is what it was, under another wrapping key than `oldKeyId`. */
async function expectMoved(app: KeepingApp, digests: Protected["digests"], oldKeyId: string): Promise<void> {
  const stored = await storedKeys(app);
  expect(stored).toHaveLength(subjects);
  expect(stored.filter(({ keyId }) => keyId === oldKeyId)).toEqual([]);
  let same = 0;
  for (const key of stored) {
    const opened = await app.wrappingKeys.unwrap(fleet, key, subjectKeyContext(key));
    if (hash("sha256", opened) === digests.get(key.subject)) same += 1;
  }
  expect(same).toBe(subjects);
}

/** As the API reads them. */
async function expectMessages(app: KeepingApp, messages: Protected["messages"]): Promise<void> {
  const caller = { fleet, actor, purposes: ["*"], fleetState: await getFleet(app, fleet) };
  expect(messages.size).toBe(Math.ceil(subjects / everyMessage));
  for (const [subject, message] of messages) {
    const { plaintext } = await decryptData(app, {
      caller,
      context: { purpose: "observations", subject },
      message,
    });
    expect(plaintext.toString()).toBe(subject);
  }
}

/** Whatever was under way: a key is under the old wrapping key or under the new one, and opens. */
async function expectReadable(app: KeepingApp, part: string): Promise<void> {
  const { items } = await app.subjectKeys.query({ pk: subjectKeyPartition(fleet, part), limit: 1_000 });
  expect(items.length).toBeGreaterThan(100);
  for (const item of items) {
    const { value } = subjectKeyRecord(item);
    expect(await app.wrappingKeys.unwrap(fleet, value, subjectKeyContext(value))).toHaveLength(32);
  }
}

/** Kills the task when it has come so far. */
async function killAt(app: KeepingApp, child: ChildProcess, jobId: string, progress: number) {
  const gone = once(child, "exit");
  for (;;) {
    const { moved, unchanged, verified } = await getReencryption(app, { fleet, jobId });
    if (moved + unchanged + verified >= progress) break;
    if (child.exitCode !== null) expect.fail(`the task ended with ${child.exitCode} before it was killed`);
    await app.clock.sleep(5);
  }
  child.kill("SIGKILL");
  expect((await gone)[1]).toBe("SIGKILL");
}

it(`${subjects} keys, killed ${kills} times: all open, all are what they were, none is under the old key`, async () => {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-test-"));
  const ports = await openPorts(directory);
  let child: ChildProcess | undefined;
  try {
    const { app } = await openWorld({ ...ports, cipher: localCipher(ports) });
    const { digests, messages } = await putSubjects(app);
    const oldKeyId = await app.wrappingKeys.keyOf(fleet);
    await localDataKeys(ports.wrappingKeys).rotateNow(`${fleet}-protection`);
    const { reencryptionId: jobId } = await startReencryption(app, { fleet, actor });
    for (let kill = 1; kill <= kills; kill += 1) {
      child = startTask(directory);
      await killAt(app, child, jobId, Math.ceil((kill * 2 * subjects) / (kills + 1)));
      const { part } = (await findReencryption(app, { fleet, jobId })).value;
      await expectReadable(app, part);
    }
    child = startTask(directory);
    expect((await once(child, "exit"))[0]).toBe(0);
    expect(await getReencryption(app, { fleet, jobId })).toMatchObject({
      state: "done",
      moved: subjects,
      unchanged: 0,
      unreadable: 0,
      verified: subjects,
    });
    await expectMoved(app, digests, oldKeyId);
    await expectMessages(app, messages);
  } finally {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ports.close();
    await rm(directory, { recursive: true, force: true });
  }
}, 240_000);
