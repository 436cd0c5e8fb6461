/** Room: test. What a certificate costs, call by call: the figures of the design page, and no call more. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { type CountingStore, countingStore } from "../support/counting-store.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, type FleetPorts, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

interface Costs {
  readonly reads: number;
  readonly transactions: number;
  readonly signatures: number;
}

let opened: FleetApp;
let items: CountingStore;
let keys: FaultyKeys;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openFleetApp();
  items = countingStore(opened.app.items);
  keys = faultyKeys(opened.app.keys);
  app = { ...opened.app, items, keys };
});
afterAll(() => opened.close());

const spent = (): Costs => ({ ...items.calls, signatures: keys.signatures });

/** What `act` alone costs. */
async function costsOf(act: () => Promise<unknown>): Promise<Costs> {
  const before = spent();
  await act();
  const after = spent();
  return {
    reads: after.reads - before.reads,
    transactions: after.transactions - before.transactions,
    signatures: after.signatures - before.signatures,
  };
}

let devices = 0;
async function newRequest() {
  devices += 1;
  const ask = { fleet, actor: "operator:operator-1", deviceId: `pump-${devices}` };
  const { token } = await createEnrollmentToken(app, ask);
  return { fleet, token, csr: deviceCsr(deviceKey()) };
}

/** A renewal as a device asks for it: through the door each time. */
async function newRenewal() {
  const { certificate } = await enroll(app, await newRequest());
  const ask = async (csr = deviceCsr(deviceKey())) => {
    const client = await authenticateClientCertificate(app, { certificate });
    return renew(app, { fleet, client, csr });
  };
  return ask;
}

// The design page: one signature, at most two transactions and two reads per certificate.
const certificate: Costs = { reads: 2, transactions: 2, signatures: 1 };

describe("a certificate costs two reads, two transactions and one signature", () => {
  it("at enrolment: the token, the fleet", async () => {
    const request = await newRequest();
    expect(await costsOf(() => enroll(app, request))).toEqual(certificate);
  });

  it("at the first renewal, the door's check included: the fleet, the presented certificate", async () => {
    const ask = await newRenewal();
    expect(await costsOf(() => ask())).toEqual(certificate);
  });

  it("at enrolment and renewal over HTTP, where nothing is read besides", async () => {
    const { enrollment } = handlersOf(app);
    const { token, csr } = await newRequest();
    const path = `/v1/fleets/${fleet}/certificates`;
    const pkcs10 = { "content-type": "application/pkcs10" };
    const bearer = { ...pkcs10, authorization: `Bearer ${token}` };
    let pem = "";
    const enrolment = await costsOf(async () => {
      const event = gatewayEvent({ method: "POST", path, headers: bearer, body: csr });
      const { statusCode, body } = await enrollment(event);
      expect(statusCode, body).toBe(201);
      pem = String(JSON.parse(body).certificate);
    });
    const body = encodePem("CERTIFICATE REQUEST", deviceCsr(deviceKey()));
    const renewal = await costsOf(async () => {
      const at = { method: "POST", path: `${path}/renew`, headers: pkcs10 };
      const result = await enrollment(gatewayEvent({ ...at, body, certificate: pem }));
      expect(result.statusCode, result.body).toBe(201);
    });
    expect([enrolment, renewal]).toEqual([certificate, certificate]);
  });

  it("at a later renewal on one certificate one read more: its answer may be on record", async () => {
    const ask = await newRenewal();
    await ask();
    expect(await costsOf(() => ask())).toEqual({ ...certificate, reads: 3 });
  });
});

describe("what makes no certificate makes no signature and writes nothing", () => {
  const retry: Costs = { reads: 4, transactions: 0, signatures: 0 };

  it("a retry of an enrolment: the token, the fleet, the request, its certificate", async () => {
    const request = await newRequest();
    await enroll(app, request);
    expect(await costsOf(() => enroll(app, request))).toEqual(retry);
  });

  it("a retry of a renewal: the fleet, the presented certificate, the request, its certificate", async () => {
    const ask = await newRenewal();
    const csr = deviceCsr(deviceKey());
    await ask(csr);
    expect(await costsOf(() => ask(csr))).toEqual(retry);
  });

  it("a refused request: the two reads that find it out", async () => {
    const { token } = await newRequest();
    const csr = deviceCsr(deviceKey(), { commonName: "another" });
    const refused = async () =>
      expect(await codeOf(enroll(app, { fleet, token, csr }))).toBe("csr_subject_mismatch");
    expect(await costsOf(refused)).toEqual({ reads: 2, transactions: 0, signatures: 0 });
  });

  it("a request without proof of possession: not one call", async () => {
    const { token, csr } = await newRequest();
    const forged = Buffer.from(csr);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    const refused = async () =>
      expect(await codeOf(enroll(app, { fleet, token, csr: forged }))).toBe("csr_signature_invalid");
    expect(await costsOf(refused)).toEqual({ reads: 0, transactions: 0, signatures: 0 });
  });
});
