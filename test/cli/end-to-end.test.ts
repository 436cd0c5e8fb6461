import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceKeyAlgorithmIds, makeDeviceKey } from "../../cli/device-key.ts";
import { opensslInstalled, opensslKnows, verifyChain } from "../support/openssl.ts";
import { runCli } from "./run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const place = mkdtempSync(join(tmpdir(), "fleetkey-e2e-"));
const dataDir = join(place, "data");

interface Served {
  readonly url: string;
  readonly rootFingerprint: string;
  readonly bootstrap: {
    readonly root: string;
    readonly operatorCertificate: string;
    readonly operatorKey: string;
  };
}

interface Server {
  readonly served: Served;
  readonly text: () => string;
  readonly child: ChildProcess;
}

async function startServer(port = 0): Promise<Server> {
  const argv = ["cli/main.ts", "serve", "--json", "--port", String(port), "--data-dir", dataDir];
  // Started by npm it prints `npx fleetkey`; here it is started by itself.
  const { npm_execpath: _npm, ...env } = process.env;
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const served = await new Promise<Served>((done, failed) => {
    const look = () => {
      if (stdout.endsWith("}\n") && stderr.includes("openssl verify")) done(JSON.parse(stdout) as Served);
    };
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      look();
    });
    child.stderr.on("data", look);
    child.on("exit", (code) => failed(new Error(`serve ended with ${code}: ${stderr}`)));
  });
  return { served, child, text: () => stderr };
}

async function stopServer({ child }: Server, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  const ended = new Promise<number | null>((done) => child.on("exit", done));
  child.kill(signal);
  return ended;
}

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await stopServer(server);
  rmSync(place, { recursive: true, force: true });
});

const fleetkey = (...argv: string[]) => runCli([...argv, "--data-dir", dataDir, "--url", server.served.url]);
const newToken = async (device: string) =>
  (await fleetkey("token", "create", "--device", device)).stdout.trim();
const directoryOf = (device: string) => join(place, "devices", device);

async function enrollDevice(device: string, ...more: string[]) {
  const token = await newToken(device);
  return fleetkey(
    "device",
    "enroll",
    "--device",
    device,
    "--out",
    directoryOf(device),
    `--token=${token}`,
    ...more,
  );
}

const certificateOf = (device: string) =>
  new X509Certificate(readFileSync(join(directoryOf(device), "device.crt")));
const serialOf = (device: string) => certificateOf(device).serialNumber.toLowerCase();

/** PEM texts in a device's directory: its certificate, what is between, the root. */
const chainIn = (directory: string): readonly string[] =>
  ["device.crt", "chain.pem", "root.pem"].map((file) => readFileSync(join(directory, file), "utf8"));

/** By node:crypto's judgement each certificate is signed and issued by the next, and the root by itself. */
function expectChain(directory: string): void {
  const chain = chainIn(directory).map((pem) => new X509Certificate(pem));
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate;
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
  }
}

async function expectOpensslToAccept(directory: string): Promise<void> {
  const [leaf = "", chain = "", anchor = ""] = chainIn(directory);
  const verdict = await verifyChain(leaf, chain, anchor);
  expect(verdict, verdict.output).toMatchObject({ accepted: true });
}

function paste(commands: readonly string[]): string {
  const pasted = `fleetkey() { "${process.execPath}" "${root}/cli/main.ts" "$@"; }\n${commands.join("\n")}`;
  return execFileSync("sh", ["-e", "-c", pasted], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe("serve", () => {
  describe("prints commands to paste", () => {
    let commands: readonly string[];
    beforeAll(() => {
      const lines = server.text().split("\n");
      commands = lines.filter((line) => line.startsWith("  ") && !line.startsWith("  #"));
      paste(commands.slice(0, 2));
    });

    it("that enrol a device", () => {
      expect(server.served.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      expect(commands).toHaveLength(3);
      expectChain(join(dataDir, "devices/sensor-0001"));
    });

    it.skipIf(!opensslInstalled)("of which the last has OpenSSL, where installed, accept it", () => {
      expect(paste(commands.slice(2))).toMatch(/device\.crt: OK\n$/);
    });
  });

  it("keeps the operator's key and its data to their owner", () => {
    expect(statSync(dataDir).mode & 0o077).toBe(0);
    expect(statSync(server.served.bootstrap.operatorKey).mode & 0o077).toBe(0);
  });

  it("says when its port is taken: exit 4 and a remedy", async () => {
    const { port } = new URL(server.served.url);
    const second = runCli(["serve", "--port", port, "--data-dir", join(place, "second")]);
    expect(await second).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/is taken \[cannot_listen\]\n.+--port/),
    });
  });
});

describe("a device", () => {
  it.each(deviceKeyAlgorithmIds)("with a key of %s enrols, verifies and renews", async (algorithm) => {
    const device = `e2e-${algorithm}`;
    expect(await enrollDevice(device, "--algorithm", algorithm)).toMatchObject({ code: 0 });
    const first = certificateOf(device);
    expect(
      first.checkPrivateKey(createPrivateKey(readFileSync(join(directoryOf(device), "device.key")))),
    ).toBe(true);
    expect(first.subjectAltName).toMatch(`/fleet/default/device/${device}`);
    expectChain(directoryOf(device));
    const { code, stderr } = await runCli(["device", "renew", "--dir", directoryOf(device)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("renewed") });
    expect(serialOf(device)).not.toBe(first.serialNumber.toLowerCase());
    expectChain(directoryOf(device));
  });

  for (const algorithm of deviceKeyAlgorithmIds) {
    it.skipIf(!opensslKnows(algorithm))(
      `with a key of ${algorithm} has files that OpenSSL, where installed and new enough, accepts`,
      async () => {
        const device = `e2e-openssl-${algorithm}`;
        await enrollDevice(device, "--algorithm", algorithm);
        await expectOpensslToAccept(directoryOf(device));
        await runCli(["device", "renew", "--dir", directoryOf(device)]);
        await expectOpensslToAccept(directoryOf(device));
      },
    );
  }

  it("that sends its token again gets the same certificate", async () => {
    const token = await newToken("e2e-again");
    const argv = [
      "device",
      "enroll",
      "--device",
      "e2e-again",
      "--out",
      directoryOf("e2e-again"),
      `--token=${token}`,
    ];
    await fleetkey(...argv);
    const first = serialOf("e2e-again");
    expect((await fleetkey(...argv)).code).toBe(0);
    expect(serialOf("e2e-again")).toBe(first);
  });

  it("with another key on a spent token is refused", async () => {
    const token = await newToken("e2e-spent");
    const argv = ["device", "enroll", "--device", "e2e-spent", `--token=${token}`];
    await fleetkey(...argv, "--out", join(place, "spent-1"));
    expect(await fleetkey(...argv, "--out", join(place, "spent-2"))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[credential_spent\]\n.+fleetkey token create/),
    });
  });

  it("with the token of another device is refused", async () => {
    const token = await newToken("e2e-owner");
    const result = await fleetkey(
      "device",
      "enroll",
      "--device",
      "e2e-thief",
      `--token=${token}`,
      "--out",
      directoryOf("e2e-thief"),
    );
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("[csr_subject_mismatch]") });
  });

  it("that is revoked is listed so, and its renewal is refused", async () => {
    await enrollDevice("e2e-revoked");
    const serial = serialOf("e2e-revoked");
    const withColons = serial.toUpperCase().replace(/..(?!$)/g, "$&:");
    expect((await fleetkey("cert", "revoke", withColons, "--reason", "keyCompromise")).code).toBe(0);
    expect(await runCli(["device", "renew", "--dir", directoryOf("e2e-revoked")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[client_certificate_revoked]"),
    });
    expect(serialOf("e2e-revoked")).toBe(serial);
    const shown = await fleetkey("cert", "show", serial, "--json");
    expect(JSON.parse(shown.stdout)).toMatchObject({
      status: "revoked",
      revocationReason: "keyCompromise",
      subjectId: "e2e-revoked",
    });
    const listed = await fleetkey("cert", "list", "--device", "e2e-revoked");
    expect(listed.stdout).toMatch(new RegExp(`${serial} +revoked +device +e2e-revoked`));
    expect((await fleetkey("cert", "show", serial, "--pem")).stdout).toBe(
      readFileSync(join(directoryOf("e2e-revoked"), "fullchain.pem"), "utf8"),
    );
  });

  it("may not act as an operator", async () => {
    await enrollDevice("e2e-climber");
    const own = (file: string) => join(directoryOf("e2e-climber"), file);
    const { code, stderr } = await fleetkey(
      "cert",
      "list",
      "--cert",
      own("fullchain.pem"),
      "--key",
      own("device.key"),
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/\[(access_denied|client_certificate_\w+)\]/),
    });
  });
});

describe("an operator", () => {
  it("pages through the inventory", async () => {
    const page = JSON.parse((await fleetkey("cert", "list", "--limit", "3", "--json")).stdout);
    expect(page.certificates).toHaveLength(3);
    const next = JSON.parse(
      (await fleetkey("cert", "list", "--limit", "3", "--cursor", page.cursor, "--json")).stdout,
    );
    const serials = [...page.certificates, ...next.certificates].map(
      ({ serialNumber }: { serialNumber: string }) => serialNumber,
    );
    expect(new Set(serials).size).toBe(6);
  });

  it("sees all well in the doctor's report, and what is wrong with a remedy", async () => {
    const well = await fleetkey("doctor", "--json");
    expect(
      JSON.parse(well.stdout).checks.filter(({ status }: { status: string }) => status === "fail"),
    ).toEqual([]);
    expect(well.code).toBe(0);
    const details = (JSON.parse(well.stdout).checks as { name: string; detail: string }[]).map(
      ({ name, detail }) => `${name}: ${detail}`,
    );
    expect(details).toContainEqual(
      expect.stringMatching(/^manifest: trust version \d+, newer before 20.+Z$/),
    );
    expect(details).toContainEqual(expect.stringMatching(/^list: list \d+ of CN=.+, good until 20.+Z$/));
    const late = await runCli(["doctor", "--data-dir", dataDir, "--url", server.served.url], {
      now: () => Date.now() + 120 * 86_400_000,
    });
    expect(late.code).toBe(1);
    expect(late.stdout).toMatch(/fail {2}service +this clock is \d+ s ahead/);
    expect(late.stdout).toMatch(/fail {2}manifest .+\[trust_expired\]/);
    expect(late.stdout).toMatch(/fail {2}operator +operator certificate expired/);
    const gone = await runCli(["doctor", "--data-dir", dataDir, "--url", "https://127.0.0.1:1"]);
    expect(gone.stdout).toMatch(/fail {2}service .+\[connection_refused\]\n +.+fleetkey serve/);
  });

  it("pulls the root that the server printed", async () => {
    const argv = [
      "trust",
      "pull",
      "--url",
      server.served.url,
      "--ca",
      "/nowhere/root.pem",
      "--fingerprint",
      server.served.rootFingerprint,
    ];
    const { code, stdout } = await runCli(argv);
    expect({ code, stdout: new X509Certificate(stdout).fingerprint256 }).toEqual({
      code: 0,
      stdout: new X509Certificate(readFileSync(server.served.bootstrap.root)).fingerprint256,
    });
  });
});

describe("a production line of 200", () => {
  it("goes on after the server was killed in the middle: one certificate a device", async () => {
    const rows = [];
    for (let index = 0; index < 200; index++) {
      const deviceId = `line-${index}`;
      rows.push(JSON.stringify({ deviceId, csr: (await makeDeviceKey(deviceId, "P-256")).csr }));
    }
    const manifest = join(place, "line.jsonl");
    writeFileSync(manifest, rows.join("\n"));
    const results = `${manifest}.results.jsonl`;
    const { port } = new URL(server.served.url);
    const running = fleetkey("device", "enroll", "--manifest", manifest, "--json", "--concurrency", "8");
    const lines = () => {
      try {
        return readFileSync(results, "utf8").split("\n").length - 1;
      } catch {
        return 0;
      }
    };
    while (lines() < 50) await new Promise((done) => setTimeout(done, 5));
    await stopServer(server, "SIGKILL");
    expect(lines()).toBeLessThan(200);
    server = await startServer(Number(port));
    const { code, stdout } = await running;
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      report: { devices: 200, issued: 200, failed: 0 },
    });
    const again = await fleetkey("device", "enroll", "--manifest", manifest, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ skipped: 200, issued: 0 });
    const listed = JSON.parse((await fleetkey("cert", "list", "--limit", "100000", "--json")).stdout);
    const perDevice = new Map<string, number>();
    for (const { subjectId } of listed.certificates as { subjectId: string }[]) {
      if (subjectId.startsWith("line-")) perDevice.set(subjectId, (perDevice.get(subjectId) ?? 0) + 1);
    }
    expect([...perDevice.values()].every((certificates) => certificates === 1)).toBe(true);
    expect(perDevice.size).toBe(200);
  });
});

describe("stopping", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "on %s answers what is in flight and ends with 0",
    async (signal) => {
      const { port } = new URL(server.served.url);
      const answered = new Promise<number | undefined>((done, failed) => {
        const ca = readFileSync(server.served.bootstrap.root);
        request(`${server.served.url}/healthz`, { ca, agent: false }, (response) => {
          response.resume().on("end", () => done(response.statusCode));
        })
          .on("error", failed)
          .end();
      });
      expect(await answered).toBe(200);
      expect(await stopServer(server, signal)).toBe(0);
      server = await startServer(Number(port));
    },
  );
});
