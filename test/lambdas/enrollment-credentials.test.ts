/** Room: test. Enrolment credentials, claims, decisions and devices over HTTP: the forms, the answers, the doors. */
import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePem } from "../../core/formats/pem.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import * as answers from "../../lambdas/http/access-answers.ts";
import type { HttpResult } from "../../lambdas/http/message.ts";
import { configure, openConfiguredFleet } from "../enrollment/fixtures/configured-fleet.ts";
import { forever, makeMaker, serialNumberSubject } from "../enrollment/fixtures/maker.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import { deviceOf, operatorOf, tokenOf } from "./fleet-callers.ts";
import { type EventOptions, gatewayEvent } from "./gateway-event.ts";

const maker = makeMaker();
const principal = "arn:aws:sts::123456789012:assumed-role/factory/line-1";
let opened: FleetApp;
let operator: string;
let call: (options: EventOptions) => Promise<HttpResult>;
beforeAll(async () => {
  opened = await openConfiguredFleet({
    accepts: ["token", "claim", "manufacturer", "key", "manual", "quarantine"],
    manufacturers: [{ id: "acme", certificate: maker.anchor, identifier: "serialNumber" }],
    pipelines: [
      { kind: "iam", id: "factory", operations: ["registerDevices"], profiles: ["device"], principal },
      {
        kind: "iam",
        id: "reader",
        operations: ["getCertificate"],
        profiles: [],
        principal: `${principal}-r`,
      },
    ],
  });
  operator = (await operatorOf(opened.app, fleet)).certificate;
  const { enrollment } = handlersOf(opened.app);
  call = (options) => enrollment(gatewayEvent(options));
});
afterAll(() => opened.close());

const base = `/v1/fleets/${fleet}`;
const json = { "content-type": "application/json" };
const body = (result: HttpResult): Record<string, unknown> => JSON.parse(result.body);
const csrPem = (key: DeviceKey, commonName?: string) =>
  encodePem("CERTIFICATE REQUEST", deviceCsr(key, commonName === undefined ? {} : { commonName }));

const post = (path: string, content: unknown, certificate = operator) =>
  call({ method: "POST", path: `${base}${path}`, headers: json, body: JSON.stringify(content), certificate });
const get = (path: string, certificate = operator) => call({ path: `${base}${path}`, certificate });

/** As a device, with a client certificate or without. */
function enroll(content: unknown, certificate?: string): Promise<HttpResult> {
  const own = { method: "POST", path: `${base}/certificates`, headers: json, body: JSON.stringify(content) };
  return call(certificate === undefined ? own : { ...own, certificate });
}

function expectAnswer(result: HttpResult, status: number): Record<string, unknown> {
  expect(result.statusCode, result.body).toBe(status);
  return body(result);
}

const expectProblem = (result: HttpResult, status: number, code: string) =>
  expect(expectAnswer(result, status)).toMatchObject({ status, code });

describe("the inventory over HTTP", () => {
  it("takes rows, tells of each that is refused, and shows a device", async () => {
    const devices = [{ deviceId: "pump-1" }, { deviceId: "x@example.test" }, { deviceId: "pump-1" }];
    // The form of an id is the schema's; what only core knows is told by row.
    expectProblem(await post("/devices", { devices }), 422, "name_not_permitted");
    const good = [{ deviceId: "pump-1" }, { deviceId: "PUMP-1" }, { deviceId: "pump-1" }];
    const result = expectAnswer(await post("/devices", { devices: good }), 200);
    expect(answers.registrations.parse(result)).toMatchObject({
      registered: 1,
      unchanged: 1,
      refused: [{ row: 1, code: "already_exists" }],
    });
    const device = answers.device.parse(expectAnswer(await get("/devices/pump-1"), 200));
    expect(device).toMatchObject({ deviceId: "pump-1", state: "registered" });
  });

  it("is changed by an operator, and a device that is suspended cannot even ask how it stands", async () => {
    const { certificate } = await deviceOf(opened.app, fleet, "pump-2");
    expect(answers.device.parse(expectAnswer(await get("/device", certificate), 200))).toMatchObject({
      deviceId: "pump-2",
      state: "active",
    });
    const suspended = await post("/devices/pump-2/state", { state: "suspended" });
    expect(answers.device.parse(expectAnswer(suspended, 200))).toMatchObject({ state: "suspended" });
    expectProblem(await get("/device", certificate), 403, "device_not_active");
    expectAnswer(await post("/devices/pump-2/state", { state: "active" }), 200);
    expectAnswer(await get("/device", certificate), 200);
    expectProblem(await post("/devices/pump-2/state", { state: "quarantined" }), 400, "request_invalid");
    expectProblem(await post("/devices/nobody/state", { state: "retired" }), 404, "not_found");
  });

  it("takes rows from a pipeline that signs with IAM, of its profiles, where the fleet lets it", async () => {
    const register = (own: string) =>
      call({
        method: "POST",
        path: `/v1/iam/fleets/${fleet}/devices`,
        headers: json,
        body: JSON.stringify({ devices: [{ deviceId: "pump-3" }] }),
        principal: own,
      });
    expect(expectAnswer(await register(principal), 200)).toMatchObject({ registered: 1 });
    expectProblem(await register(`${principal}-r`), 403, "access_denied");
  });
});

describe("claims over HTTP", () => {
  it("are made, enrol, are counted and shown", async () => {
    const made = await post("/claims", { claimId: "batch-1", csr: csrPem(deviceKey()), quota: 2 });
    const claim = answers.issuedClaim.parse(expectAnswer(made, 201));
    expect(made.headers["location"]).toBe(`${base}/claims/batch-1`);
    await post("/devices", { devices: [{ deviceId: "bed-1" }] });
    expectAnswer(await enroll({ csr: csrPem(deviceKey()), deviceId: "bed-1" }, claim.certificate), 201);
    expectProblem(
      await enroll({ csr: csrPem(deviceKey(), "bed-9") }, claim.certificate),
      403,
      "device_unknown",
    );
    const shown = answers.claim.parse(expectAnswer(await get("/claims/batch-1"), 200));
    expect(shown).toMatchObject({ quota: 2, used: 1, serialNumber: claim.serialNumber, status: "active" });
    expectProblem(await get("/claims/batch-2"), 404, "not_found");
    // A claim is no operator and no device.
    expectProblem(await get("/claims/batch-1", claim.certificate), 403, "access_denied");
    expectProblem(await get("/device", claim.certificate), 403, "access_denied");
  });
});

describe("enrolment without a token over HTTP", () => {
  it("by a registered key and by the maker's certificate, with 201 and the place of the certificate", async () => {
    const key = deviceKey();
    const devices = [
      { deviceId: "lamp-1", publicKeySha256: hash("sha256", key.spki) },
      { deviceId: "lamp-2", manufacturer: { id: "acme", serialNumber: "SN-1" } },
    ];
    expectAnswer(await post("/devices", { devices }), 200);
    const byKey = await enroll({ csr: csrPem(key) });
    expect(byKey.headers["location"]).toBe(
      `${base}/certificates/${String(expectAnswer(byKey, 201)["serialNumber"])}`,
    );
    const idevid = maker.certify({ subject: serialNumberSubject("SN-1"), validity: forever });
    expectAnswer(await enroll({ csr: csrPem(deviceKey()) }, idevid), 201);
  });

  it("RFC 7030 §4.2.3: 202 with Retry-After until an operator decides, in JSON whatever is accepted", async () => {
    const csr = csrPem(deviceKey(), "scale-1");
    const waiting = await call({
      method: "POST",
      path: `${base}/certificates`,
      headers: { "content-type": "application/pkcs10", accept: "application/pem-certificate-chain" },
      body: csr,
    });
    const { requestId } = expectAnswer(waiting, 202);
    expect(waiting.headers).toMatchObject({
      "retry-after": "60",
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    const list = answers.enrollmentRequestList.parse(expectAnswer(await get("/enrollment-requests"), 200));
    expect(list.requests).toMatchObject([{ requestId, deviceId: "scale-1", state: "pending" }]);
    const decision = await post(`/enrollment-requests/${String(requestId)}/decision`, {
      decision: "approve",
    });
    expect(answers.enrollmentRequest.parse(expectAnswer(decision, 200))).toMatchObject({ state: "approved" });
    expectAnswer(await enroll({ csr }), 201);
    expectProblem(
      await post(`/enrollment-requests/${"0".repeat(64)}/decision`, { decision: "deny" }),
      404,
      "not_found",
    );
  });

  it("a denied request: 403 enrollment_denied", async () => {
    const csr = csrPem(deviceKey(), "scale-2");
    const { requestId } = expectAnswer(await enroll({ csr }), 202);
    expectAnswer(await post(`/enrollment-requests/${String(requestId)}/decision`, { decision: "deny" }), 200);
    expectProblem(await enroll({ csr }), 403, "enrollment_denied");
  });

  it("into quarantine and out of it: previousCertificate beside the CSR, then renewal for profile device", async () => {
    const own = await openConfiguredFleet({ accepts: ["token", "quarantine"] });
    const { enrollment } = handlersOf(own.app);
    const key = deviceKey();
    const token = await tokenOf(own.app, fleet, "pump-1");
    const send = (path: string, content: unknown, more: Partial<EventOptions> = {}) =>
      enrollment(
        gatewayEvent({
          method: "POST",
          path: `${base}${path}`,
          headers: json,
          body: JSON.stringify(content),
          ...more,
        }),
      );
    const first = await send(
      "/certificates",
      { csr: csrPem(key) },
      { headers: { ...json, authorization: `Bearer ${token}` } },
    );
    const previousCertificate = String(expectAnswer(first, 201)["certificate"]);
    own.clock.advance(100 * 86_400_000);
    const back = await send("/certificates", { csr: csrPem(key), previousCertificate });
    const certificate = String(expectAnswer(back, 201)["certificate"]);
    const device = await enrollment(gatewayEvent({ path: `${base}/device`, certificate }));
    expect(expectAnswer(device, 200)).toMatchObject({ state: "quarantined" });
    const renewal = { csr: csrPem(deviceKey()), profile: "device" };
    expectProblem(await send("/certificates/renew", renewal, { certificate }), 403, "device_not_active");
    const officer = (await operatorOf(own.app, fleet, "operator-2")).certificate;
    const released = await send("/devices/pump-1/state", { state: "active" }, { certificate: officer });
    expectAnswer(released, 200);
    expectAnswer(await send("/certificates/renew", renewal, { certificate }), 201);
    await own.close();
  });

  it("nothing presented and nothing accepted that needs nothing: 401 credential_missing", async () => {
    await addFleet(opened.app, "clinic");
    const path = "/v1/fleets/clinic/certificates";
    const ask = () =>
      call({ method: "POST", path, headers: json, body: JSON.stringify({ csr: csrPem(deviceKey()) }) });
    expectProblem(await ask(), 401, "credential_missing");
    await configure(opened.app, { accepts: ["key"] }, "clinic");
    expectProblem(await ask(), 403, "device_unknown");
  });
});
