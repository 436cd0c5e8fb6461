import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ensurePrivateDirectory,
  publishPrivateFile,
  removeLeftovers,
} from "../../../adapters/local/keystore/private-files.ts";
import { openSoftwareKeyService } from "../../../adapters/local/software-key-service.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleetkey-private-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const leftover = (directory: string, at = 0): string =>
  join(directory, `.${at.toString(16).padStart(24, "0")}.tmp`);

function age(path: string, minutes: number): void {
  const at = Date.now() / 1000 - minutes * 60;
  utimesSync(path, at, at);
}

describe("what a kill left of a publication", () => {
  it("is removed at once when the file was published: it is the same octets under a second name", async () => {
    const path = join(root, "master.key");
    writeFileSync(path, Buffer.alloc(32, 7), { mode: 0o600 });
    linkSync(path, leftover(root));
    await ensurePrivateDirectory(root);
    expect(readdirSync(root)).toEqual(["master.key"]);
    expect(readFileSync(path)).toEqual(Buffer.alloc(32, 7));
  });

  it("is removed after 10 minutes when it was not, and not before", async () => {
    for (const [at, minutes] of [0, 9, 11, 60_000].entries()) {
      writeFileSync(leftover(root, at), "");
      age(leftover(root, at), minutes);
    }
    await ensurePrivateDirectory(root);
    expect(readdirSync(root).map((name) => join(root, name))).toEqual([leftover(root, 0), leftover(root, 1)]);
  });

  it("is only what has such a name and is a file", async () => {
    const kept = ["master.key", ".0123.tmp", `.${"0".repeat(24)}.tmp.bak`, `.${"G".repeat(24)}.tmp`];
    for (const name of kept) {
      writeFileSync(join(root, name), "");
      age(join(root, name), 60);
    }
    await removeLeftovers(root);
    expect(readdirSync(root).sort()).toEqual([...kept].sort());
  });

  it("is looked for in vain where there is no directory, or none to read", async () => {
    await removeLeftovers(join(root, "absent"));
    writeFileSync(join(root, "file"), "");
    await removeLeftovers(join(root, "file"));
  });

  it("goes when the key store is opened, beside the keys and beside the master key", async () => {
    const directory = join(root, "keys");
    const keyFile = join(root, "secret", "master.key");
    const open = () => openSoftwareKeyService({ directory, masterKey: { keyFile } });
    const { keyId } = await (await open()).createKey("root", "P-256");
    linkSync(keyFile, leftover(join(root, "secret")));
    writeFileSync(leftover(directory), "half a record");
    age(leftover(directory), 11);
    expect((await (await open()).describeKey(keyId)).keyId).toBe(keyId);
    expect(readdirSync(join(root, "secret"))).toEqual(["master.key"]);
    expect(existsSync(leftover(directory))).toBe(false);
  });
});

describe("publishing", () => {
  it("leaves no temporary file, whether it wins, loses or fails", async () => {
    const path = join(root, "file");
    expect(await publishPrivateFile(path, Buffer.from("first"))).toBe(true);
    expect(await publishPrivateFile(path, Buffer.from("second"))).toBe(false);
    const tooLong = publishPrivateFile(join(root, "n".repeat(300)), Buffer.from("third"));
    await expect(tooLong).rejects.toMatchObject({ code: "key_service_unavailable" });
    expect(readdirSync(root)).toEqual(["file"]);
    expect(readFileSync(path, "utf8")).toBe("first");
  });

  it("is undisturbed by processes that open the directory meanwhile", async () => {
    let isDone = false;
    const openings = (async () => {
      while (!isDone) await ensurePrivateDirectory(root);
    })();
    const files = Array.from({ length: 200 }, (_, at) => join(root, `file${at}`));
    const published = await Promise.all(files.map((path) => publishPrivateFile(path, Buffer.from(path))));
    isDone = true;
    await openings;
    expect(published.every((won) => won)).toBe(true);
    expect(files.every((path) => readFileSync(path, "utf8") === path)).toBe(true);
    expect(readdirSync(root)).toHaveLength(200);
  });
});
