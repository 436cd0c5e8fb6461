import { createPublicKey, type KeyObject } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRecord, parseRecord } from "../../../adapters/local/keystore/key-record.ts";
import { openMasterKey } from "../../../adapters/local/keystore/master-key.ts";
import {
  openSoftwareKeyService,
  type SoftwareKeyService,
} from "../../../adapters/local/software-key-service.ts";
import { allAlgorithms } from "../../contracts/key-algorithms.ts";
import { runFixture } from "./child-process.ts";

let directory = "";
let keyFile = "";
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "fleetkey-keystore-"));
  directory = join(root, "keys");
  keyFile = join(root, "secret", "master.key");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const passphrase = "a passphrase for tests";
const openWithFile = (): Promise<SoftwareKeyService> =>
  openSoftwareKeyService({ directory, masterKey: { keyFile } });
const openWithPassphrase = (words = passphrase): Promise<SoftwareKeyService> =>
  openSoftwareKeyService({ directory, masterKey: { passphrase: words } });
const message = Buffer.from("message");
const pathOf = (alias: string): string => join(directory, `key.${alias}.json`);

/** Every file under the test's directory, as it lies on the disk. */
function rawFiles(): Buffer[] {
  const root = join(directory, "..");
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}

/** The private numbers or seed of a key; its PKCS #8 also ends with public octets, which files may hold. */
function secretsOf(privateKey: KeyObject): Buffer[] {
  const { d, p, q, priv } = privateKey.export({ format: "jwk" }) as Readonly<
    Record<string, string | undefined>
  >;
  return [d, p, q, priv].flatMap((value) => (value === undefined ? [] : [Buffer.from(value, "base64url")]));
}

/** What a file would hold if it held the first 32 octets of `secret`: raw, hexadecimal, base64 however aligned. */
function writtenForms(secret: Buffer): (Buffer | string)[] {
  const octets = secret.subarray(0, 32);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), octets])
      .toString("base64")
      .slice(4, 40),
  );
  return [octets, octets.toString("hex"), ...base64];
}

describe("at rest", () => {
  it.each(allAlgorithms)("%s: no file holds the private key in the clear", async (algorithm) => {
    const keys = await openWithFile();
    const { publicKey } = await keys.createKey("root", algorithm);
    const masterKey = await openMasterKey(directory, { keyFile });
    const record = parseRecord(readFileSync(pathOf("root")), "root");
    const privateKey = openRecord(masterKey, record, "root");
    // The key found is the right one, so that its absence from the files means something.
    const derived = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    expect(derived.equals(Buffer.from(publicKey))).toBe(true);
    const files = rawFiles();
    expect(files.length).toBeGreaterThanOrEqual(3);
    const forms = secretsOf(privateKey).flatMap(writtenForms);
    expect(forms.length).toBeGreaterThanOrEqual(5);
    for (const file of files) expect(forms.filter((form) => file.includes(form))).toEqual([]);
  });

  it("files are 0600 and directories 0700, whatever the process's mask", async () => {
    const keys = await openWithFile();
    await keys.createKey("root", "P-256");
    const files = [pathOf("root"), join(directory, "keystore.json"), keyFile];
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(keyFile).size).toBe(32);
  });

  it("two seals of one store never share a nonce", async () => {
    const keys = await openWithFile();
    for (let at = 0; at < 50; at += 1) await keys.createKey(`k${at}`, "Ed25519");
    const nonces = readdirSync(directory)
      .filter((name) => name.startsWith("key."))
      .map((name) =>
        Buffer.from(parseRecord(readFileSync(join(directory, name)), name).sealed.subarray(0, 12)),
      );
    expect(new Set(nonces.map((nonce) => nonce.toString("hex"))).size).toBe(50);
  });
});

describe.each(["key file", "passphrase"] as const)("a store under a %s", (kind) => {
  it("opens again with the same keys", async () => {
    const openStore = kind === "key file" ? openWithFile : openWithPassphrase;
    const created = await (await openStore()).createKey("fleet/default/root", "P-384");
    const again = await openStore();
    expect(await again.describeKey(created.keyId)).toEqual(created);
    expect(await again.createKey("fleet/default/root", "P-384")).toEqual(created);
    expect((await again.sign(created.keyId, message)).length).toBeGreaterThan(90);
  });
});

describe("a locked store", () => {
  const locked = { name: "AppError", code: "key_store_locked" };

  it("a wrong passphrase", async () => {
    await openWithPassphrase();
    const attempt = openWithPassphrase("another passphrase");
    await expect(attempt).rejects.toMatchObject(locked);
    await expect(attempt).rejects.toThrow(/passphrase does not open the key store; give the one/);
  });

  it("one passphrase typed composed and decomposed is the same", async () => {
    await openWithPassphrase("Schlüsselbund für Geräte");
    await openWithPassphrase("Schlu\u0308sselbund fu\u0308r Gera\u0308te");
  });

  it("a key file of another store", async () => {
    await openWithFile();
    writeFileSync(keyFile, Buffer.alloc(32, 7));
    await expect(openWithFile()).rejects.toMatchObject(locked);
  });

  it("a missing key file is not made anew", async () => {
    await openWithFile();
    rmSync(keyFile);
    await expect(openWithFile()).rejects.toMatchObject(locked);
    expect(() => statSync(keyFile)).toThrow();
  });

  it("a key file of 31 octets", async () => {
    await openWithFile();
    writeFileSync(keyFile, Buffer.alloc(31, 7));
    await expect(openWithFile()).rejects.toThrow(/31 octets, limit 32/);
  });

  it("a passphrase for a store under a key file, and the other way", async () => {
    await openWithFile();
    await expect(openWithPassphrase()).rejects.toMatchObject(locked);
    rmSync(directory, { recursive: true });
    await openWithPassphrase();
    await expect(openWithFile()).rejects.toMatchObject(locked);
  });

  it("keys without their header", async () => {
    await (await openWithPassphrase()).createKey("root", "P-256");
    rmSync(join(directory, "keystore.json"));
    await expect(openWithPassphrase()).rejects.toThrow(/header keystore.json is missing/);
  });

  it.each(["", "{", "{}", '{"version":1,"check":"AAAA","scrypt":{"N":1e12,"r":8,"p":1,"salt":"AAAA"}}'])(
    "a header of %j",
    async (content) => {
      await openWithFile();
      writeFileSync(join(directory, "keystore.json"), content);
      await expect(openWithFile()).rejects.toMatchObject(locked);
    },
  );
});

describe("permissions and configuration", () => {
  const refused = { name: "AppError", code: "configuration_invalid" };

  it.each([0o640, 0o604, 0o660])("a key file of mode %o is refused with the remedy", async (mode) => {
    await openWithFile();
    chmodSync(keyFile, mode);
    await expect(openWithFile()).rejects.toMatchObject(refused);
    await expect(openWithFile()).rejects.toThrow(/limit 600: .*chmod 600/);
  });

  it("a directory that others may enter is refused", async () => {
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    await expect(openWithFile()).rejects.toThrow(/mode 755, limit 700/);
  });

  it("a file of a key that others may read is refused", async () => {
    const { keyId } = await (await openWithFile()).createKey("root", "P-256");
    chmodSync(pathOf("root"), 0o644);
    await expect((await openWithFile()).sign(keyId, message)).rejects.toMatchObject(refused);
  });

  it("a passphrase of 11 characters is refused, and not repeated", async () => {
    const attempt = openWithPassphrase("elevenchars");
    await expect(attempt).rejects.toMatchObject(refused);
    await expect(attempt).rejects.not.toThrow(/elevenchars/);
  });

  it("a store and a key of a newer release are refused", async () => {
    const { keyId } = await (await openWithFile()).createKey("root", "P-256");
    for (const path of [pathOf("root"), join(directory, "keystore.json")]) {
      const newer = readFileSync(path, "utf8").replace('"version": 1', '"version": 2');
      writeFileSync(path, newer);
      const use = async (): Promise<unknown> => (await openWithFile()).sign(keyId, message);
      await expect(use()).rejects.toMatchObject(refused);
      await expect(use()).rejects.toThrow(/version 2, this release knows 1/);
    }
  });
});

describe("a changed key file", () => {
  const locked = { name: "AppError", code: "key_store_locked" };

  it.each(["keyId", "alias", "algorithm", "publicKey", "sealed"])("another %s", async (field) => {
    const keys = await openWithFile();
    const root = await keys.createKey("root", "P-256");
    await keys.createKey("other", "P-384");
    const stored = JSON.parse(readFileSync(pathOf("root"), "utf8"));
    const other = JSON.parse(readFileSync(pathOf("other"), "utf8"));
    writeFileSync(pathOf("root"), JSON.stringify({ ...stored, [field]: other[field] }));
    const again = await openWithFile();
    await expect(again.createKey("root", "P-256")).rejects.toMatchObject(locked);
    await expect(again.sign(root.keyId, message)).rejects.toMatchObject(locked);
  });

  it("every octet of the sealed key counts", async () => {
    const keys = await openWithFile();
    await keys.createKey("root", "P-256");
    const masterKey = await openMasterKey(directory, { keyFile });
    const record = parseRecord(readFileSync(pathOf("root")), "root");
    for (let at = 0; at < record.sealed.length; at += 1) {
      const sealed = Buffer.from(record.sealed);
      sealed[at] = (sealed[at] ?? 0) ^ 1;
      expect(() => openRecord(masterKey, { ...record, sealed }, "root")).toThrow(/does not open; restore/);
    }
  });

  it.each(["", "{", "[]", "null", '{"version":1}', "a".repeat(100)])("a file of %j", async (content) => {
    await (await openWithFile()).createKey("root", "P-256");
    writeFileSync(pathOf("root"), content);
    await expect((await openWithFile()).createKey("root", "P-256")).rejects.toMatchObject(locked);
  });

  it("a whole file under another key's name", async () => {
    const keys = await openWithFile();
    const root = await keys.createKey("root", "P-256");
    await keys.createKey("other", "P-256");
    copyFileSync(pathOf("other"), pathOf("root"));
    await expect((await openWithFile()).sign(root.keyId, message)).rejects.toThrow(/holds another key/);
  });

  it("a key file of another store", async () => {
    await (await openWithFile()).createKey("root", "P-256");
    renameSync(pathOf("root"), join(directory, "..", "foreign"));
    rmSync(directory, { recursive: true });
    rmSync(keyFile);
    await openWithFile();
    renameSync(join(directory, "..", "foreign"), pathOf("root"));
    await expect((await openWithFile()).createKey("root", "P-256")).rejects.toMatchObject(locked);
  });

  it("a key removed and made anew is another key: the old id is unknown", async () => {
    const { keyId } = await (await openWithFile()).createKey("root", "P-256");
    rmSync(pathOf("root"));
    const keys = await openWithFile();
    const anew = await keys.createKey("root", "P-256");
    expect(anew.keyId).not.toBe(keyId);
    await expect(keys.sign(keyId, message)).rejects.toMatchObject({ code: "key_not_found" });
  });
});

describe("several processes", () => {
  it("four processes that start the store and make one key get one key", { timeout: 60_000 }, async () => {
    const makers = Array.from({ length: 4 }, () =>
      runFixture("key-maker.ts", directory, keyFile, "root", "RSA-3072"),
    );
    expect(await Promise.all(makers.map((maker) => maker.ended))).toEqual([0, 0, 0, 0]);
    const keyIds = new Set(makers.map((maker) => maker.lines().at(-1)));
    expect(keyIds.size).toBe(1);
    const keys = await openWithFile();
    expect((await keys.createKey("root", "RSA-3072")).keyId).toBe([...keyIds][0]);
  });

  it("killed 20 times while making keys: every key it told of opens, and no file is half a key", {
    timeout: 120_000,
  }, async () => {
    const told: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const maker = runFixture("key-maker.ts", directory, keyFile, `round${round}`, "P-256", "forever");
      // The first rounds may be killed while the store itself is made.
      if (round >= 5) await maker.printed("ready");
      while (round >= 5 && maker.lines().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * (round < 5 ? 300 : 60)));
      maker.process.kill("SIGKILL");
      await maker.ended;
      told.push(...maker.lines().filter((line) => line !== "ready"));
    }
    const keys = await openWithFile();
    expect(told.length).toBeGreaterThan(20);
    for (const keyId of told) expect((await keys.describeKey(keyId)).algorithm).toBe("P-256");
    for (const name of readdirSync(directory).filter((file) => file.startsWith("key."))) {
      const { keyId } = parseRecord(readFileSync(join(directory, name)), name);
      expect(await keys.sign(keyId, message)).toBeInstanceOf(Uint8Array);
    }
  });
});
