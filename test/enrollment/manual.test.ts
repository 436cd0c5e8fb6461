/** Room: test. Enrolment that an operator decides: what waits, who decides, and what a flood costs. */
import { hash, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getDevice, setDeviceState } from "../../core/enrollment/device.ts";
import { enroll, isPending } from "../../core/enrollment/enroll.ts";
import { decideEnrollmentRequest, listEnrollmentRequests } from "../../core/enrollment/enrollment-request.ts";
import { AppError } from "../../core/errors.ts";
import type { App } from "../../core/ports.ts";
import { requestPartition } from "../../core/records/enrollment-request-record.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { addFleet, type FleetApp, testFleet as fleet } from "../support/fleet-app.ts";
import {
  actor,
  configure,
  enrolled,
  issued,
  openConfiguredFleet,
  register,
} from "./fixtures/configured-fleet.ts";

const day = 86_400_000;
let opened: FleetApp;
let app: App;
beforeAll(async () => {
  opened = await openConfiguredFleet({ accepts: ["manual"], deviceIdPrefixes: ["pump-"] });
  app = opened.app;
  await addFleet(app, "clinic");
  await configure(app, { accepts: ["manual"] }, "clinic");
});
afterAll(() => opened.close());

let devices = 0;
function newRequest() {
  devices += 1;
  const deviceId = `pump-${devices}`;
  const key = deviceKey();
  return { deviceId, key, request: { fleet, csr: deviceCsr(key, { commonName: deviceId }) } };
}

type Request = ReturnType<typeof newRequest>["request"];

async function pendingId(request: Request, own = app): Promise<string> {
  const answer = await enroll(own, request);
  return isPending(answer) ? answer.requestId : expect.fail("it is not pending");
}

const decide = (requestId: string, decision: "approve" | "deny", by = actor) =>
  decideEnrollmentRequest(app, { fleet, requestId, decision, actor: by });

async function listed(requestId: string) {
  return (await listEnrollmentRequests(app, fleet)).find((each) => each.requestId === requestId);
}

describe("a request without a credential", () => {
  it("RFC 7030 §4.2.3: waits, is told when to come back, and is shown with its key's fingerprint", async () => {
    const { deviceId, key, request } = newRequest();
    const answer = await enroll(app, request);
    expect(answer).toEqual({ status: "pending", requestId: expect.any(String), retryAfter: 60 });
    const requestId = await pendingId(request);
    expect(await listed(requestId)).toMatchObject({
      deviceId,
      state: "pending",
      keyAlgorithm: "P-256",
      keySha256: hash("sha256", key.spki),
    });
  });

  it("stays one request, however often it is repeated at once", async () => {
    const { deviceId, request } = newRequest();
    await Promise.all(Array.from({ length: 50 }, () => pendingId(request)));
    const list = await listEnrollmentRequests(app, fleet);
    expect(list.filter((each) => each.deviceId === deviceId)).toHaveLength(1);
  });

  it("gets its certificate once it is approved, the same each time, with one signature", async () => {
    const { deviceId, request } = newRequest();
    const requestId = await pendingId(request);
    await decide(requestId, "approve");
    expect(await listed(requestId)).toMatchObject({ state: "approved" });
    const keys = faultyKeys(app.keys);
    const answers = await Promise.all(Array.from({ length: 20 }, () => enrolled({ ...app, keys }, request)));
    expect(new Set(answers.map(({ certificate }) => certificate)).size).toBe(1);
    expect(keys.signatures).toBe(1);
    expect(new X509Certificate(answers[0]?.certificate ?? "").subject).toBe(`CN=${deviceId}`);
    expect(await listed(requestId)).toBeUndefined();
    expect(await getDevice(app, fleet, deviceId)).toMatchObject({ state: "active" });
  });

  it("has an approval for exactly that request: another key in the same name waits by itself", async () => {
    const { deviceId, request } = newRequest();
    await decide(await pendingId(request), "approve");
    const another = { fleet, csr: deviceCsr(deviceKey(), { commonName: deviceId }) };
    expect(isPending(await enroll(app, another))).toBe(true);
  });

  it("is told that it was denied, and is not asked about again", async () => {
    const { deviceId, request } = newRequest();
    const requestId = await pendingId(request);
    await decide(requestId, "deny");
    expect(await codeOf(enroll(app, request))).toBe("enrollment_denied");
    expect(await listed(requestId)).toMatchObject({ state: "denied" });
    // A denial makes no device known.
    expect(await codeOf(getDevice(app, fleet, deviceId))).toBe("not_found");
  });

  it("sent again in another device's name is refused: what the operator sees stays true", async () => {
    const csr = deviceCsr(deviceKey());
    await enroll(app, { fleet, csr, deviceId: "pump-known-1" });
    expect(await codeOf(enroll(app, { fleet, csr, deviceId: "pump-known-2" }))).toBe("credential_spent");
  });

  it("is named as the inventory spells the device", async () => {
    await register(app, ["pump-Spelled"]);
    const csr = deviceCsr(deviceKey(), { commonName: "PUMP-SPELLED" });
    // The prefix is the inventory's spelling's, too.
    const requestId = await pendingId({ fleet, csr });
    await decide(requestId, "approve");
    const { certificate } = issued(await enroll(app, { fleet, csr }));
    expect(new X509Certificate(certificate).subject).toBe("CN=pump-Spelled");
  });

  it("is served though the device was registered meanwhile, in other letters", async () => {
    const csr = deviceCsr(deviceKey(), { commonName: "pump-late" });
    const requestId = await pendingId({ fleet, csr });
    await register(app, ["pump-LATE"]);
    await decide(requestId, "approve");
    const { certificate } = issued(await enroll(app, { fleet, csr }));
    expect(new X509Certificate(certificate).subject).toBe("CN=pump-LATE");
  });

  it("for another profile than a device's is refused before anybody is asked", async () => {
    const { request } = newRequest();
    expect(await codeOf(enroll(app, { ...request, profile: "operator" }))).toBe("profile_not_permitted");
    expect(await codeOf(enroll(app, { ...request, profile: "quarantine" }))).toBe("profile_not_permitted");
  });

  it("is another one in another fleet", async () => {
    const { request } = newRequest();
    const requestId = await pendingId(request);
    const there = { fleet: "clinic", requestId, decision: "approve", actor } as const;
    expect(await codeOf(decideEnrollmentRequest(app, there))).toBe("not_found");
    await decide(requestId, "approve");
    expect(isPending(await enroll(app, { ...request, fleet: "clinic" }))).toBe(true);
  });

  it.each([
    { name: "no name", csr: () => deviceCsr(deviceKey()), expected: "request_invalid" },
    {
      name: "a name that the fleet does not give",
      csr: () => deviceCsr(deviceKey(), { commonName: "lamp-1" }),
      expected: "name_not_permitted",
    },
    {
      name: "a name shaped like a datum of a person",
      csr: () => deviceCsr(deviceKey(), { commonName: "jane@example.test" }),
      expected: "name_not_permitted",
    },
    {
      name: "no proof of possession",
      csr: () => deviceCsr({ ...deviceKey(), privateKey: deviceKey().privateKey }, { commonName: "pump-x" }),
      expected: "csr_signature_invalid",
    },
  ])("with $name nobody is asked: $expected", async ({ csr, expected }) => {
    const before = await listEnrollmentRequests(app, fleet);
    expect(await codeOf(enroll(app, { fleet, csr: csr() }))).toBe(expected);
    expect(await listEnrollmentRequests(app, fleet)).toEqual(before);
  });

  it("of a retired device cannot be approved, and of a suspended one is not served", async () => {
    const { deviceId, request } = newRequest();
    await register(app, [deviceId]);
    const requestId = await pendingId(request);
    await decide(requestId, "approve");
    await setDeviceState(app, { fleet, deviceId, state: "suspended", actor });
    expect(await codeOf(enroll(app, request))).toBe("device_not_active");
    const another = { fleet, csr: deviceCsr(deviceKey(), { commonName: deviceId }) };
    const second = await pendingId(another);
    await setDeviceState(app, { fleet, deviceId, state: "retired", actor });
    expect(await codeOf(decide(second, "approve"))).toBe("device_not_active");
  });
});

describe("a decision", () => {
  it("is made once: repeated it is the same, the opposite is refused", async () => {
    const requestId = await pendingId(newRequest().request);
    const first = await decide(requestId, "approve");
    expect(await decide(requestId, "approve", "operator:operator-2")).toEqual(first);
    expect(await codeOf(decide(requestId, "deny"))).toBe("already_exists");
  });

  it("of many at once one counts, and all learn it", async () => {
    const requestId = await pendingId(newRequest().request);
    const outcomes = await Promise.all(
      (["approve", "deny", "approve", "deny"] as const).map((decision) =>
        decide(requestId, decision).then(
          ({ state }) => state,
          (error: unknown) => (error instanceof AppError ? error.code : String(error)),
        ),
      ),
    );
    const state = (await listed(requestId))?.state;
    expect(outcomes.filter((outcome) => outcome === state)).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === "already_exists")).toHaveLength(2);
  });

  it("is recorded with who made it, in its own transaction", async () => {
    const requestId = await pendingId(newRequest().request);
    const items = faultyStore(app.items, () => "none");
    await decideEnrollmentRequest({ ...app, items }, { fleet, requestId, decision: "deny", actor });
    expect(items.kept.map(({ attributes }) => attributes)).toMatchObject([
      { requestId, state: "denied", decidedBy: actor },
      { action: "enrollment-request.decided", actor, subject: requestId, reason: "denied" },
    ]);
  });

  it("of a request that nobody made is not found", async () => {
    expect(await codeOf(decide("0".repeat(64), "approve"))).toBe("not_found");
    expect(await codeOf(decide("nonsense", "deny"))).toBe("not_found");
  });

  it("comes too late after a day, and an approval that is not used within a week is over", async () => {
    const own = await openConfiguredFleet({ accepts: ["manual"] });
    const one = { fleet, csr: deviceCsr(deviceKey(), { commonName: "pump-1" }) };
    const two = { fleet, csr: deviceCsr(deviceKey(), { commonName: "pump-2" }) };
    const [first, second] = [await pendingId(one, own.app), await pendingId(two, own.app)];
    const decideOwn = (requestId: string) =>
      decideEnrollmentRequest(own.app, { fleet, requestId, decision: "approve", actor });
    await decideOwn(second);
    own.clock.advance(day + 1);
    expect(await codeOf(decideOwn(first))).toBe("not_found");
    expect(await listEnrollmentRequests(own.app, fleet)).toMatchObject([{ requestId: second }]);
    own.clock.advance(6 * day);
    expect(isPending(await enroll(own.app, two))).toBe(true);
    await own.close();
  });
});

describe("a flood of requests", () => {
  it("takes 1,024 places and no more; who finds none is told when to come back", async () => {
    const own = await openConfiguredFleet({ accepts: ["manual"] });
    const key = deviceKey();
    const outcomes: string[] = [];
    const refusals: AppError[] = [];
    for (let start = 0; start < 3_000; start += 100) {
      const requests = Array.from({ length: 100 }, (_, index) => ({
        fleet,
        csr: deviceCsr(key, { commonName: `pump-${start + index}` }),
      }));
      const answers = requests.map((request) =>
        enroll(own.app, request).then(
          () => outcomes.push("pending"),
          (error: unknown) => (error instanceof AppError ? refusals.push(error) : expect.fail(String(error))),
        ),
      );
      await Promise.all(answers);
    }
    const { items } = await own.app.items.query({ pk: requestPartition(fleet), limit: 1000 });
    expect(items.length).toBeGreaterThan(900);
    expect(outcomes.length).toBeLessThanOrEqual(1_024);
    expect(outcomes).toHaveLength((await listEnrollmentRequests(own.app, fleet)).length);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(["rate_limited"]));
    for (const { retryAfter } of refusals) expect(retryAfter).toBeLessThanOrEqual(3_600);
    // A denied one makes room at once, and so does the next day.
    const last = { fleet, csr: deviceCsr(deviceKey(), { commonName: "pump-last" }) };
    for (const { requestId } of await listEnrollmentRequests(own.app, fleet))
      await decideEnrollmentRequest(own.app, { fleet, requestId, decision: "deny", actor });
    expect(isPending(await enroll(own.app, last))).toBe(true);
    await own.close();
  }, 60_000);
});
