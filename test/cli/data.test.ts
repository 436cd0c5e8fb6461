/** Data at rest from the command line, against a server over HTTPS: a backend of its data directory, files and pipes. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { type RunOptions, runCli, runForOctets } from "./run-cli.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
  const { code, stderr } = await create("records", "--purpose", "observations");
  expect({ code, stderr }).toMatchObject({ code: 0 });
});
afterAll(() => server.stop());

const placeOf = (name: string): string => join(server.place, name);
const backendFile = (backend: string, file: string): string =>
  join(server.dataDir, "backends", backend, file);

/** As the README has it: beside the running server, which is where a variable says. */
const create = (name: string, ...more: string[]) =>
  runCli(["backend", "create", name, "--data-dir", server.dataDir, ...more], {
    env: { FLEETKEY_URL: server.url },
  });

/** With the backend's directory alone: no URL, no certificate, no roots. */
const asBackend = (argv: readonly string[], options?: RunOptions) =>
  runForOctets([...argv, "--data-dir", server.dataDir, "--backend", "records"], options);

const context = ["--purpose", "observations", "--subject", "s-7f3a91"];

async function encrypted(octets: Uint8Array, name: string, ...more: string[]): Promise<string> {
  writeFileSync(placeOf(name), octets);
  const out = placeOf(`${name}.msg`);
  const argv = ["encrypt", ...context, "--in", placeOf(name), "--out", out, ...more];
  const { code, stderr } = await asBackend(argv);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return out;
}

describe("backend create", () => {
  it("leaves the directory that backend certify would, for its owner alone", () => {
    const directory = join(server.dataDir, "backends", "records");
    expect(readdirSync(directory).sort()).toEqual([
      "chain.pem",
      "device.crt",
      "device.csr",
      "device.json",
      "device.key",
      "fullchain.pem",
      "root.pem",
    ]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "device.key")).mode & 0o777).toBe(0o600);
    const record = JSON.parse(readFileSync(join(directory, "device.json"), "utf8")) as object;
    expect(record).toMatchObject({ deviceId: "records", url: server.url, fleet: "default" });
  });

  it("again changes nothing, and other words change what the backend may do, at once", async () => {
    const before = readFileSync(backendFile("records", "fullchain.pem"), "utf8");
    const again = await create("records", "--purpose", "observations,images", "--json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ backendId: "records", notAfter: expect.any(String) });
    expect(readFileSync(backendFile("records", "fullchain.pem"), "utf8")).toBe(before);
    const images = ["--purpose", "images", "--subject", "s-1"];
    expect((await asBackend(["encrypt", ...images], { stdin: "x" })).code).toBe(0);
    expect((await create("records", "--purpose", "observations")).code).toBe(0);
    const refused = await asBackend(["encrypt", ...images], { stdin: "x" });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("[purpose_not_permitted]") });
    expect(refused.stderr).toContain("backend create");
  });

  it("renews as any backend does, and goes on working", async () => {
    const before = readFileSync(backendFile("records", "device.key"), "utf8");
    const directory = join(server.dataDir, "backends", "records");
    const { code, stderr } = await runCli(["backend", "renew", "--dir", directory]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(readFileSync(backendFile("records", "device.key"), "utf8")).not.toBe(before);
    expect((await asBackend(["encrypt", ...context], { stdin: "x" })).code).toBe(0);
  });

  it("after a revocation makes another key", async () => {
    expect((await create("revoked", "--purpose", "*")).code).toBe(0);
    const before = readFileSync(backendFile("revoked", "device.key"), "utf8");
    const { serialNumber } = JSON.parse(readFileSync(backendFile("revoked", "device.json"), "utf8")) as {
      serialNumber: string;
    };
    const revoked = await server.fleetkey(["cert", "revoke", serialNumber, "--reason", "keyCompromise"]);
    expect(revoked.code).toBe(0);
    expect((await create("revoked", "--purpose", "*")).code).toBe(0);
    expect(readFileSync(backendFile("revoked", "device.key"), "utf8")).not.toBe(before);
  });

  it.each([
    { name: "a name like a person's number", argv: ["078-05-1120", "--purpose", "x"], code: 2 },
    { name: "a name with a path in it", argv: ["../records", "--purpose", "x"], code: 2 },
    { name: "a purpose that is no word", argv: ["other", "--purpose", "Jane Doe"], code: 2 },
    { name: "a purpose of the service's own", argv: ["other", "--purpose", "fleetkey-fields"], code: 2 },
    {
      name: "an operation that backends have not",
      argv: ["other", "--purpose", "x", "--operation", "enroll"],
      code: 2,
    },
    { name: "a fleet that is not there", argv: ["other", "--purpose", "x", "--fleet", "none"], code: 5 },
  ])("refuses $name, and makes no directory", async ({ argv, code }) => {
    const [name = "", ...more] = argv;
    expect((await create(name, ...more)).code).toBe(code);
    expect(existsSync(join(server.dataDir, "backends", "other", "device.json"))).toBe(false);
  });

  it("of another fleet acts in that one alone", async () => {
    const data = ["--data-dir", server.dataDir];
    const clinic = ["fleet", "create", "clinic", "--trust-domain", "clinic.internal", ...data];
    expect((await runCli(clinic)).code).toBe(0);
    expect((await create("clinic-store", "--purpose", "*", "--fleet", "clinic")).code).toBe(0);
    // The server's own certificate is of its first fleet.
    const ca = ["--ca", join(server.dataDir, "bootstrap", "root.pem")];
    const asClinic = (argv: readonly string[], options: RunOptions = {}) =>
      runCli([...argv, ...context, ...data, "--backend", "clinic-store", ...ca], options);
    const message = placeOf("clinic.msg");
    expect((await asClinic(["encrypt", "--out", message], { stdin: "of the clinic" })).code).toBe(0);
    expect((await asClinic(["decrypt", "--in", message])).stdout).toBe("of the clinic");
    const foreign = await asBackend(["decrypt", ...context, "--in", message]);
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining("[data_unreadable]") });
    const elsewhere = await asClinic(["decrypt", "--in", message, "--fleet", "default"]);
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("[not_found]") });
  });

  it("takes no path for a data directory that is none, and makes none", async () => {
    const dataDir = placeOf("mistyped");
    const { code, stderr } = await runCli([
      "backend",
      "create",
      "b",
      "--purpose",
      "x",
      "--data-dir",
      dataDir,
    ]);
    expect({ code, stderr }).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("start the server once"),
    });
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe("encrypt and decrypt", () => {
  it.each([
    { name: "no octets", octets: Buffer.alloc(0) },
    { name: "text", octets: Buffer.from("systolic 120\n") },
    { name: "octets that are no text", octets: Buffer.from([0, 255, 254, 13, 10, 0, 128]) },
    { name: "100,000 octets", octets: randomBytes(100_000) },
  ])("$name come back through files and through pipes", async ({ name, octets }) => {
    const message = await encrypted(octets, name);
    const out = placeOf(`${name}.out`);
    expect((await asBackend(["decrypt", ...context, "--in", message, "--out", out])).code).toBe(0);
    expect(readFileSync(out).equals(octets)).toBe(true);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const piped = await asBackend(["encrypt", ...context, "--in", "-"], { stdin: octets });
    const back = await asBackend(["decrypt", ...context], { stdin: piped.octets });
    expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: "" });
    expect(back.octets.equals(octets)).toBe(true);
  });

  it("4,000,000 octets go through a pipe of the process itself, whole", async () => {
    const octets = randomBytes(4_000_000);
    const message = await encrypted(octets, "largest");
    const root = resolve(import.meta.dirname, "../..");
    const argv = ["cli/main.ts", "decrypt", ...context, "--data-dir", server.dataDir, "--backend", "records"];
    const { status, stdout } = spawnSync(process.execPath, argv, {
      cwd: root,
      input: readFileSync(message),
      maxBuffer: 8_000_000,
    });
    expect(status).toBe(0);
    expect(stdout.equals(octets)).toBe(true);
  });

  it.each(["file", "pipe"])("one octet more is refused on this machine, from a %s", async (from) => {
    const octets = Buffer.alloc(4_000_001);
    const file = placeOf("too-large");
    writeFileSync(file, octets);
    const out = placeOf("never.msg");
    const argv = ["encrypt", ...context, "--out", out, ...(from === "file" ? ["--in", file] : [])];
    const { code, stderr } = await asBackend(argv, from === "file" ? {} : { stdin: octets });
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining("[file_too_large]") });
    expect(stderr).toContain("fleetkey/protect");
    expect(existsSync(out)).toBe(false);
  });

  it("another context, or a changed message, is one error that tells no reason", async () => {
    const message = await encrypted(Buffer.from("x"), "bound", "--context", "record=r-1");
    const whole = readFileSync(message);
    const changed = placeOf("changed.msg");
    writeFileSync(changed, Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) ?? 0) ^ 1])]));
    const attempts = [
      ["--in", message, ...context],
      ["--in", message, ...context, "--context", "record=r-2"],
      ["--in", message, ...context, "--context", "record=r-1", "--context", "more=m"],
      ["--in", message, "--purpose", "observations", "--subject", "s-2", "--context", "record=r-1"],
      ["--in", changed, ...context, "--context", "record=r-1"],
    ];
    const out = placeOf("unread");
    const said = new Set<string>();
    for (const attempt of attempts) {
      const { code, stdout, stderr } = await asBackend(["decrypt", ...attempt, "--out", out]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      said.add(stderr);
    }
    expect([...said]).toEqual([expect.stringContaining("[data_unreadable]")]);
    expect(existsSync(out)).toBe(false);
    const right = ["decrypt", "--in", message, ...context, "--context", "record=r-1"];
    expect((await asBackend(right)).stdout).toBe("x");
  });

  it("--json answers where the octets are, and shares stdout with none", async () => {
    const out = placeOf("json.msg");
    const { stdout } = await asBackend(["encrypt", ...context, "--out", out, "--json"], { stdin: "abc" });
    expect(JSON.parse(stdout)).toEqual({
      out,
      octets: statSync(out).size,
      context: { fleet: "default", purpose: "observations", subject: "s-7f3a91" },
    });
    for (const command of ["encrypt", "decrypt"])
      expect(await asBackend([command, ...context, "--json"], { stdin: "abc" })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--json needs --out FILE"),
      });
  });

  it("a message is shown to no terminal", async () => {
    const { code, stdout } = await asBackend(["encrypt", ...context], { stdin: "abc", isTTY: true });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it.each([
    { name: "a social security number", argv: ["--purpose", "observations", "--subject", "078-05-1120"] },
    { name: "an address", argv: ["--purpose", "observations", "--subject", "jane.doe@example.test"] },
    { name: "a member like a number of a person", argv: [...context, "--context", "record=078-05-1120"] },
    {
      name: "a member that is named twice",
      argv: [...context, "--context", "record=1", "--context", "record=2"],
    },
    { name: "a member without a name", argv: [...context, "--context", "=1"] },
    { name: "a member that is no pair", argv: [...context, "--context", "record"] },
    { name: "a member that names the subject again", argv: [...context, "--context", "subject=s-2"] },
    { name: "another fleet", argv: [...context, "--context", "fleet=other"] },
  ])("$name is refused before anything is sent", async ({ argv }) => {
    // Nobody listens there.
    const { code, stderr } = await asBackend(["encrypt", ...argv, "--url", "https://127.0.0.1:1"], {
      stdin: "x",
    });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("[usage]") });
    for (const datum of ["078-05-1120", "jane.doe"]) expect(stderr).not.toContain(datum);
  });

  it("an operator's certificate is told how to name a backend, and a backend what it may not", async () => {
    const { code, stderr } = await server.fleetkey(["encrypt", ...context], { stdin: "x" });
    expect(code).toBe(1);
    expect(stderr).toContain("--backend NAME");
    expect((await create("writer", "--purpose", "*", "--operation", "encryptData")).code).toBe(0);
    const message = await encrypted(Buffer.from("x"), "of-writer");
    const asWriter = ["--data-dir", server.dataDir, "--backend", "writer"];
    const refused = await runCli(["decrypt", ...context, "--in", message, ...asWriter]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("[access_denied]") });
    expect(refused.stderr).toContain("--operation NAME");
  });

  it("--backend names a directory too, goes with no other credential, and with no file says who makes one", async () => {
    const directory = join(server.dataDir, "backends", "records");
    const message = await encrypted(Buffer.from("x"), "by-directory");
    const there = ["decrypt", ...context, "--in", message, "--backend", directory];
    expect((await runCli(there)).stdout).toBe("x");
    expect((await runCli([...there, "--cert", "a.pem"])).code).toBe(2);
    const none = await runCli(["encrypt", ...context, "--data-dir", server.dataDir, "--backend", "nobody"]);
    expect(none).toMatchObject({ code: 5, stderr: expect.stringContaining("fleetkey backend create") });
  });

  it("--reason, --reading and the approval's flags are for --break-glass", async () => {
    for (const flag of [
      ["--reason", "x"],
      ["--reading", "0".repeat(32)],
      ["--approval", "0".repeat(32)],
      ["--no-wait"],
    ])
      expect((await asBackend(["decrypt", ...context, ...flag], { stdin: "x" })).code).toBe(2);
  });
});

describe("data-key create", () => {
  it("--wrapped-only gives the key in the clear to nobody", async () => {
    const { code, stdout } = await asBackend(["data-key", "create", ...context, "--wrapped-only"]);
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(stdout) as object).sort()).toEqual([
      "encryptedDataKey",
      "providerId",
      "providerInfo",
    ]);
    const json = await asBackend(["data-key", "create", ...context, "--wrapped-only", "--json"]);
    expect(Object.keys(JSON.parse(json.stdout) as object).sort()).toEqual(["context", "wrapped"]);
  });

  it("--key-out has the 32 octets, for their owner alone, and writes over nothing", async () => {
    const keyOut = placeOf("data.key");
    const argv = ["data-key", "create", ...context, "--key-out", keyOut, "--json"];
    const { code, stdout, stderr } = await asBackend(argv);
    expect(code).toBe(0);
    const key = readFileSync(keyOut);
    expect(key).toHaveLength(32);
    expect(statSync(keyOut).mode & 0o777).toBe(0o600);
    for (const form of ["base64", "hex"] as const) expect(stdout + stderr).not.toContain(key.toString(form));
    expect(await asBackend(argv)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[file_exists]"),
    });
    expect(readFileSync(keyOut).equals(key)).toBe(true);
  });

  it("asks which of the two is wanted", async () => {
    expect((await asBackend(["data-key", "create", ...context])).code).toBe(2);
    const both = ["data-key", "create", ...context, "--wrapped-only", "--key-out", placeOf("both.key")];
    expect((await asBackend(both)).code).toBe(2);
  });
});
