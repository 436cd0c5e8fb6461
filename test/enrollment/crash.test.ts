/** Room: test. kill -9 at every await of issuance: nothing lost, nothing doubled, nothing unrecorded. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { findCertificate, leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { reconcile } from "../../core/enrollment/reconciler.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { decodeTbsCertificate, serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import { openPartition } from "../../core/records/certificate-record.ts";
import { shards } from "../../core/records/shard.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { crash } from "./fixtures/crash.ts";

async function openIntents(fleet: FleetApp): Promise<number> {
  const pages = await Promise.all(
    shards.map((shard) => fleet.app.items.query({ index: "open", pk: openPartition(shard), limit: 1000 })),
  );
  return pages.reduce((count, page) => count + page.items.length, 0);
}

function signedSerials(directory: string): string[] {
  const lines = readFileSync(join(directory, "signed"), "utf8").trim().split("\n");
  return lines.map((line) => serialNumberHex(decodeTbsCertificate(Buffer.from(line, "base64")).serialNumber));
}

describe("kill -9 at every await of issuance", () => {
  let fleet: FleetApp;
  beforeAll(async () => {
    fleet = await openFleetApp({ onDisk: true });
  });
  afterAll(() => fleet.close());

  it("leaves no duplicate serial, no unrecorded certificate, no open intent, and the retry gets the answer", async () => {
    const { app, clock, directory } = fleet;
    const answers = new Map<string, { token: string; csr: Buffer }>();
    let kills = 0;
    let left = 0;
    for (let target = 1; ; target += 1) {
      const deviceId = `pump-${target}`;
      const { token } = await createEnrollmentToken(app, {
        fleet: testFleet,
        actor: "operator:operator-1",
        deviceId,
      });
      const csr = deviceCsr(deviceKey(), { commonName: deviceId });
      const { killed, output } = await crash(directory, { token }, csr, target);
      left += await openIntents(fleet);
      // Half of the crashes are mended by the reconciler, half by the device's own retry.
      clock.advance(leaseMilliseconds + 1);
      if (target % 2 === 0) expect(await reconcile(app)).toMatchObject({ failed: 0, closed: 0 });
      const issued = await enroll(app, { fleet: testFleet, token, csr });
      expect(answers.has(issued.serialNumber)).toBe(false);
      answers.set(issued.serialNumber, { token, csr });
      expect(await openIntents(fleet)).toBe(0);
      if (!killed) {
        expect(output.split(" ")[0]).toBe(issued.serialNumber);
        break;
      }
      kills += 1;
    }
    // A kill before the intent leaves nothing, one after it an open intent: both kinds must have been met.
    expect(kills).toBeGreaterThan(20);
    expect(left).toBeGreaterThan(3);
    expect(left).toBeLessThan(kills);
    const list = await listCertificates(app, { fleet: testFleet, limit: 998 });
    const devices = list.certificates.filter((certificate) => certificate.subjectKind === "device");
    expect(devices.map(({ serialNumber }) => serialNumber).sort()).toEqual([...answers.keys()].sort());
    for (const serialNumber of signedSerials(directory)) {
      expect((await findCertificate(app, testFleet, serialNumber))?.value.state).toBe("issued");
    }
    for (const [serialNumber, { token, csr }] of answers) {
      expect((await enroll(app, { fleet: testFleet, token, csr })).serialNumber).toBe(serialNumber);
    }
  }, 240_000);
});
