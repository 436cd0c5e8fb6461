/** Room: test. What a certificate costs by each credential: a fixed number of calls, whatever the fleet's size. */
import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClaim } from "../../core/enrollment/claim.ts";
import { type EnrollmentRequest, enroll, isPending } from "../../core/enrollment/enroll.ts";
import { decideEnrollmentRequest } from "../../core/enrollment/enrollment-request.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import type { App } from "../../core/ports.ts";
import { type CountingStore, countingStore } from "../support/counting-store.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { actor, enrolled, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";
import { forever, makeMaker, serialNumberSubject } from "./fixtures/maker.ts";

const maker = makeMaker();
let opened: FleetApp;
let items: CountingStore;
let keys: FaultyKeys;
let app: App;
beforeAll(async () => {
  opened = await openConfiguredFleet({
    accepts: ["token", "claim", "manufacturer", "key", "manual", "quarantine"],
    manufacturers: [{ id: "acme", certificate: maker.anchor, identifier: "serialNumber" }],
  });
  items = countingStore(opened.app.items);
  keys = faultyKeys(opened.app.keys);
  app = { ...opened.app, items, keys };
});
afterAll(() => opened.close());

async function claimed(): Promise<EnrollmentRequest> {
  const csr = deviceCsr(deviceKey());
  const { certificate } = await createClaim(app, { fleet, actor, claimId: "batch-1", csr });
  await register(app, ["claimed-1"]);
  return { fleet, certificate, csr: deviceCsr(deviceKey(), { commonName: "claimed-1" }) };
}

async function made(): Promise<EnrollmentRequest> {
  await register(app, [{ deviceId: "made-1", manufacturer: { id: "acme", serialNumber: "SN-1" } }]);
  const certificate = maker.certify({ subject: serialNumberSubject("SN-1"), validity: forever });
  return { fleet, certificate, csr: deviceCsr(deviceKey()) };
}

async function registered(): Promise<EnrollmentRequest> {
  const key = deviceKey();
  await register(app, [{ deviceId: "keyed-1", publicKeySha256: hash("sha256", key.spki) }]);
  return { fleet, csr: deviceCsr(key) };
}

async function approved(): Promise<EnrollmentRequest> {
  const request = { fleet, csr: deviceCsr(deviceKey(), { commonName: "asked-1" }) };
  const waiting = await enroll(app, request);
  if (!isPending(waiting)) expect.fail("it is not pending");
  const { requestId } = waiting;
  await decideEnrollmentRequest(app, { fleet, requestId, decision: "approve", actor });
  return request;
}

async function expired(): Promise<EnrollmentRequest> {
  const key = deviceKey();
  const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId: "back-1" });
  const { certificate } = await enroll(app, { fleet, token, csr: deviceCsr(key) });
  opened.clock.advance(100 * 86_400_000);
  return { fleet, previousCertificate: certificate, csr: deviceCsr(key) };
}

describe("a certificate costs two transactions and one signature by every credential", () => {
  it.each([
    {
      name: "claim: fleet, certificate, attempts, the device's newest certificate, claim with its counters, device",
      prepare: claimed,
      reads: 6,
    },
    { name: "manufacturer: fleet, attempts, the maker's identifier", prepare: made, reads: 3 },
    { name: "key: fleet, key", prepare: registered, reads: 2 },
    { name: "manual, once approved: fleet, key, device, request", prepare: approved, reads: 4 },
    { name: "quarantine: fleet, certificate, its successors, hold", prepare: expired, reads: 4 },
  ])("and $reads reads by $name", async ({ prepare, reads }) => {
    const request = await prepare();
    const [before, signatures] = [items.calls, keys.signatures];
    await enrolled(app, request);
    const { calls } = items;
    expect({
      reads: calls.reads - before.reads,
      transactions: calls.transactions - before.transactions,
      signatures: keys.signatures - signatures,
    }).toEqual({ reads, transactions: 2, signatures: 1 });
  });
});
