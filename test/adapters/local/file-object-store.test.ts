/** Objects as files: modes, damage, kills, and several processes at once. */
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFileObjectStore } from "../../../adapters/local/file-object-store.ts";
import { objectPath } from "../../../adapters/local/objects/object-file.ts";
import type { ObjectStore } from "../../../core/ports.ts";
import { codeOf } from "../../support/errors.ts";
import { killFixtures, runFixture } from "./child-process.ts";

let root = "";
let directory = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleetkey-objects-"));
  directory = join(root, "objects");
});
afterEach(async () => {
  await killFixtures();
  rmSync(root, { recursive: true });
});

const open = (): Promise<ObjectStore> => openFileObjectStore({ directory });
const text = (content: string) => ({ body: Buffer.from(content), contentType: "text/plain" });
const fileOf = (key: string): string => join(directory, objectPath(key));
const temporaries = (): readonly string[] => readdirSync(directory).filter((name) => name.endsWith(".tmp"));

describe("files", () => {
  it("are their owner's alone, and so are directories; nothing else is left of a put", async () => {
    const store = await open();
    await store.put("fleets/a/trust.pem", text("x"));
    const mode = (path: string): number => statSync(path).mode & 0o777;
    for (const path of [directory, join(directory, "fleets"), join(directory, "fleets/a")])
      expect(mode(path)).toBe(0o700);
    for (const path of [fileOf("fleets/a/trust.pem"), join(directory, ".lock")])
      expect(mode(path)).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual([".lock", "fleets"]);
  });

  it("hold a line of JSON, then the octets as they are", async () => {
    await (await open()).put("a", text("octets\n"));
    const [line, ...rest] = readFileSync(fileOf("a"), "utf8").split("\n");
    expect(JSON.parse(line ?? "")).toMatchObject({
      version: 1,
      key: "a",
      contentType: "text/plain",
      octets: 7,
    });
    expect(rest.join("\n")).toBe("octets\n");
  });

  it("a tag changes with the media type too: a put by the older tag is refused", async () => {
    const store = await open();
    const { tag } = await store.put("a", text("x"));
    await store.put("a", { ...text("x"), contentType: "text/html" });
    expect(await codeOf(store.put("a", text("y"), { tag }))).toBe("store_condition_failed");
  });

  it("a store that is opened again, or twice, sees the same", async () => {
    const { tag } = await (await open()).put("a", text("x"));
    const [left, right] = [await open(), await open()];
    expect((await left.get("a"))?.tag).toBe(tag);
    await right.put("a", text("y"), { tag });
    expect(await codeOf(left.put("a", text("z"), { tag }))).toBe("store_condition_failed");
  });

  it.runIf(process.platform !== "win32")("a directory that others may enter is refused", async () => {
    await mkdir(directory);
    await chmod(directory, 0o755);
    expect(await codeOf(open())).toBe("configuration_invalid");
  });

  it("opened, it removes what a kill left of unfinished puts, and not what another process may be writing", async () => {
    await (await open()).put("a", text("x"));
    const [old, young, other] = [`.${"0".repeat(24)}.tmp`, `.${"1".repeat(24)}.tmp`, "notes.tmp"];
    for (const name of [old, young, other]) writeFileSync(join(directory, name), "");
    const anHourAgo = Date.now() / 1000 - 3_600;
    for (const name of [old, other]) utimesSync(join(directory, name), anHourAgo, anHourAgo);
    const store = await open();
    expect(temporaries()).toEqual([young, other]);
    expect(await store.get("a")).toBeDefined();
  });

  it("a refused put leaves nothing", async () => {
    const store = await open();
    await store.put("a", text("x"));
    await codeOf(store.put("a", text("y"), "absent"));
    expect(temporaries()).toEqual([]);
  });

  it("a disk that fails is store_unavailable, and the key is not named", async () => {
    writeFileSync(directory, "a file where the directory should be");
    expect(await codeOf(open())).toBe("store_unavailable");
    rmSync(directory);
    const store = await open();
    writeFileSync(join(directory, "fleets"), "");
    const put = store.put("fleets/secret", text("x"));
    await expect(put).rejects.toMatchObject({ code: "store_unavailable", retryAfter: 1 });
    await expect(put).rejects.not.toThrow("secret");
    expect(temporaries()).toEqual([]);
  });
});

describe("damage", () => {
  const damages: readonly { readonly name: string; readonly change: (content: Buffer) => Buffer }[] = [
    { name: "no octets at all", change: () => Buffer.alloc(0) },
    { name: "no line", change: (content) => content.subarray(0, 20) },
    { name: "a line of no JSON", change: (content) => Buffer.concat([Buffer.from("x"), content]) },
    { name: "a line of another JSON", change: () => Buffer.from("[]\n") },
    { name: "a line that says null", change: () => Buffer.from("null\n") },
    { name: "the last octet missing", change: (content) => content.subarray(0, -1) },
    { name: "an octet too many", change: (content) => Buffer.concat([content, Buffer.from("x")]) },
    {
      name: "an octet changed",
      change: (content) => Buffer.concat([content.subarray(0, -1), Buffer.from("~")]),
    },
  ];

  it.each(damages)(
    "$name: never read as an object; a put without a condition mends it",
    async ({ change }) => {
      const store = await open();
      await store.put("a", text("octets"));
      writeFileSync(fileOf("a"), change(readFileSync(fileOf("a"))));
      expect(await codeOf(store.get("a"))).toBe("store_unavailable");
      await store.put("a", text("mended"));
      expect(Buffer.from((await store.get("a"))?.body ?? []).toString()).toBe("mended");
    },
  );

  it("a whole file under another's name", async () => {
    const store = await open();
    await store.put("a", text("x"));
    copyFileSync(fileOf("a"), fileOf("b"));
    expect(await codeOf(store.get("b"))).toBe("store_unavailable");
  });

  it("a file of a newer release is not read, and not replaced by condition", async () => {
    const store = await open();
    const { tag } = await store.put("a", text("x"));
    const newer = readFileSync(fileOf("a"), "utf8").replace('"version":1', '"version":2');
    writeFileSync(fileOf("a"), newer);
    expect(await codeOf(store.get("a"))).toBe("configuration_invalid");
    expect(await codeOf(store.put("a", text("y"), { tag }))).toBe("configuration_invalid");
    expect(readFileSync(fileOf("a"), "utf8")).toBe(newer);
  });
});

describe("processes", () => {
  it("killed 10 times while replacing: what is there is whole, and not older than what was told", {
    timeout: 120_000,
  }, async () => {
    let told = 0;
    for (let kill = 0; kill < 10; kill += 1) {
      const first = told + 1;
      const writer = runFixture("object-writer.ts", directory, "replace", String(first));
      await writer.printed(String(first + kill));
      writer.process.kill("SIGKILL");
      expect(await writer.ended).toBeNull();
      told = Number(writer.lines().at(-1));
      const object = await (await open()).get("replaced");
      const number = Number(object?.contentType.replace("text/x-", ""));
      expect([told, told + 1]).toContain(number);
      expect(Buffer.from(object?.body ?? []).equals(Buffer.alloc(300_000, `${number};`))).toBe(true);
      told = number;
    }
    expect(temporaries().length).toBeLessThanOrEqual(10);
  });

  it("of four that claim one key, one wins, and its octets are there", async () => {
    const claims = Array.from({ length: 4 }, () => runFixture("object-writer.ts", directory, "claim"));
    expect(await Promise.all(claims.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    const winners = claims.map(({ lines }) => lines()[0]).filter((line) => line !== "lost");
    expect(winners).toHaveLength(1);
    const object = await (await open()).get("claimed");
    expect(Buffer.from(object?.body ?? []).toString()).toBe(winners[0]);
  });

  it("four that add 10 each by the tag lose none", { timeout: 120_000 }, async () => {
    const store = await open();
    await store.put("counter", text("0"));
    const counters = Array.from({ length: 4 }, () => runFixture("object-writer.ts", directory, "count"));
    expect(await Promise.all(counters.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    expect(Buffer.from((await store.get("counter"))?.body ?? []).toString()).toBe("40");
  });

  it("whoever is killed while it holds the lock holds nobody up; whoever lives does, and is told", {
    timeout: 60_000,
  }, async () => {
    const store = await open();
    const holder = runFixture("object-writer.ts", directory, "hold");
    await holder.printed("held");
    // Reading takes no lock.
    expect(await store.get("a")).toBeUndefined();
    await expect(store.put("a", text("x"))).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("another process"),
    });
    holder.process.kill("SIGKILL");
    await holder.ended;
    await store.put("a", text("x"));
    expect(temporaries()).toEqual([]);
  });
});
