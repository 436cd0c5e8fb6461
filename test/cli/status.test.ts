/** The status of certificates from the command line, against a server over HTTPS. */
import { execFileSync } from "node:child_process";
import { createPublicKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { opensslInstalled } from "../support/openssl.ts";
import { makeFakeAuthority } from "./fake-authority.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { runCli } from "./run-cli.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await startLocalServer();
});
afterAll(() => server.stop());

const fleetkey = (...argv: string[]) => server.fleetkey(argv);
const placeOf = (...names: string[]): string => join(server.place, ...names);
/** Without any credential: the roots alone. */
const anybody = (...argv: string[]) =>
  runCli([...argv, "--url", server.url, "--ca", join(server.dataDir, "bootstrap", "root.pem")], {
    env: { FLEETKEY_DATA_DIR: "/nowhere" },
  });

/** A device's serial number; its certificate lies in the place of its name. */
async function enrolled(device: string): Promise<string> {
  const token = (await fleetkey("token", "create", "--device", device)).stdout.trim();
  const { code, stdout } = await fleetkey(
    ...["device", "enroll", "--device", device, `--token=${token}`, "--out", placeOf(device), "--json"],
  );
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { serialNumber: string }).serialNumber;
}

interface Got {
  readonly number: number;
  readonly onList: boolean;
  readonly reason?: string;
}

async function listOf(serial: string): Promise<Got> {
  const { code, stdout, stderr } = await fleetkey("crl", "get", "--serial", serial, "--pem", "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Got;
}

/** The list as it is once a newer one than `number` is published. */
async function nextList(serial: string, number: number): Promise<Got> {
  for (;;) {
    const got = await listOf(serial);
    if (got.number > number) return got;
    await new Promise((done) => setTimeout(done, 100));
  }
}

describe("ocsp query and crl get", () => {
  it("follow a certificate through hold, release and revocation", async () => {
    const serial = await enrolled("pump-1");
    const ask = (...more: string[]) => fleetkey("ocsp", "query", "--serial", serial, ...more);
    expect(await ask()).toMatchObject({
      ...{ code: 0, stdout: `${serial} good\n` },
      stderr: expect.stringMatching(/^as of .+, until .+; answered by CN=/),
    });
    const before = await listOf(serial);
    expect(before).toMatchObject({ onList: false });

    const held = await fleetkey("cert", "revoke", serial, "--reason", "certificateHold");
    expect(held).toMatchObject({ code: 0, stderr: expect.stringContaining(`cert release ${serial}`) });
    expect(held.stdout).toMatch(new RegExp(`^${serial} held .+ \\(certificateHold\\)\n$`));
    expect(await ask()).toMatchObject({
      code: 8,
      stdout: expect.stringMatching(new RegExp(`^${serial} revoked .+ \\(certificateHold\\)\n$`)),
    });
    const during = await nextList(serial, before.number);
    expect(during).toMatchObject({ onList: true, reason: "certificateHold" });

    expect(await fleetkey("cert", "release", serial)).toMatchObject({
      code: 0,
      stdout: `${serial} is active\n`,
    });
    expect(await fleetkey("cert", "release", serial)).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(/\[not_on_hold\]\n.+cert show SERIAL/),
    });
    expect((await ask()).code).toBe(0);
    const after = await nextList(serial, during.number);
    expect(after).toMatchObject({ onList: false });

    expect((await fleetkey("cert", "revoke", serial, "--reason", "keyCompromise")).code).toBe(0);
    const { code, stdout } = await ask("--json");
    expect({ code, answer: JSON.parse(stdout) }).toEqual({
      code: 8,
      answer: {
        ...{
          serialNumber: serial,
          status: "revoked",
          revokedAt: expect.any(String),
          reason: "keyCompromise",
        },
        ...{ producedAt: expect.any(String), thisUpdate: expect.any(String), nextUpdate: expect.any(String) },
        ...{ responder: expect.stringContaining("CN="), nonce: true },
      },
    });
    expect(await nextList(serial, after.number)).toMatchObject({ onList: true, reason: "keyCompromise" });
  });

  it("need no credential where the certificate is at hand", async () => {
    const serial = await enrolled("pump-2");
    const own = ["--certificate", placeOf("pump-2", "device.crt")];
    const chain = ["--certificate", placeOf("pump-2", "fullchain.pem")];
    for (const argv of [own, chain, [...own, "--no-nonce"], [...own, "--sha1"]])
      expect(await anybody("ocsp", "query", ...argv), argv.join(" ")).toMatchObject({
        ...{ code: 0, stdout: `${serial} good\n` },
      });
    expect((await anybody("crl", "get", ...own, "--out", placeOf("own.crl"))).code).toBe(0);
    const issuer = ["--issuer", placeOf("pump-2", "chain.pem")];
    expect(await anybody("ocsp", "query", "--serial", serial, ...issuer)).toMatchObject({ code: 0 });
    // A number that nobody issued.
    const unissued = await anybody("ocsp", "query", "--serial", "0f".repeat(16), ...issuer);
    expect(unissued.code).toBe(1);
  });

  it.skipIf(!opensslInstalled)("crl get writes what OpenSSL verifies, in DER and PEM", async () => {
    const serial = await enrolled("pump-3");
    const [der, pem] = [placeOf("pump-3.crl"), placeOf("pump-3.pem")];
    expect(await fleetkey("crl", "get", "--serial", serial, "--out", der)).toMatchObject({
      ...{ code: 0, stdout: `${der}\n` },
      stderr: expect.stringContaining(`${serial} is not on it`),
    });
    const printed = await fleetkey("crl", "get", "--serial", serial, "--pem");
    writeFileSync(pem, printed.stdout);
    for (const [form, file] of [
      ["DER", der],
      ["PEM", pem],
    ] as const) {
      const argv = ["crl", "-inform", form, "-in", file, "-noout", "-CAfile", placeOf("pump-3", "chain.pem")];
      // Says "verify OK" on stderr, and status 0 whatever it says.
      const said = execFileSync("sh", ["-c", 'openssl "$@" 2>&1', "sh", ...argv], { encoding: "utf8" });
      expect(said).toContain("verify OK");
    }
  });

  it("crl show tells what is in a file, its entries too", async () => {
    const serial = await enrolled("pump-4");
    const { number } = await listOf(serial);
    expect((await fleetkey("cert", "revoke", serial, "--reason", "superseded")).code).toBe(0);
    await nextList(serial, number);
    const file = placeOf("shown.pem");
    await fleetkey("crl", "get", "--serial", serial, "--pem", "--out", file);
    const { code, stdout } = await runCli(["crl", "show", file, "--entries"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/issuer +CN=.+\nnumber +\d+\nthisUpdate .+\nnextUpdate .+\nentries +\d+\n/);
    expect(stdout).toMatch(
      /distributionPoint +https:\/\/localhost:\d+\/v1\/fleets\/default\/crl\/issuing-1\//,
    );
    expect(stdout).toMatch(new RegExp(`${serial} +\\S+ +superseded`));
    const document = JSON.parse(
      (await runCli(["crl", "show", file, "--entries", "--json"])).stdout,
    ) as object;
    expect(document).toMatchObject({
      ...{ number: expect.any(Number), entries: expect.any(Number) },
      revoked: expect.arrayContaining([
        expect.objectContaining({ serialNumber: serial, reason: "superseded" }),
      ]),
    });
  });

  it("a certificate of somebody else's authority is not asked about", async () => {
    const file = placeOf("foreign.pem");
    writeFileSync(file, makeFakeAuthority().issueServer("127.0.0.1").certificate);
    for (const words of [
      ["ocsp", "query"],
      ["crl", "get", "--pem"],
    ])
      expect(await anybody(...words, "--certificate", file), words.join(" ")).toMatchObject({
        ...{ code: 7, stdout: "" },
        stderr: expect.stringContaining("[issuer_unknown]"),
      });
  });

  it("nor is one whose chain brings a root of its own", async () => {
    const file = placeOf("own-root.pem");
    const foreign = makeFakeAuthority();
    writeFileSync(file, foreign.issueServer("127.0.0.1").certificate + foreign.root);
    expect(await anybody("ocsp", "query", "--certificate", file)).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/\[issuer_untrusted\]\n.+--fingerprint/),
    });
  });

  const refused = [
    { argv: ["ocsp", "query"], code: 2, says: /--serial HEX or by --certificate FILE/ },
    { argv: ["ocsp", "query", "--serial", "1", "--certificate", "f"], code: 2, says: /--serial HEX or by/ },
    { argv: ["ocsp", "query", "--serial", "xyz"], code: 2, says: /hexadecimal/ },
    { argv: ["ocsp", "query", "--certificate", "/nowhere"], code: 5, says: /\[file_missing\]/ },
    { argv: ["ocsp", "query", "--certificate", "package.json"], code: 5, says: /\[certificate_malformed\]/ },
    { argv: ["ocsp", "query", "--serial", "0f".repeat(16)], code: 1, says: /\[not_found\]/ },
    { argv: ["crl", "get", "--serial", "1"], code: 2, says: /--out FILE, or --pem/ },
    { argv: ["cert", "release", "zz"], code: 2, says: /hexadecimal/ },
  ];
  it.each(refused)("$argv is refused", async ({ argv, code, says }) => {
    const result = await fleetkey(...argv);
    expect(result.stderr).toMatch(says);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: "" });
  });

  it.each(["package.json", "/nowhere"])("crl show %s is refused with exit 5", async (file) => {
    const { code, stderr } = await runCli(["crl", "show", file]);
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringMatching(/crl_malformed|file_missing/),
    });
  });

  it("a certificate that names no list is asked about by OCSP", async () => {
    const operator = join(server.dataDir, "bootstrap", "root.pem");
    const { code, stderr } = await anybody("crl", "get", "--certificate", operator, "--pem");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/\[crl_unnamed\]\n.+ocsp query/),
    });
  });
});

describe("trust", () => {
  it("is pulled, verified, acknowledged by a device, and counted", async () => {
    const manifest = placeOf("trust.jws");
    expect(await fleetkey("trust", "pull", "--manifest", manifest)).toMatchObject({
      ...{ code: 0, stdout: `${manifest}\n` },
      stderr: expect.stringContaining("trust version 1"),
    });
    const ca = join(server.dataDir, "bootstrap", "root.pem");
    expect((await runCli(["trust", "verify", manifest, "--ca", ca])).stdout).toMatch(
      /issuing-1 +active +root-1/,
    );
    await enrolled("pump-5");
    const ack = ["trust", "ack", "--dir", placeOf("pump-5"), "--manifest", manifest];
    expect(await runCli([...ack, "--firmware", "2026.11.1"])).toMatchObject({
      ...{ code: 0, stdout: "version 1 acknowledged; the newest is 1\n" },
    });
    expect(await runCli(["trust", "ack", "--dir", placeOf("pump-5"), "--version", "99"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[request_invalid]"),
    });
    const { code, stdout } = await fleetkey("trust", "adoption", "--json");
    expect({ code, answer: JSON.parse(stdout) }).toMatchObject({ code: 0, answer: { version: 1 } });
  });

  it("of a directory that is none is not acknowledged, and the directory is not made", async () => {
    const dir = placeOf("mistyped");
    expect(await runCli(["trust", "ack", "--dir", dir, "--version", "1"])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[file_missing\]\n.+--dir/),
    });
    expect(existsSync(dir)).toBe(false);
  });
});

describe("a file without an end", () => {
  it.skipIf(!existsSync("/dev/zero"))("is read as far as a list may be, and refused", async () => {
    const { code, stderr } = await runCli(["crl", "show", "/dev/zero"]);
    expect(stderr).toMatch(
      /^error: \/dev\/zero has more than \d+ bytes; at most \d+ are read \[file_too_large\]\n/,
    );
    expect(code).toBe(5);
  });
});

describe("numbers and keys", () => {
  it("inventory show counts, as a table and as JSON", async () => {
    const { code, stdout } = await fleetkey("inventory", "show");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^CERTIFICATES +COUNT\nissued +\d+\nunexpired +\d+\nrevoked +\d+\n/);
    const { stdout: json } = await fleetkey("inventory", "show", "--json");
    expect(JSON.parse(json)).toMatchObject({ total: expect.any(Number), byProfile: expect.any(Object) });
  });

  it("device keys are the certificate's key as JWK, that node:crypto imports", async () => {
    const serial = await enrolled("pump-6");
    const { code, stdout } = await fleetkey("device", "keys", "pump-6");
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as { deviceId: string; keys: readonly object[] };
    expect(answer).toMatchObject({ deviceId: "pump-6", keys: [{ serialNumber: serial, status: "active" }] });
    const jwk = createPublicKey({ key: { ...answer.keys[0] }, format: "jwk" });
    const certificate = new X509Certificate(readFileSync(placeOf("pump-6", "device.crt")));
    expect(jwk.equals(certificate.publicKey)).toBe(true);
    expect((await fleetkey("device", "keys", "../x")).code).toBe(2);
  });
});
