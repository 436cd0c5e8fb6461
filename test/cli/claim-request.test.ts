import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

let service: FakeService;
let place: string;
beforeEach(async () => {
  place = temporaryDirectory();
  service = await startFakeService();
  service.intercept = ({ path, body }) => {
    if (!path.endsWith("/claims")) return undefined;
    const { claimId, quota } = JSON.parse(body) as { claimId: string; quota: number };
    const times = { notBefore: "2026-01-01T00:00:00Z", notAfter: "2099-01-01T00:00:00Z" };
    const renewAfter = "2098-01-01T00:00:00Z";
    const pem = { serialNumber: "0a", certificate: "certificate\n", chain: "chain\n" };
    return { status: 201, body: { claimId, quota, ...pem, ...times, renewAfter } };
  };
});
afterEach(() => service.close());

const create = (...argv: string[]) =>
  runCli(["claim", "create", "batch-1", "--quota", "5", ...argv, ...service.flags]);
const sentCsrs = () => service.requests.map(({ body }) => (JSON.parse(body) as { readonly csr: string }).csr);

describe("claim create", () => {
  it("keeps the key for its owner alone, and asks with the same request when it is run again", async () => {
    const directory = join(place, "claim");
    expect((await create("--out", directory)).code).toBe(0);
    expect((await create("--out", directory)).code).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(["claim.crt", "claim.csr", "claim.key"]);
    expect(statSync(join(directory, "claim.key")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "claim.crt"), "utf8")).toBe("certificate\nchain\n");
    expect(new Set(sentCsrs()).size).toBe(1);
  });

  it("--csr sends a request made elsewhere; the directory holds no key", async () => {
    const { csr } = await makeDeviceKey("batch-1", "P-256");
    const file = join(place, "batch.csr");
    writeFileSync(file, csr);
    const directory = join(place, "claim");
    expect((await create("--csr", file, "--out", directory)).code).toBe(0);
    expect(readdirSync(directory)).toEqual(["claim.crt"]);
    expect(sentCsrs()).toEqual([csr]);
  });

  it("--csr is not mixed with a key of ours, whose certificate would be lost", async () => {
    const directory = join(place, "claim");
    await create("--out", directory);
    const before = readFileSync(join(directory, "claim.crt"), "utf8");
    const { csr } = await makeDeviceKey("batch-1", "P-256");
    writeFileSync(join(place, "batch.csr"), csr);
    expect(await create("--csr", join(place, "batch.csr"), "--out", directory)).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/\[identity_conflict\]\n.+--out/),
    });
    expect(readFileSync(join(directory, "claim.crt"), "utf8")).toBe(before);
    expect(service.requests).toHaveLength(1);
  });

  it("--csr whose proof of possession is wrong, or that is none, is refused before it is sent", async () => {
    const file = join(place, "batch.csr");
    const { csr } = await makeDeviceKey("batch-1", "P-256");
    const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ""), "base64");
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    for (const content of [der, Buffer.from("nothing of the kind")]) {
      writeFileSync(file, content);
      const { code, stderr } = await create("--csr", file, "--out", join(place, "claim"));
      expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/\[csr_\w+\]/) });
    }
    expect(service.requests).toEqual([]);
    expect(existsSync(join(place, "claim", "claim.crt"))).toBe(false);
  });
});
