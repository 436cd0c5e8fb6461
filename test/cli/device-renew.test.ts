import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceKeyAlgorithmOf } from "../../cli/device-key.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
});
afterEach(() => service.close());

const enroll = (directory: string, token: string, ...more: string[]) =>
  runCli([
    "device",
    "enroll",
    "--device",
    "d-1",
    "--out",
    directory,
    "--token",
    token,
    ...service.flags,
    ...more,
  ]);
const contentOf = (directory: string, file: string): string => readFileSync(join(directory, file), "utf8");

describe("device renew", () => {
  const renew = (directory: string, ...more: string[]) =>
    runCli(["device", "renew", "--dir", directory, ...more]);

  it("needs the directory alone: URL, fleet and root are on record", async () => {
    const directory = temporaryDirectory();
    await enroll(directory, service.addToken("d-1"), "--algorithm", "P-384");
    service.intercept = ({ path, body }) => {
      if (!path.endsWith("/renew")) return undefined;
      expect(JSON.parse(body)).toHaveProperty("csr");
      return undefined;
    };
    const before = contentOf(directory, "device.key");
    const { code, stderr } = await renew(directory);
    expect(stderr).toContain("d-1 renewed");
    expect(code).toBe(0);
    expect(contentOf(directory, "device.key")).not.toBe(before);
    expect(deviceKeyAlgorithmOf(createPrivateKey(contentOf(directory, "device.key")))).toBe("P-384");
  });

  describe("where enrolments and renewals have different hosts", () => {
    const recorded = (directory: string) => JSON.parse(contentOf(directory, "device.json")).url as string;
    const another = "https://clients.example";

    it.each([
      { name: "--renewal-url", flags: ["--renewal-url", `${another}/`], env: {} },
      { name: "FLEETKEY_RENEWAL_URL", flags: [], env: { FLEETKEY_RENEWAL_URL: another } },
    ])("an enrolment records what $name says", async ({ flags, env }) => {
      const directory = temporaryDirectory();
      const token = ["--token", service.addToken("d-1")];
      const argv = ["device", "enroll", "--device", "d-1", "--out", directory, ...token];
      expect((await runCli([...argv, ...service.flags, ...flags], { env })).code).toBe(0);
      expect(recorded(directory)).toBe(another);
    });

    it("a renewal goes where --url says, and later ones go there too", async () => {
      const directory = temporaryDirectory();
      await enroll(directory, service.addToken("d-1"), "--renewal-url", "https://127.0.0.1:1");
      expect((await renew(directory)).code).toBe(4);
      expect((await renew(directory, "--url", service.url)).code).toBe(0);
      expect(recorded(directory)).toBe(service.url);
      expect((await renew(directory)).code).toBe(0);
    });

    it("FLEETKEY_RENEWAL_URL beats FLEETKEY_URL, which is the host of enrolments", async () => {
      const directory = temporaryDirectory();
      await enroll(directory, service.addToken("d-1"));
      const env = { FLEETKEY_URL: "https://127.0.0.1:1", FLEETKEY_RENEWAL_URL: service.url };
      expect((await runCli(["device", "renew", "--dir", directory], { env })).code).toBe(0);
    });

    it("refuses a renewal URL that is not https, before the token is sent", async () => {
      const { code } = await enroll(
        temporaryDirectory(),
        service.addToken("d-1"),
        "--renewal-url",
        "http://a.b",
      );
      expect(code).toBe(2);
      expect(service.requests).toEqual([]);
    });
  });

  it("keeps the old files when it fails, and the next run sends the same CSR", async () => {
    const directory = temporaryDirectory();
    await enroll(directory, service.addToken("d-1"));
    const before = Object.fromEntries(
      readdirSync(directory).map((file) => [file, contentOf(directory, file)]),
    );
    service.intercept = ({ path }) => (path.endsWith("/renew") ? problemAnswer(500, "internal") : undefined);
    expect((await renew(directory)).code).toBe(1);
    for (const [file, content] of Object.entries(before)) expect(contentOf(directory, file)).toBe(content);
    service.intercept = ({ path }) =>
      path.endsWith("/trust.pem") ? problemAnswer(500, "internal") : undefined;
    expect((await renew(directory)).code).toBe(1);
    service.intercept = () => undefined;
    expect((await renew(directory)).code).toBe(0);
    const sent = service.requests.filter(({ path }) => path.endsWith("/renew")).map(({ body }) => body);
    expect(new Set(sent).size).toBe(1);
    // The enrolment's certificate and one renewal.
    expect(service.issued).toHaveLength(2);
  });

  describe("whose waiting request is dead", () => {
    const dead = [
      { code: "issuance_closed", name: "closed by the service" },
      { code: "credential_spent", name: "answered with a certificate that was revoked since" },
    ];
    it.each(dead)("($name) asks with a new key, and that is the one installed", async ({ code }) => {
      const directory = temporaryDirectory();
      await enroll(directory, service.addToken("d-1"));
      service.intercept = ({ path }) =>
        path.endsWith("/renew") ? problemAnswer(500, "internal") : undefined;
      await renew(directory);
      const waiting = contentOf(directory, ".pending/device.csr");
      // The answer to this CSR for ever.
      service.intercept = ({ path, body }) =>
        path.endsWith("/renew") && JSON.parse(body).csr === waiting ? problemAnswer(409, code) : undefined;
      expect(await renew(directory)).toMatchObject({ code: 0, stderr: expect.stringContaining("renewed") });
      expect(contentOf(directory, "device.csr")).not.toBe(waiting);
      const leaf = new X509Certificate(contentOf(directory, "device.crt"));
      expect(leaf.checkPrivateKey(createPrivateKey(contentOf(directory, "device.key")))).toBe(true);
      expect(existsSync(join(directory, ".pending"))).toBe(false);
    });

    it("asks once more, not for ever, and keeps the old files", async () => {
      const directory = temporaryDirectory();
      await enroll(directory, service.addToken("d-1"));
      const before = contentOf(directory, "device.crt") + contentOf(directory, "device.key");
      service.intercept = ({ path }) =>
        path.endsWith("/renew") ? problemAnswer(409, "issuance_closed") : undefined;
      const { code, stderr } = await renew(directory);
      const sent = service.requests.filter(({ path }) => path.endsWith("/renew")).map(({ body }) => body);
      expect({ code, requests: sent.length, keys: new Set(sent).size }).toEqual({
        code: 1,
        requests: 2,
        keys: 2,
      });
      expect(stderr).toMatch(/\[issuance_closed\]\n {2}run the same command again/);
      expect(contentOf(directory, "device.crt") + contentOf(directory, "device.key")).toBe(before);
    });
  });

  const refusals = [
    { status: 409, code: "credential_spent", remedy: /device enroll --device ID/ },
    { status: 403, code: "client_certificate_revoked", remedy: /on purpose.+device enroll/ },
    { status: 403, code: "client_certificate_expired", remedy: /device enroll/ },
    { status: 403, code: "access_denied", remedy: /--dir/ },
  ];
  it.each(refusals)("shows what the service says of $code, and a device's remedy", async (row) => {
    const directory = temporaryDirectory();
    await enroll(directory, service.addToken("d-1"));
    service.intercept = ({ path }) =>
      path.endsWith("/renew") ? problemAnswer(row.status, row.code) : undefined;
    const { code, stderr } = await renew(directory);
    expect({ code, said: stderr.split("\n")[0] }).toEqual({
      code: 1,
      said: `error: detail of ${row.code} [${row.code}]`,
    });
    expect(stderr).toMatch(row.remedy);
    expect(stderr).not.toMatch(/--cert|operator/);
  });

  it("--if-due asks for nothing before the time to renew", async () => {
    const directory = temporaryDirectory();
    await enroll(directory, service.addToken("d-1"));
    const asked = service.requests.length;
    const { code, stdout } = await renew(directory, "--if-due", "--json");
    expect({ code, renewed: JSON.parse(stdout).renewed, asked: service.requests.length }).toEqual({
      code: 0,
      renewed: false,
      asked,
    });
  });

  it("makes no directory of a mistyped one", async () => {
    const directory = join(temporaryDirectory(), "typo");
    expect(await renew(directory)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("device enroll"),
    });
    expect(existsSync(directory)).toBe(false);
  });
});
