import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFakeAuthority } from "./fake-authority.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import type { RunResult } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
/** The root that this "machine" trusts vouches for the host; the fleet's is another one. */
let fleetRoot: string;
beforeEach(async () => {
  service = await startFakeService();
  fleetRoot = service.authority.root;
});
afterEach(() => service.close());

const fingerprint = (pem: string): string =>
  createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");

/** A process of its own: OpenSSL reads the machine's store once. */
async function runOnMachine(roots: string, argv: readonly string[], env = {}): Promise<RunResult> {
  const file = join(temporaryDirectory(), "store.pem");
  writeFileSync(file, roots);
  const child = spawn(process.execPath, ["cli/main.ts", ...argv], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { PATH: process.env["PATH"], SSL_CERT_FILE: file, SSL_CERT_DIR: "/nowhere", ...env },
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (text.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (text.stderr += String(chunk)));
  const code = await new Promise<number>((done) => child.on("close", (status) => done(status ?? -1)));
  return { code, ...text };
}

const system = ["--ca", "system"];
const pull = (roots: string, ...more: string[]) =>
  runOnMachine(roots, ["trust", "pull", "--url", service.url, ...system, ...more]);
const enrol = (...more: string[]) => {
  const out = join(temporaryDirectory(), "device");
  const argv = ["device", "enroll", "--device", "sensor-1", "--token", service.addToken("sensor-1")];
  const flags = ["--out", out, "--url", service.url, ...system, ...more];
  return runOnMachine(fleetRoot, [...argv, ...flags]).then((result) => ({ ...result, out }));
};

describe("--ca system", () => {
  it("connects to a host that a root of the machine signed, and takes the root of that fingerprint", async () => {
    const { code, stdout } = await pull(fleetRoot, "--fingerprint", fingerprint(fleetRoot));
    expect({ code, stdout }).toEqual({ code: 0, stdout: fleetRoot });
  });

  it("does not connect to a host that no root of the machine signed, whatever the fingerprint", async () => {
    const { code, stderr } = await pull(makeFakeAuthority().root, "--fingerprint", fingerprint(fleetRoot));
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("server_untrusted") });
    expect(service.requests).toEqual([]);
  });

  it("takes no root on the word of a host that a public authority vouches for", async () => {
    expect(await pull(fleetRoot)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("fingerprint_required"),
    });
    expect(await enrol()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("fingerprint_required"),
    });
    expect(service.requests).toEqual([]);
  });

  it("takes from a bundle the root of the fingerprint and none that came with it", async () => {
    const body = makeFakeAuthority().root + fleetRoot;
    service.intercept = ({ path }) => (path.endsWith("/trust.pem") ? { status: 200, body } : undefined);
    const { stdout } = await pull(fleetRoot, "--fingerprint", fingerprint(fleetRoot));
    expect(stdout).toBe(fleetRoot);
  });

  it("shows no token to a host whose bundle lacks the root", async () => {
    const { code, stderr, out } = await enrol("--fingerprint", fingerprint(makeFakeAuthority().root));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("trust_mismatch") });
    expect(service.requests.map(({ path }) => path)).toEqual(["/v1/fleets/default/trust.pem"]);
    expect(existsSync(join(out, "device.crt"))).toBe(false);
  });

  it("is recorded: a renewal uses the machine's roots, and holds the chain against the device's own", async () => {
    const { code, out } = await enrol("--fingerprint", fingerprint(fleetRoot));
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(join(out, "device.json"), "utf8"))).toMatchObject({ ca: "system" });
    expect(readFileSync(join(out, "root.pem"), "utf8")).toBe(fleetRoot);

    const renew = (roots: string) => runOnMachine(roots, ["device", "renew", "--dir", out]);
    expect(await renew(makeFakeAuthority().root)).toMatchObject({ code: 4 });
    const before = readFileSync(join(out, "device.crt"), "utf8");
    expect(await renew(fleetRoot)).toMatchObject({ code: 0 });
    expect(readFileSync(join(out, "device.crt"), "utf8")).not.toBe(before);
    expect(JSON.parse(readFileSync(join(out, "device.json"), "utf8"))).toMatchObject({ ca: "system" });

    writeFileSync(join(out, "root.pem"), makeFakeAuthority().root);
    expect(await renew(fleetRoot)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("trust_mismatch"),
    });
  });

  it("a file called system is ./system", async () => {
    const { code, stderr } = await runOnMachine(fleetRoot, [
      ...["cert", "list", "--url", service.url, "--ca", "./system"],
      ...["--cert", service.files.cert, "--key", service.files.key],
    ]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("./system") });
  });

  it("doctor counts the machine's roots and leaves the fleet's fingerprint to be compared by a person", async () => {
    const argv = ["doctor", "--json", "--url", service.url, ...system];
    const credential = ["--cert", service.files.cert, "--key", service.files.key];
    const { checks } = JSON.parse((await runOnMachine(fleetRoot, [...argv, ...credential])).stdout);
    expect(checks).toContainEqual({ name: "root", status: "ok", detail: "1 roots of this machine" });
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: "trust",
        status: "warn",
        detail: expect.stringContaining(fingerprint(fleetRoot)),
      }),
    );
  });
});
