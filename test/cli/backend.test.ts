/** A backend's life over HTTPS: certified, named in the configuration, renewed, taken out, revoked. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpsClient } from "../../cli/https-client.ts";
import { opensslInstalled } from "../support/openssl.ts";
import { approvedBy } from "./approved-by.ts";
import { type LocalServer, startLocalServer } from "./local-server.ts";
import { firstPerson, type Person } from "./person.ts";
import { runCli } from "./run-cli.ts";

let server: LocalServer;
let owner: Person;
let directory: string;
let certify: readonly string[];
beforeAll(async () => {
  server = await startLocalServer();
  owner = await firstPerson(server);
  directory = join(server.place, "records-store");
  certify = ["backend", "certify", "records-store", "--out", directory];
});
afterAll(() => server.stop());

const fleetkey = (...argv: string[]) => server.fleetkey(argv);
const contentOf = (file: string): string => readFileSync(join(directory, file), "utf8");
const serialNumber = (): string =>
  (JSON.parse(contentOf("device.json")) as { serialNumber: string }).serialNumber;

interface Presented {
  readonly certificate: string;
  readonly privateKey: string;
}

const presented = (): Presented => ({
  certificate: contentOf("fullchain.pem"),
  privateKey: contentOf("device.key"),
});

/** The code with which a call about data is answered, its body empty: `request_invalid` is beyond the door. */
async function codeAt(path: string, credential: Presented = presented()): Promise<unknown> {
  const client = createHttpsClient({ url: server.url, ca: contentOf("root.pem"), credential });
  try {
    const headers = { "content-type": "application/json" };
    const { body } = await client.send({
      method: "POST",
      path: `/v1/fleets/default${path}`,
      headers,
      body: "{}",
    });
    return (JSON.parse(body.toString("utf8")) as Record<string, unknown>)["code"];
  } finally {
    client.close();
  }
}

async function configure(pipelines: readonly object[]): Promise<void> {
  const { stdout } = await fleetkey("fleet", "show");
  const file = join(server.place, "fleet.json");
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(stdout) as object), pipelines }));
  const { code, stderr } = await approvedBy([owner], () => fleetkey("fleet", "configure", "--file", file));
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

const entry = {
  kind: "certificate",
  id: "records",
  backend: "records-store",
  operations: ["encryptData"],
  profiles: [],
  purposes: ["observations"],
};

describe("a backend from its first certificate to its last", () => {
  it("is certified, and may do nothing with data until the configuration names it", async () => {
    const waiting = await fleetkey(...certify, "--no-wait");
    expect(waiting).toMatchObject({ code: 6, stdout: expect.stringMatching(/^[0-9a-f]{32}\n$/) });
    const approvalId = waiting.stdout.trim();
    expect((await fleetkey(...certify, "--approval", approvalId, "--no-wait")).code).toBe(6);
    await owner.approve(approvalId);
    const { code, stderr } = await fleetkey(...certify, "--approval", approvalId);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await codeAt("/encrypt")).toBe("access_denied");
  });

  it.skipIf(!opensslInstalled)("OpenSSL: the chain is good for a TLS client, and for no server", () => {
    const files = ["-CAfile", "root.pem", "-untrusted", "chain.pem", "device.crt"];
    const verify = (purpose: string): string =>
      execFileSync("openssl", ["verify", "-x509_strict", "-purpose", purpose, ...files], {
        cwd: directory,
        encoding: "utf8",
        stdio: "pipe",
      });
    expect(verify("sslclient")).toBe("device.crt: OK\n");
    expect(() => verify("sslserver")).toThrow();
  });

  it("then comes in for what its entry permits, and for nothing else", async () => {
    await configure([entry]);
    expect(await codeAt("/encrypt")).toBe("request_invalid");
    expect(await codeAt("/decrypt")).toBe("access_denied");
    expect(await codeAt("/claims")).toBe("access_denied");
  });

  it("renews by itself, with nothing but its directory", async () => {
    const before = serialNumber();
    const { code, stderr } = await runCli(["backend", "renew", "--dir", directory]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(serialNumber()).not.toBe(before);
    expect(await codeAt("/encrypt")).toBe("request_invalid");
  });

  it("is no device: device renew is refused, and leaves what is there", async () => {
    const before = serialNumber();
    const { code, stderr } = await runCli(["device", "renew", "--dir", directory]);
    expect({ code, stderr }).toMatchObject({ stderr: expect.stringContaining("[access_denied]") });
    expect(serialNumber()).toBe(before);
    expect(await codeAt("/encrypt")).toBe("request_invalid");
  });

  it("is out as soon as its entry is, and may still renew", async () => {
    await configure([]);
    expect(await codeAt("/encrypt")).toBe("access_denied");
    expect((await runCli(["backend", "renew", "--dir", directory])).code).toBe(0);
  });

  it("ends with its revocation; certified again it has another key", async () => {
    await configure([entry]);
    const revoked = presented();
    const argv = ["cert", "revoke", serialNumber(), "--reason", "keyCompromise"];
    expect((await fleetkey(...argv)).code).toBe(0);
    expect(await codeAt("/encrypt", revoked)).toBe("client_certificate_revoked");
    expect(await runCli(["backend", "renew", "--dir", directory])).toMatchObject({
      stderr: expect.stringContaining("fleetkey backend certify"),
    });
    expect((await approvedBy([owner], () => fleetkey(...certify))).code).toBe(0);
    expect(contentOf("device.key")).not.toBe(revoked.privateKey);
    expect(await codeAt("/encrypt")).toBe("request_invalid");
  });
});
