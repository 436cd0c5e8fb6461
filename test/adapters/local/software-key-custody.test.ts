/** Keys of the software key store that are on their way out: in several processes, and after a crash at each step. */
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDataKeys } from "../../../adapters/local/data-keys.ts";
import { softwareKeyCustody } from "../../../adapters/local/software-key-custody.ts";
import { openSoftwareKeyService } from "../../../adapters/local/software-key-service.ts";
import type { KeyCustody } from "../../../core/ports.ts";
import { dataKeysContract } from "../../contracts/data-keys.ts";
import { keyCustodyContract } from "../../contracts/key-custody.ts";
import { codeOf } from "../../support/errors.ts";
import { killFixtures, runFixture } from "./child-process.ts";

const dayMilliseconds = 86_400_000;
const message = Buffer.from("message");

function house() {
  const root = mkdtempSync(join(tmpdir(), "fleetkey-custody-"));
  const directory = join(root, "keys");
  let now = Date.now();
  const clock = { now: () => now };
  return {
    root,
    directory,
    openKeys: () => openSoftwareKeyService({ directory, masterKey: { keyFile: join(root, "master.key") } }),
    openCustody: (): KeyCustody => softwareKeyCustody({ directory, clock }),
    passDays: async (days: number) => {
      now += days * dayMilliseconds;
    },
    close: () => rmSync(root, { recursive: true }),
  };
}

keyCustodyContract(
  "files",
  async () => {
    const { openKeys, openCustody, passDays, close } = house();
    const keys = await openKeys();
    return {
      custody: openCustody(),
      passDays,
      makeKey: async () => (await keys.createKey(`contract/${randomUUID()}`, "P-256")).keyId,
      unknownKey: async () => "contract/none:0123456789abcdef",
      sign: (keyId) => keys.sign(keyId, message),
      close: async () => close(),
    };
  },
  { timePasses: true },
);

dataKeysContract("none, local", async () => ({
  dataKeys: localDataKeys(),
  names: [],
  close: async () => undefined,
}));

let world = house();
beforeEach(() => {
  world = house();
});
afterEach(async () => {
  await killFixtures();
  world.close();
});

const keyPath = () => join(world.directory, "key.fleet.root.json");
const deletionFile = (keyId: string) =>
  join(world.directory, `deletion.fleet.root.${keyId.slice(keyId.indexOf(":") + 1)}.json`);

async function keyAndCustody() {
  const keys = await world.openKeys();
  const { keyId } = await keys.createKey("fleet/root", "P-256");
  return { keys, keyId, custody: world.openCustody() };
}

describe("several processes", () => {
  it("a process that has the key in memory signs nothing from the moment another one schedules its deletion", async () => {
    const { keyId, custody } = await keyAndCustody();
    const signer = runFixture("key-signer.ts", world.directory, join(world.root, "master.key"), keyId);
    await signer.printed("signed");
    await custody.scheduleDeletion(keyId, 7);
    // Whatever it printed before is over: what it begins now is refused.
    await signer.printed("key_disabled");
    const since = signer.lines().slice(signer.lines().indexOf("key_disabled"));
    expect(new Set(since)).toEqual(new Set(["key_disabled"]));
    await custody.cancelDeletion(keyId);
    await signer.printed("signed again");
  });

  it("a second service in memory: disabled, then gone, without ever asking custody", async () => {
    const { keys, keyId, custody } = await keyAndCustody();
    await keys.sign(keyId, message);
    await custody.scheduleDeletion(keyId, 7);
    expect(await codeOf(keys.sign(keyId, message))).toBe("key_disabled");
    expect((await keys.describeKey(keyId)).keyId).toBe(keyId);
    await world.passDays(7);
    // Until somebody looks it is only due, and stays refused.
    expect(await codeOf(keys.sign(keyId, message))).toBe("key_disabled");
    expect(await codeOf(world.openCustody().stateOf(keyId))).toBe("key_not_found");
    expect(existsSync(keyPath())).toBe(false);
    expect(await codeOf(keys.sign(keyId, message))).toBe("key_not_found");
    expect(await codeOf(keys.describeKey(keyId))).toBe("key_not_found");
  });

  it("ten custodies at once that find a key due and one that makes its successor: the successor stays", async () => {
    const { keyId, custody } = await keyAndCustody();
    await custody.scheduleDeletion(keyId, 7);
    await world.passDays(7);
    const looks = Array.from({ length: 10 }, () => codeOf(world.openCustody().stateOf(keyId)));
    expect(new Set(await Promise.all(looks))).toEqual(new Set(["key_not_found"]));
    const keys = await world.openKeys();
    const successor = await keys.createKey("fleet/root", "P-256");
    expect(successor.keyId).not.toBe(keyId);
    expect(await codeOf(world.openCustody().stateOf(keyId))).toBe("key_not_found");
    expect((await custody.stateOf(successor.keyId)).condition).toBe("enabled");
    await keys.sign(successor.keyId, message);
    expect(await codeOf(keys.sign(keyId, message))).toBe("key_not_found");
  });
});

describe("a crash", () => {
  it.each([
    { step: "before the key is overwritten", spoil: () => undefined },
    {
      step: "while it is overwritten",
      spoil: (content: Buffer) => writeFileSync(keyPath(), content.fill(0, 0, 40)),
    },
    {
      step: "before the overwritten file is removed",
      spoil: (content: Buffer) => writeFileSync(keyPath(), content.fill(0)),
    },
    { step: "after it is removed", spoil: () => rmSync(keyPath()) },
  ])("$step: nothing signs, and the next look finishes it", async ({ spoil }) => {
    const { keys, keyId, custody } = await keyAndCustody();
    await custody.scheduleDeletion(keyId, 7);
    await world.passDays(7);
    spoil(readFileSync(keyPath()));
    expect(["key_disabled", "key_not_found"]).toContain(await codeOf(keys.sign(keyId, message)));
    expect(await codeOf(world.openCustody().stateOf(keyId))).toBe("key_not_found");
    expect(existsSync(keyPath())).toBe(false);
    const { keyId: anew } = await (await world.openKeys()).createKey("fleet/root", "P-256");
    expect(anew).not.toBe(keyId);
  });

  it("in the middle of a schedule leaves the key as it was: a file that has no name yet says nothing", async () => {
    const { keys, keyId, custody } = await keyAndCustody();
    writeFileSync(join(world.directory, `.${"0".repeat(24)}.tmp`), "half", { mode: 0o600 });
    expect((await custody.stateOf(keyId)).condition).toBe("enabled");
    await keys.sign(keyId, message);
  });
});

describe("files", () => {
  it("the file of a deletion is for its owner alone, and a destroyed key's octets are nowhere", async () => {
    const { keyId, custody } = await keyAndCustody();
    const sealed = String(JSON.parse(readFileSync(keyPath(), "utf8")).sealed);
    await custody.scheduleDeletion(keyId, 7);
    expect(statSync(deletionFile(keyId)).mode & 0o777).toBe(0o600);
    await world.passDays(7);
    await codeOf(custody.stateOf(keyId));
    const names = readdirSync(world.directory);
    expect(names.filter((name) => name.startsWith("key."))).toEqual([]);
    for (const name of names) expect(readFileSync(join(world.directory, name), "utf8")).not.toContain(sealed);
  });

  it.each([
    "",
    "{",
    "[]",
    '{"version":1}',
    '{"version":1,"keyId":"fleet/other:0123456789abcdef","deletionAt":1}',
  ])("a deletion that reads %j: the key signs nothing and is not destroyed", async (content) => {
    const { keys, keyId, custody } = await keyAndCustody();
    writeFileSync(deletionFile(keyId), content, { mode: 0o600 });
    expect(await codeOf(keys.sign(keyId, message))).toBe("key_disabled");
    expect(await codeOf(custody.stateOf(keyId))).toBe("key_service_unavailable");
    expect(existsSync(keyPath())).toBe(true);
    rmSync(deletionFile(keyId));
    expect((await custody.stateOf(keyId)).condition).toBe("enabled");
  });

  it("a deletion of a newer release is refused", async () => {
    const { keyId, custody } = await keyAndCustody();
    writeFileSync(deletionFile(keyId), '{"version":2}', { mode: 0o600 });
    expect(await codeOf(custody.stateOf(keyId))).toBe("configuration_invalid");
  });

  it("a damaged key file is not taken for one that was overwritten: a due deletion leaves it to a person", async () => {
    const { keyId, custody } = await keyAndCustody();
    await custody.scheduleDeletion(keyId, 7);
    await world.passDays(7);
    truncateSync(keyPath(), 40);
    expect(await codeOf(custody.stateOf(keyId))).toBe("key_store_locked");
    expect(existsSync(keyPath())).toBe(true);
  });
});
