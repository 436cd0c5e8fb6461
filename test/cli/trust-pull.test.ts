import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFakeAuthority } from "./fake-authority.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
});
afterEach(() => service.close());

const fingerprint = (pem: string): string =>
  createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
const noCa = ["--ca", "/nowhere/root.pem"];
const pull = (...more: string[]) => runCli(["trust", "pull", "--url", service.url, ...more]);

describe("trust pull", () => {
  it("with a configured root fetches over it and prints PEM on stdout, the fingerprint on stderr", async () => {
    const { code, stdout, stderr } = await pull("--ca", service.files.ca);
    expect({ code, stdout }).toEqual({ code: 0, stdout: service.authority.root });
    expect(stderr).toContain(fingerprint(service.authority.root));
  });

  it("without a CA file or a fingerprint connects to nobody", async () => {
    expect(await pull(...noCa)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--fingerprint HEX"),
    });
    expect(service.requests).toEqual([]);
  });

  const writings = [
    { name: "lowercase hex", write: (hex: string) => hex },
    {
      name: "OpenSSL's colons and capitals",
      write: (hex: string) => hex.toUpperCase().replace(/..(?!$)/g, "$&:"),
    },
    { name: "a SHA256: prefix", write: (hex: string) => `SHA256:${hex}` },
  ];
  it.each(writings)(
    "bootstraps from a fingerprint in $name, over TLS that the matched root verifies",
    async ({ write }) => {
      const out = join(temporaryDirectory(), "root.pem");
      const { code } = await pull(
        ...noCa,
        "--fingerprint",
        write(fingerprint(service.authority.root)),
        "--out",
        out,
      );
      expect(code).toBe(0);
      expect(readFileSync(out, "utf8")).toBe(service.authority.root);
      expect(service.requests.map(({ path }) => path)).toEqual(Array(2).fill("/v1/fleets/default/trust.pem"));
      expect(service.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    },
  );

  it("refuses another fingerprint and writes nothing", async () => {
    const out = join(temporaryDirectory(), "root.pem");
    const other = fingerprint(makeFakeAuthority().root);
    const { code, stderr } = await pull(...noCa, "--fingerprint", other, "--out", out);
    expect(code).toBe(1);
    expect(stderr).toContain("trust_mismatch");
    expect(existsSync(out)).toBe(false);
  });

  it("refuses a server that shows the right root and cannot prove that it belongs to it", async () => {
    // A relay can repeat the public root; its own certificate is another authority's.
    const { root } = makeFakeAuthority();
    service.intercept = ({ path }) => (path.endsWith("/trust.pem") ? { status: 200, body: root } : undefined);
    expect(await pull(...noCa, "--fingerprint", fingerprint(root))).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("server_untrusted"),
    });
  });

  it("refuses a server whose bundle lacks the configured root", async () => {
    service.intercept = () => ({ status: 200, body: makeFakeAuthority().root });
    expect(await pull("--ca", service.files.ca)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("trust_mismatch"),
    });
  });

  it("refuses a server that the configured root did not sign", async () => {
    const ca = join(temporaryDirectory(), "other.pem");
    writeFileSync(ca, makeFakeAuthority().root);
    expect(await pull("--ca", ca)).toMatchObject({ code: 4 });
    expect(service.requests).toEqual([]);
  });

  it.each(["ab", "z".repeat(64), "a".repeat(63)])("refuses %s for a fingerprint", async (text) => {
    expect((await pull("--fingerprint", text)).code).toBe(2);
  });
});

describe("a connection", () => {
  it("is verified even where NODE_TLS_REJECT_UNAUTHORIZED=0 asks Node not to", async () => {
    const ca = join(temporaryDirectory(), "other.pem");
    writeFileSync(ca, makeFakeAuthority().root);
    const child = spawn(process.execPath, ["cli/main.ts", "cert", "list", ...service.flags, "--ca", ca], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    });
    expect(await new Promise((done) => child.on("exit", done))).toBe(4);
    expect(service.requests).toEqual([]);
  });

  const list = (...more: string[]) => runCli(["cert", "list", ...service.flags, ...more]);

  it("that nobody answers is exit 4, with the address and what to do", async () => {
    await service.close();
    const { code, stderr } = await list();
    expect(code).toBe(4);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+: nothing listens \[connection_refused\]\n {2}.+fleetkey serve/);
  });

  it("to a host name that its certificate lacks is exit 4", async () => {
    const { code, stderr } = await list("--url", service.url.replace("127.0.0.1", "localhost"));
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("server_name_mismatch") });
  });

  it("presents the operator's certificate, and only if its key fits", async () => {
    expect((await list()).code).toBe(0);
    const other = makeFakeAuthority().issueServer("127.0.0.1");
    const key = join(temporaryDirectory(), "other.key");
    writeFileSync(key, other.privateKey);
    expect(await list("--key", key)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("key_mismatch"),
    });
  });

  it("does not follow a redirect", async () => {
    service.intercept = () => ({
      status: 302,
      headers: { location: "https://elsewhere.example/" },
      body: {},
    });
    expect(await list()).toMatchObject({ code: 1, stderr: expect.stringContaining("[http_302]") });
    expect(service.requests).toHaveLength(1);
  });

  it("reads an answer up to its limit only", async () => {
    service.intercept = () => ({ status: 200, body: "x".repeat(5_000_000) });
    expect(await list()).toMatchObject({ code: 1, stderr: expect.stringContaining("response_too_large") });
  });

  it("prints no escape sequence that the service sends", async () => {
    service.intercept = () => ({
      status: 400,
      body: {
        type: "t",
        title: "t",
        status: 400,
        code: "x",
        detail: "a\u001b[31mb\u0007c\u202ed",
        instance: "i",
      },
    });
    const { stderr } = await list();
    expect(stderr).toContain("ab?c?d");
  });
});
