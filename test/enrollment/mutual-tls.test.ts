/** Room: test. Two devices in two processes shake hands over mutual TLS with the certificates they were issued. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type DeviceAlgorithm, deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

const peer = join(import.meta.dirname, "fixtures/tls-peer.ts");

/** Enrols `deviceId` at `opened` and trusts `trusted`'s root; returns its directory. */
async function device(opened: FleetApp, trusted: FleetApp, deviceId: string, algorithm: DeviceAlgorithm) {
  const directory = join(opened.directory, deviceId);
  await mkdir(directory);
  const key = deviceKey(algorithm);
  const { token } = await createEnrollmentToken(opened.app, {
    fleet,
    actor: "operator:operator-1",
    deviceId,
  });
  const issued = await enroll(opened.app, { fleet, token, csr: deviceCsr(key) });
  await writeFile(join(directory, "device.key"), key.privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(directory, "fullchain.pem"), issued.certificate + issued.chain);
  await writeFile(join(directory, "root.pem"), await trustBundlePem(trusted.app, { fleet }));
  return directory;
}

interface Handshake {
  readonly server: string | undefined;
  readonly client: string | undefined;
}

async function handshake(serverDirectory: string, clientDirectory: string): Promise<Handshake> {
  const server = spawn(process.execPath, [peer, "listen", serverDirectory], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const port = String((await lines.next()).value);
  const client = spawn(process.execPath, [peer, port, clientDirectory], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const seen: string[] = [];
  client.stdout.on("data", (data: Buffer) => seen.push(data.toString()));
  await once(client, "close");
  const first = await Promise.race([lines.next(), sleep(10_000, undefined, { ref: false })]);
  server.kill();
  return { server: first?.value, client: seen.join("").trim() || undefined };
}

let ours: FleetApp;
let foreign: FleetApp;
beforeAll(async () => {
  [ours, foreign] = await Promise.all([openFleetApp(), openFleetApp()]);
});
afterAll(() => Promise.all([ours.close(), foreign.close()]));

describe("two processes with device certificates", () => {
  it.each(["P-256", "P-384", "Ed25519", "RSA-2048", "ML-DSA-65"] as const)(
    "%s: accept each other",
    async (algorithm) => {
      const suffix = algorithm.toLowerCase();
      const one = await device(ours, ours, `one-${suffix}`, algorithm);
      const two = await device(ours, ours, `two-${suffix}`, algorithm);
      const { server, client } = await handshake(one, two);
      const uri = (id: string) => `URI:spiffe://example.test/fleet/default/device/${id}-${suffix}`;
      expect(JSON.parse(server ?? "{}")).toEqual({ authorized: true, peer: uri("two"), protocol: "TLSv1.3" });
      expect(JSON.parse(client ?? "{}")).toEqual({ authorized: true, peer: uri("one"), protocol: "TLSv1.3" });
    },
  );

  it("a device of another fleet is refused by its peer", async () => {
    const server = await device(ours, ours, "guard", "P-256");
    const stranger = await device(foreign, ours, "stranger", "P-256");
    expect((await handshake(server, stranger)).server).toBeUndefined();
  });
});
