/** Room: test. kill -9 at every await of the responder's certification: one certificate, whatever was left behind. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { decodeTbsCertificate, serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import { findResponders } from "../../core/ocsp/certified-responders.ts";
import { tendResponders } from "../../core/ocsp/responder.ts";
import { addFleet, type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { origin } from "./answering-fleet.ts";

const script = join(import.meta.dirname, "fixtures", "crashing-tender.ts");

/** Kills a tender of `fleet` at its n-th await. False when it came to its end before. */
function crash(directory: string, fleet: string, target: number): Promise<boolean> {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, directory, fleet, String(target)], { env }, (error, _, stderr) => {
      if (error === null) resolve(false);
      else if (error.signal === "SIGKILL") resolve(true);
      else reject(new Error(`the tender failed instead of being killed: ${stderr}`));
    });
  });
}

/** Serial numbers of all certificates that were signed; requests that the responder's key signed are none. */
function signedSerials(directory: string): readonly string[] {
  const lines = readFileSync(join(directory, "signed"), "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    try {
      return [serialNumberHex(decodeTbsCertificate(Buffer.from(line, "base64")).serialNumber)];
    } catch {
      return [];
    }
  });
}

describe("kill -9 at every await of tendResponders", () => {
  let opened: FleetApp;
  beforeAll(async () => {
    opened = await openFleetApp({ onDisk: true });
  });
  afterAll(() => opened.close());

  it("leaves at most one certificate, which the next run puts in place", async () => {
    const { app, clock, directory } = opened;
    const recorded = new Set<string>();
    let kills = 0;
    for (let target = 1; ; target += 1) {
      const fleet = `fleet-${target}`;
      await addFleet(app, fleet);
      await moveOrigin(app, fleet, origin);
      const killed = await crash(directory, fleet, target);
      clock.advance(leaseMilliseconds + 1);
      await tendResponders(app, await getFleet(app, fleet));
      const responders = await findResponders(app, fleet);
      expect([...responders.keys()]).toEqual(["issuing-1"]);
      recorded.add(responders.get("issuing-1")?.value.serialNumber ?? "");
      if (!killed) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(20);
    expect(recorded.size).toBe(kills + 1);
    // What a killed tender signed is what was put in place: no certificate is out that nobody knows.
    for (const serialNumber of signedSerials(directory)) expect(recorded).toContain(serialNumber);
  }, 480_000);
});
