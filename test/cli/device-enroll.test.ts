import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { decodePem, encodePem } from "../../core/formats/pem.ts";
import { makeFakeAuthority } from "./fake-authority.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
beforeEach(async () => {
  service = await startFakeService();
});
afterEach(() => service.close());

/** With the token on stdin. */
const enroll = (directory: string, token: string, ...more: string[]) =>
  runCli(
    ["device", "enroll", "--device", "d-1", "--out", directory, "--token", "-", ...service.flags, ...more],
    {
      stdin: `${token}\n`,
    },
  );
const contentOf = (directory: string, file: string): string => readFileSync(join(directory, file), "utf8");

function alterLastByte(csr: string): string {
  const [der = Buffer.alloc(0)] = decodePem(csr, "CERTIFICATE REQUEST");
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  return encodePem("CERTIFICATE REQUEST", der);
}

describe("device enroll", () => {
  it("writes key, certificate, chain and root; the key for its owner alone", async () => {
    const directory = join(temporaryDirectory(), "new");
    const { code, stdout, stderr } = await enroll(directory, service.addToken("d-1"));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${directory}\n` });
    expect(stderr).toContain("d-1 enrolled");
    expect(readdirSync(directory).sort()).toEqual(
      [
        "chain.pem",
        "device.crt",
        "device.csr",
        "device.json",
        "device.key",
        "fullchain.pem",
        "root.pem",
      ].sort(),
    );
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "device.key")).mode & 0o777).toBe(0o600);
    const leaf = new X509Certificate(contentOf(directory, "device.crt"));
    expect(leaf.checkPrivateKey(createPrivateKey(contentOf(directory, "device.key")))).toBe(true);
    expect(contentOf(directory, "root.pem")).toBe(service.authority.root);
  });

  it("answers with one JSON document under --json, without the token", async () => {
    const token = service.addToken("d-1");
    const { stdout } = await enroll(temporaryDirectory(), token, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ deviceId: "d-1", algorithm: "P-256", fleet: "default" });
    expect(stdout).not.toContain(token);
  });

  it("leaves the token nowhere on disk", async () => {
    const directory = temporaryDirectory();
    const token = service.addToken("d-1");
    await enroll(directory, token);
    for (const file of readdirSync(directory)) expect(contentOf(directory, file)).not.toContain(token);
  });

  it.each(["reset", "resetAfterwards"] as const)("sends the same CSR again after a %s", async (how) => {
    let left = 2;
    service.intercept = ({ path }) => (path.endsWith("/certificates") && left-- > 0 ? how : undefined);
    expect((await enroll(temporaryDirectory(), service.addToken("d-1"))).code).toBe(0);
    const sent = service.requests
      .filter(({ path }) => path.endsWith("/certificates"))
      .map(({ body }) => body);
    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(1);
    expect(service.issued).toHaveLength(1);
  });

  it("takes up a request that an earlier run could not finish, with its key and CSR", async () => {
    const directory = temporaryDirectory();
    const token = service.addToken("d-1");
    service.intercept = ({ path }) =>
      path.endsWith("/trust.pem") ? problemAnswer(500, "internal") : undefined;
    expect((await enroll(directory, token)).code).toBe(1);
    expect(existsSync(join(directory, "device.key"))).toBe(false);
    const waiting = contentOf(directory, ".pending/device.key");
    expect(statSync(join(directory, ".pending/device.key")).mode & 0o777).toBe(0o600);
    service.intercept = () => undefined;
    expect((await enroll(directory, token)).code).toBe(0);
    expect(contentOf(directory, "device.key")).toBe(waiting);
    expect(service.issued).toHaveLength(1);
    expect(existsSync(join(directory, ".pending"))).toBe(false);
  });

  it("run again after success gets the same certificate", async () => {
    const directory = temporaryDirectory();
    const token = service.addToken("d-1");
    await enroll(directory, token);
    const first = contentOf(directory, "device.crt") + contentOf(directory, "device.key");
    expect((await enroll(directory, token)).code).toBe(0);
    expect(contentOf(directory, "device.crt") + contentOf(directory, "device.key")).toBe(first);
    expect(service.issued).toHaveLength(1);
  });

  it("with a new token makes a new key, and keeps the old files when that fails", async () => {
    const directory = temporaryDirectory();
    await enroll(directory, service.addToken("d-1"));
    const first = contentOf(directory, "device.key");
    expect((await enroll(directory, "not-a-token-of-this-service")).code).toBe(1);
    expect(contentOf(directory, "device.key")).toBe(first);
    expect((await enroll(directory, service.addToken("d-1"))).code).toBe(0);
    expect(contentOf(directory, "device.key")).not.toBe(first);
  });

  it("finishes a move that a crash broke off", async () => {
    const directory = temporaryDirectory();
    const token = service.addToken("d-1");
    await enroll(directory, token);
    const all = Object.fromEntries(readdirSync(directory).map((file) => [file, contentOf(directory, file)]));
    mkdirSync(join(directory, ".pending"));
    for (const file of ["device.crt", "root.pem", "device.json"]) {
      renameSync(join(directory, file), join(directory, ".pending", file));
    }
    writeFileSync(join(directory, ".pending", "complete"), "");
    expect((await enroll(directory, token)).code).toBe(0);
    expect(
      Object.fromEntries(readdirSync(directory).map((file) => [file, contentOf(directory, file)])),
    ).toEqual(all);
  });

  describe("leaves another identity alone", () => {
    const occupied = [
      {
        name: "another device's",
        prepare: (directory: string) =>
          runCli([
            "device",
            "enroll",
            "--device",
            "d-0",
            "--out",
            directory,
            "--token",
            service.addToken("d-0"),
            ...service.flags,
          ]),
      },
      {
        name: "a key of unknown origin",
        prepare: async (directory: string) => writeFileSync(join(directory, "device.key"), "mine"),
      },
      {
        name: "a certificate of unknown origin",
        prepare: async (directory: string) => writeFileSync(join(directory, "device.crt"), "mine"),
      },
    ];
    it.each(occupied)("$name, unless forced", async ({ prepare }) => {
      const directory = temporaryDirectory();
      await prepare(directory);
      const before = Object.fromEntries(
        readdirSync(directory).map((file) => [file, contentOf(directory, file)]),
      );
      const asked = service.requests.length;
      const { code, stderr } = await enroll(directory, service.addToken("d-1"));
      expect(code).toBe(5);
      expect(stderr).toMatch(/identity_conflict[\s\S]+--force/);
      expect(
        Object.fromEntries(readdirSync(directory).map((file) => [file, contentOf(directory, file)])),
      ).toEqual(before);
      expect(service.requests).toHaveLength(asked);
      expect((await enroll(directory, service.addToken("d-1"), "--force")).code).toBe(0);
    });
  });

  it("refuses while another process is at work in the directory", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, ".lock"), String(process.ppid));
    expect(await enroll(directory, service.addToken("d-1"))).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[locked]"),
    });
    writeFileSync(join(directory, ".lock"), "999999999");
    expect((await enroll(directory, service.addToken("d-1"))).code).toBe(0);
    expect(existsSync(join(directory, ".lock"))).toBe(false);
  });

  describe("with --csr", () => {
    it("sends the CSR and writes no key", async () => {
      const directory = temporaryDirectory();
      const { csr } = await makeDeviceKey("d-1", "Ed25519");
      writeFileSync(join(directory, "mine.csr"), csr);
      const out = join(directory, "out");
      expect((await enroll(out, service.addToken("d-1"), "--csr", join(directory, "mine.csr"))).code).toBe(0);
      expect(readdirSync(out)).not.toContain("device.key");
      expect(service.issued[0]?.csr).toBe(csr);
    });

    const bad = [
      {
        name: "an altered one",
        text: async () => alterLastByte((await makeDeviceKey("d-1", "P-256")).csr),
        code: "csr_signature_invalid",
      },
      { name: "a certificate", text: async () => service.authority.root, code: "pem_malformed" },
      { name: "prose", text: async () => "not a request at all", code: "csr_malformed" },
    ];
    it.each(bad)("refuses $name before it costs a token", async ({ text, code: reason }) => {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, "bad.csr"), await text());
      const { code, stderr } = await enroll(
        join(directory, "out"),
        service.addToken("d-1"),
        "--csr",
        join(directory, "bad.csr"),
      );
      expect(stderr).toContain(`[${reason}]`);
      expect(code).toBe(5);
      expect(service.requests).toEqual([]);
    });
  });

  describe("installs nothing when the answer is", () => {
    const answers = [
      {
        name: "for another key",
        answer: async () => service.authority.issue((await makeDeviceKey("d-1", "P-256")).csr),
      },
      { name: "for another device", answer: async (csr: string) => service.authority.issue(csr, "d-2") },
      { name: "signed by another authority", answer: async (csr: string) => makeFakeAuthority().issue(csr) },
    ];
    it.each(answers)("$name", async ({ answer }) => {
      const directory = temporaryDirectory();
      // Learn the CSR first, then answer it.
      service.intercept = ({ path }) =>
        path.endsWith("/certificates") ? problemAnswer(500, "internal") : undefined;
      const token = service.addToken("d-1");
      await enroll(directory, token);
      const body = {
        ...(await answer(contentOf(directory, ".pending/device.csr"))),
        chain: "",
        notBefore: "2026-01-01T00:00:00Z",
        notAfter: "2027-01-01T00:00:00Z",
        renewAfter: "2026-09-01T00:00:00Z",
      };
      service.intercept = ({ path }) => (path.endsWith("/certificates") ? { status: 201, body } : undefined);
      const { code, stderr } = await enroll(directory, token);
      expect(stderr).toContain("certificate_mismatch");
      expect({ code, files: readdirSync(directory) }).toEqual({ code: 1, files: [".pending"] });
    });

    it("no certificate at all", async () => {
      service.intercept = ({ path }) =>
        path.endsWith("/certificates") ? { status: 201, body: { hello: "world" } } : undefined;
      expect(await enroll(temporaryDirectory(), service.addToken("d-1"))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("answer_malformed"),
      });
    });
  });

  it("reads the answer of a newer service, which says more", async () => {
    service.intercept = () => undefined;
    const token = service.addToken("d-1");
    const directory = temporaryDirectory();
    await enroll(directory, token);
    const { certificate } = { certificate: contentOf(directory, "device.crt") };
    const body = {
      serialNumber: "1001",
      certificate,
      chain: "",
      notBefore: "2026-01-01T00:00:00Z",
      notAfter: "2027-01-01T00:00:00Z",
      renewAfter: "2026-09-01T00:00:00Z",
      novelty: { a: 1 },
    };
    service.intercept = ({ path }) => (path.endsWith("/certificates") ? { status: 201, body } : undefined);
    expect((await enroll(directory, token)).code).toBe(0);
  });

  it("shows the problem's code, detail and remedy", async () => {
    const { code, stderr } = await enroll(temporaryDirectory(), "no-such-token");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: detail of credential_invalid \[credential_invalid\]\n {2}check that the whole token/,
    );
    expect(stderr).not.toContain("no-such-token");
  });

  it.each(["issuance_closed", "credential_spent"])(
    "%s asks for a new token, and for no new key",
    async (reason) => {
      const directory = temporaryDirectory();
      const token = service.addToken("d-1");
      service.intercept = ({ path }) =>
        path.endsWith("/certificates") ? problemAnswer(409, reason) : undefined;
      const { code, stderr } = await enroll(directory, token);
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`detail of ${reason} .+\\n.+new token: fleetkey token create`));
      expect(service.requests.filter(({ path }) => path.endsWith("/certificates"))).toHaveLength(1);
      service.intercept = () => undefined;
      expect((await enroll(directory, service.addToken("d-1"))).code).toBe(0);
    },
  );

  it("tells when to come back if Retry-After is more than a person waits", async () => {
    service.intercept = ({ path }) =>
      path.endsWith("/certificates")
        ? problemAnswer(503, "authority_unavailable", { "retry-after": "60" })
        : undefined;
    expect(await enroll(temporaryDirectory(), service.addToken("d-1"))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[authority_unavailable\]\n {2}run the same command again in 60 s/),
    });
  });

  it("waits as long as Retry-After asks, then goes on", async () => {
    let isFirst = true;
    service.intercept = ({ path }) => {
      if (!path.endsWith("/certificates") || !isFirst) return undefined;
      isFirst = false;
      return problemAnswer(503, "store_unavailable", { "retry-after": "1" });
    };
    const start = performance.now();
    expect((await enroll(temporaryDirectory(), service.addToken("d-1"))).code).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  const tokenSources = [
    {
      name: "a file",
      run: (token: string, directory: string) => {
        writeFileSync(join(directory, "token"), `${token}\n`);
        return { flags: ["--token-file", join(directory, "token")] };
      },
    },
    { name: "the environment", run: (token: string) => ({ flags: [], env: { FLEETKEY_TOKEN: token } }) },
    { name: "stdin", run: (token: string) => ({ flags: ["--token", "-"], stdin: token }) },
    {
      name: "a flag, which beats the environment",
      run: (token: string) => ({ flags: [`--token=${token}`], env: { FLEETKEY_TOKEN: "other" } }),
    },
  ];
  it.each(tokenSources)("takes the token from $name", async ({ run }) => {
    const directory = temporaryDirectory();
    const { flags, ...options }: { flags: string[]; env?: Record<string, string>; stdin?: string } = run(
      service.addToken("d-1"),
      directory,
    );
    const argv = [
      "device",
      "enroll",
      "--device",
      "d-1",
      "--out",
      join(directory, "out"),
      ...flags,
      ...service.flags,
    ];
    expect((await runCli(argv, options)).code).toBe(0);
  });
});
