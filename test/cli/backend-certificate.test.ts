/** Room: test. The directory of a backend: certified once people approve it, renewed by itself, and never half of either. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceKeyAlgorithmOf, makeDeviceKey } from "../../cli/device-key.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
let directory: string;
beforeEach(async () => {
  service = await startFakeService();
  directory = join(temporaryDirectory(), "records-store");
});
afterEach(() => service.close());

const certify = (...more: string[]) =>
  runCli(["backend", "certify", "records-store", "--out", directory, ...service.flags, ...more]);
const renew = (...more: string[]) => runCli(["backend", "renew", "--dir", directory, ...more]);
const contentOf = (file: string): string => readFileSync(join(directory, file), "utf8");
const asked = () => service.requests.filter(({ path }) => path.includes("/backends/"));
const csrs = () => asked().map(({ body }) => (JSON.parse(body) as { readonly csr: string }).csr);

describe("backend certify", () => {
  it("writes key, chain and root for its owner, and says what else it takes", async () => {
    const { code, stderr } = await certify();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("fleetkey fleet configure"),
    });
    expect(readdirSync(directory).sort()).toEqual(
      expect.arrayContaining([
        "chain.pem",
        "device.crt",
        "device.json",
        "device.key",
        "fullchain.pem",
        "root.pem",
      ]),
    );
    expect(statSync(join(directory, "device.key")).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(contentOf("fullchain.pem"));
    expect(certificate.subject).toBe("CN=records-store");
    expect(certificate.checkPrivateKey(createPrivateKey(contentOf("device.key")))).toBe(true);
    expect(asked().map(({ path }) => path)).toEqual([
      expect.stringMatching(/\/v1\/fleets\/[^/]+\/backends\/records-store\/certificates$/),
    ]);
  });

  it("--json answers with the backend and what is on record", async () => {
    const { stdout } = await certify("--json");
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    expect(answer).toMatchObject({ directory, backendId: "records-store", notAfter: "2099-01-01T00:00:00Z" });
    expect(stdout).not.toContain("PRIVATE");
  });

  it("asks with the same request after an answer that was lost", async () => {
    service.intercept = ({ path }) =>
      path.includes("/backends/") ? problemAnswer(422, "key_weak") : undefined;
    expect((await certify()).code).not.toBe(0);
    expect(existsSync(join(directory, "device.crt"))).toBe(false);
    service.intercept = () => undefined;
    expect((await certify()).code).toBe(0);
    expect(new Set(csrs()).size).toBe(1);
  });

  it("calls what people have approved: this backend, this very request", async () => {
    await certify();
    const approval = service.requests.find(({ path }) => path.endsWith("/approvals"));
    expect(JSON.parse(approval?.body ?? "{}")).toEqual({
      operation: "createBackendCertificate",
      parameters: { backendId: "records-store" },
      body: { csr: csrs()[0] },
    });
    expect(asked()[0]?.headers["fleetkey-approval"]).toBe("a".repeat(32));
  });

  it("whose answer was lost says that another approval gets the same certificate, and keeps the key", async () => {
    service.intercept = ({ path }) =>
      path.includes("/backends/") ? problemAnswer(409, "approval_spent") : undefined;
    const { code, stderr } = await certify();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("without --approval") });
    service.intercept = () => undefined;
    expect((await certify()).code).toBe(0);
    expect(new Set(csrs()).size).toBe(1);
  });

  it("again makes another key, for a backend that could not renew in time", async () => {
    await certify();
    const before = contentOf("device.key");
    expect((await certify()).code).toBe(0);
    expect(contentOf("device.key")).not.toBe(before);
    expect(new Set(csrs()).size).toBe(2);
  });

  it("with another request where the first one's certificate is dead", async () => {
    let refusals = 1;
    service.intercept = ({ path }) => {
      if (!path.includes("/backends/") || refusals === 0) return undefined;
      refusals -= 1;
      return problemAnswer(409, "credential_spent");
    };
    expect((await certify()).code).toBe(0);
    expect(new Set(csrs()).size).toBe(2);
  });

  it("does not overwrite what is another's, unless it is told to", async () => {
    const flags = ["--device", "d-1", "--out", directory, "--token", service.addToken("d-1")];
    await runCli(["device", "enroll", ...flags, ...service.flags]);
    const before = contentOf("device.key");
    expect(await certify()).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("[identity_conflict]"),
    });
    expect(contentOf("device.key")).toBe(before);
    expect((await certify("--force")).code).toBe(0);
  });

  it("--csr sends a request made elsewhere; the directory holds no key", async () => {
    const { csr } = await makeDeviceKey("records-store", "P-384");
    const file = join(temporaryDirectory(), "store.csr");
    writeFileSync(file, csr);
    expect((await certify("--csr", file)).code).toBe(0);
    expect(existsSync(join(directory, "device.key"))).toBe(false);
    expect(csrs()).toEqual([csr]);
  });

  it.each(["", "records store", "../records", "a".repeat(65), "-store"])("refuses the id %j", async (id) => {
    const { code } = await runCli(["backend", "certify", "--out", directory, ...service.flags, "--", id]);
    expect(code).toBe(2);
    expect(service.requests).toEqual([]);
  });

  it("takes no certificate for another name", async () => {
    const { csr } = await makeDeviceKey("other-store", "P-256");
    const file = join(temporaryDirectory(), "other.csr");
    writeFileSync(file, csr);
    expect(await certify("--csr", file)).toMatchObject({
      code: expect.any(Number),
      stderr: expect.stringContaining("[certificate_mismatch]"),
    });
    expect(existsSync(join(directory, "device.crt"))).toBe(false);
  });
});

describe("backend renew", () => {
  it("needs the directory alone, and keeps the kind of key", async () => {
    await certify("--algorithm", "P-384");
    const before = contentOf("device.key");
    const { code, stderr } = await renew();
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("records-store renewed") });
    expect(contentOf("device.key")).not.toBe(before);
    expect(deviceKeyAlgorithmOf(createPrivateKey(contentOf("device.key")))).toBe("P-384");
    expect(asked()).toHaveLength(2);
  });

  it("--if-due does nothing before its time", async () => {
    await certify();
    expect(await renew("--if-due")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("not due before"),
    });
    expect(asked()).toHaveLength(1);
  });

  it.each([
    ["client_certificate_expired", 401],
    ["client_certificate_revoked", 401],
  ] as const)("that is refused with %s names the command that helps", async (refusal, status) => {
    await certify();
    service.intercept = ({ path }) =>
      path.includes("/backends/") ? problemAnswer(status, refusal) : undefined;
    const { code, stderr } = await renew();
    expect(code).not.toBe(0);
    expect(stderr).toContain("fleetkey backend certify ID --out DIR");
  });

  it("of a directory that is none says which command makes one", async () => {
    const { code, stderr } = await renew();
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining("fleetkey backend certify"),
    });
    expect(existsSync(directory)).toBe(false);
  });
});
