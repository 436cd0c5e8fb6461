/** Room: test. The agent that keeps a device fresh, against the local server. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentOf, lookOnce, stateIn } from "./agent-look.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");
const serialIn = (directory: string): string =>
  new X509Certificate(contentOf(directory, "device.crt")).serialNumber.toLowerCase();
/** As if the service had said so: a window that was moved. */
const due = (directory: string): void =>
  writeFileSync(
    join(directory, "agent.json"),
    JSON.stringify({
      ...stateIn(directory),
      serialNumber: serialIn(directory),
      renewFrom: Date.now() - 1,
      askAt: Date.now() + 3_600_000,
    }),
  );

const answerOf = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;

/** A program that writes down what it is told, and ends as the file `exit` beside it says. */
function hookIn(place: string): string {
  const hook = join(place, "hook");
  const lines = [
    "#!/bin/sh",
    `echo "$FLEETKEY_EVENT $FLEETKEY_DIR $FLEETKEY_TOKEN" >> ${place}/told`,
    `exit $(cat ${place}/exit)`,
  ];
  writeFileSync(hook, `${lines.join("\n")}\n`);
  writeFileSync(join(place, "exit"), "0");
  chmodSync(hook, 0o700);
  return hook;
}

describe("against the local server", () => {
  let server: LocalServer;
  beforeAll(async () => {
    server = await startLocalServer();
  }, 60_000);
  afterAll(() => server.stop());

  let devices = 0;
  async function enrolled(): Promise<{ readonly directory: string; readonly deviceId: string }> {
    devices += 1;
    const deviceId = `pump-${devices}`;
    const directory = join(temporaryDirectory(), "device");
    const token = (await server.fleetkey(["token", "create", "--device", deviceId])).stdout.trim();
    const argv = ["device", "enroll", "--device", deviceId, "--out", directory, `--token=${token}`];
    expect((await server.fleetkey(argv)).code).toBe(0);
    return { directory, deviceId };
  }

  it("needs the directory alone: adopts the newest trust, says so, and changes nothing the next time", async () => {
    const { directory, deviceId } = await enrolled();
    const serial = serialIn(directory);
    const first = await lookOnce(directory);
    expect(first).toMatchObject({ code: 0 });
    expect(answerOf(first)).toMatchObject({ deviceId, serialNumber: serial, events: ["trust-updated"] });
    expect(contentOf(directory, "trust.jws").split(".")).toHaveLength(3);
    expect(contentOf(directory, "root.pem")).toContain("BEGIN CERTIFICATE");
    expect(stateIn(directory)).toMatchObject({ acknowledged: answerOf(first)["trustVersion"] });
    const second = await lookOnce(directory);
    expect({ code: second.code, events: answerOf(second)["events"] }).toEqual({ code: 0, events: [] });
    expect(serialIn(directory)).toBe(serial);
  });

  it("knows the service's time to renew, which is the enrolment's", async () => {
    const { directory } = await enrolled();
    const { renewFrom } = answerOf(await lookOnce(directory));
    expect(Date.parse(String(renewFrom))).toBe(
      Date.parse(JSON.parse(contentOf(directory, "device.json")).renewAfter),
    );
  });

  it("renews when its time has come, tells the hook where and what, and nothing of our secrets", async () => {
    const { directory, deviceId } = await enrolled();
    const place = temporaryDirectory();
    const hook = hookIn(place);
    await lookOnce(directory);
    const before = [serialIn(directory), contentOf(directory, "device.key")];
    due(directory);
    const env = { FLEETKEY_TOKEN: "a-secret", PATH: process.env["PATH"] ?? "" };
    const result = await lookOnce(directory, { env }, "--hook", hook);
    expect({ code: result.code, stderr: result.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`${deviceId} renewed`),
    });
    expect(answerOf(result)).toMatchObject({ events: ["renewed"], serialNumber: serialIn(directory) });
    expect([serialIn(directory), contentOf(directory, "device.key")]).not.toEqual(before);
    expect(readFileSync(join(place, "told"), "utf8")).toBe(`renewed ${directory} \n`);
  });

  it("a hook that fails is told again; the files are in place", async () => {
    const { directory } = await enrolled();
    const place = temporaryDirectory();
    const hook = hookIn(place);
    writeFileSync(join(place, "exit"), "3");
    const failed = await lookOnce(directory, {}, "--hook", hook);
    expect(failed).toMatchObject({ code: 9, stderr: expect.stringContaining("ended with 3 [hook_failed]") });
    expect(existsSync(join(directory, "trust.jws"))).toBe(true);
    writeFileSync(join(place, "exit"), "0");
    expect((await lookOnce(directory, {}, "--hook", hook)).code).toBe(0);
    expect((await lookOnce(directory, {}, "--hook", hook)).code).toBe(0);
    const told = readFileSync(join(place, "told"), "utf8").trim().split("\n");
    expect(told.map((line) => line.split(" ")[0])).toEqual(["trust-updated", "trust-updated"]);
    expect(await lookOnce(directory, {}, "--hook", join(place, "none"))).toMatchObject({ code: 0 });
    due(directory);
    expect(await lookOnce(directory, {}, "--hook", join(place, "none"))).toMatchObject({
      code: 9,
      stderr: expect.stringContaining("cannot be run (ENOENT)"),
    });
  });

  it("a revoked certificate asks at once, and is refused with a device's remedy", async () => {
    const { directory } = await enrolled();
    expect(
      (await server.fleetkey(["cert", "revoke", serialIn(directory), "--reason", "keyCompromise"])).code,
    ).toBe(0);
    const { code, stderr } = await lookOnce(directory);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\[client_certificate_revoked\]\n.+on purpose/);
  });

  it("a state that was cut off or made up is forgotten, and asked for again", async () => {
    const { directory } = await enrolled();
    for (const text of ["", "{", "[]", '{"askAt":"soon","renewFrom":[1],"acknowledged":null,"x":1}']) {
      writeFileSync(join(directory, "agent.json"), text);
      expect((await lookOnce(directory)).code).toBe(0);
      expect(stateIn(directory)).toMatchObject({
        serialNumber: serialIn(directory),
        askAt: expect.any(Number),
      });
    }
  });

  it("a manifest that was changed on disk is not believed: 5, and the certificate renews all the same", async () => {
    const { directory } = await enrolled();
    await lookOnce(directory);
    const serial = serialIn(directory);
    writeFileSync(join(directory, "trust.jws"), `${contentOf(directory, "trust.jws").slice(0, -8)}AAAAAAAA`);
    due(directory);
    expect(await lookOnce(directory)).toMatchObject({ code: 5, stderr: expect.stringContaining("trust_") });
    expect(serialIn(directory)).not.toBe(serial);
  });

  it("goes on until it is told to end, and ends with 0", async () => {
    const { directory } = await enrolled();
    const argv = ["cli/main.ts", "device", "agent", "--dir", directory, "--interval", "1"];
    const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((done) => child.on("exit", done));
    const until = (text: string) =>
      new Promise<void>((done) => {
        let seen = "";
        child.stderr.on("data", (chunk: Buffer) => {
          seen += chunk.toString();
          if (seen.includes(text)) done();
        });
      });
    await until("relies on trust version");
    const renewed = until("renewed: serial");
    // Between two looks it holds nothing: the state is the next look's to read.
    due(directory);
    await renewed;
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(existsSync(join(directory, ".lock"))).toBe(false);
  }, 60_000);
});
