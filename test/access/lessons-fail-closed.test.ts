/**
 * Lemur 2026: flags that fail open. A door that cannot look lets nobody in: whichever call of the store fails, a
 * credential that holds is answered 503, and one that does not hold is never let in.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { ItemStore } from "../../core/ports.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { register } from "../enrollment/fixtures/configured-fleet.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { ask, type Call, named } from "./matrix/caller.ts";
import type { Credential } from "./matrix/credential.ts";
import { fleets, openWorld, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const base = `/v1/fleets/${fleets.own}`;
const csr = (): string => deviceCsr(deviceKey()).toString("base64");

interface FailingStore extends ItemStore {
  /** Calls that failed. */
  readonly failures: number;
}

/** Its n-th call fails, and no other or every one after it. */
function failingStore(items: ItemStore, n: number, how: "once" | "from then on"): FailingStore {
  let calls = 0;
  let failures = 0;
  const through = <Result>(call: () => Promise<Result>): Promise<Result> => {
    calls += 1;
    if (calls === n || (calls > n && how === "from then on")) {
      failures += 1;
      throw new AppError("store_unavailable", "the store does not answer");
    }
    return call();
  };
  return {
    get failures() {
      return failures;
    },
    get: async (key) => through(() => items.get(key)),
    query: async (query) => through(() => items.query(query)),
    transact: async (operations) => through(() => items.transact(operations)),
  };
}

interface Attempt {
  readonly status: number;
  readonly failures: number;
}

async function attempt(credential: Credential, call: Call, store: FailingStore): Promise<Attempt> {
  const handlers = handlersOf({ ...world.house.app, items: store });
  const { statusCode } = await ask(world, credential, { ...call, handlers });
  return { status: statusCode, failures: store.failures };
}

/** Of calls whose n-th call of the store fails, for each n that there is. */
async function attempts(
  credential: Credential,
  callOf: (n: number) => Promise<Call>,
  how: "once" | "from then on",
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let n = 1; ; n += 1) {
    const store = failingStore(world.house.app.items, n, how);
    const { status, failures } = await attempt(credential, await callOf(n), store);
    if (failures === 0) return statuses;
    statuses.push(status);
  }
}

const get = (path: string) => async (): Promise<Call> => ({ path });
const post = (path: string, body: unknown) => async (): Promise<Call> => ({ method: "POST", path, body });
const enrolment = async (): Promise<Call> => ({
  method: "POST",
  path: `${base}/certificates`,
  body: { csr: csr() },
});

let devices = 0;
/** Of a device that no claim has enrolled. */
async function claimed(): Promise<Call> {
  devices += 1;
  const deviceId = `pump-claimed-${devices}`;
  await register(world.house.app, [deviceId], fleets.own);
  return { method: "POST", path: `${base}/certificates`, body: { csr: csr(), deviceId } };
}

const renewal = async (): Promise<Call> => ({
  method: "POST",
  path: `${base}/certificates/renew`,
  body: { csr: csr() },
});
const registration = { challenge: "A".repeat(43), credential: {} };
const tokens = `${base}/enrollment-tokens`;

describe("Lemur 2026: a credential that holds, whichever call of the store fails from then on: 503", () => {
  it.each([
    ["certificate of owner", get(base)],
    ["session of owner", get(base)],
    ["certificate of provisioner", post(tokens, { deviceId: "pump-new" })],
    ["session of provisioner", post(tokens, { deviceId: "pump-new" })],
    ["pipeline token", get(`${base}/certificates`)],
    ["IAM principal", get(`/v1/iam/fleets/${fleets.own}/certificates`)],
    ["certificate of device", get(`${base}/device`)],
    ["certificate of device", renewal],
    ["enrolment token", enrolment],
    ["certificate of claim", claimed],
    ["certificate of a device's maker", enrolment],
    ["certificate of auditor", get(`${base}/inventory`)],
    ["certificate of securityOfficer", post(`${base}/devices/pump-victim/revocation`, {})],
    ["certificate of device", post(`${base}/trust/acknowledgements`, { version: 1 })],
    ["none", post(`${base}/challenges`, {})],
  ] as const)("%s", async (name, callOf) => {
    const statuses = await attempts(named(name), callOf, "from then on");
    expect(statuses.length).toBeGreaterThan(0);
    expect(new Set(statuses)).toEqual(new Set([503]));
  });
});

describe("Lemur 2026: a credential that does not hold, whichever call of the store fails: let in never", () => {
  it.each([
    ["certificate of owner", "revoked", get(base)],
    ["certificate of owner", "expired", get(base)],
    ["certificate of owner", "wrongKey", get(base)],
    ["certificate of an owner who was suspended", "revoked", get(base)],
    ["session of an owner who was suspended", "revoked", get(base)],
    ["session of owner", "revoked", get(base)],
    ["session of owner", "expired", get(base)],
    ["session of owner", "wrongKey", get(base)],
    ["session of owner", "replayed", get(base)],
    ["session of auditor", "fresh", post(tokens, { deviceId: "pump-new" })],
    ["approval", "of one person", post(`${base}/state`, {})],
    ["approval", "replayed: executed before", post(`${base}/state`, {})],
    ["approval", "of another operation", post(`${base}/state`, {})],
    ["approval", "of assertions too old", post(`${base}/state`, {})],
    ["pipeline token", "not allowed", get(`${base}/certificates`)],
    ["pipeline token", "wrongKey", get(`${base}/certificates`)],
    ["IAM principal", "of another role", get(`/v1/iam/fleets/${fleets.own}/certificates`)],
    ["certificate of suspended", "fresh", get(`${base}/device`)],
    ["certificate of suspended", "fresh", renewal],
    ["certificate of quarantined", "fresh", renewal],
    ["certificate of device", "revoked", renewal],
    ["enrolment token", "expired", enrolment],
    ["enrolment token", "spent, and expired since", enrolment],
    ["enrolment token", "wrongKey", enrolment],
    ["certificate of claim", "revoked", claimed],
    ["certificate of claim", "for a device outside the inventory", enrolment],
    ["certificate of a device's maker", "wrongKey", enrolment],
    ["invitation", "expired", post(`${base}/passkeys`, registration)],
    ["invitation", "replayed", post(`${base}/passkeys`, registration)],
  ] as const)("%s, %s", async (name, state, callOf) => {
    const credential = named(name, state);
    for (const how of ["once", "from then on"] as const) {
      const send =
        credential.twice === true ? replayed(credential, callOf) : attempts(credential, callOf, how);
      const statuses = await send;
      for (const status of statuses) expect([401, 403, 404, 409, 422, 503]).toContain(status);
      expect(statuses).toContain(503);
    }
  });
});

/** The first use is let in and remembered; the second meets the failing store. */
async function replayed(
  credential: Credential,
  callOf: (n: number) => Promise<Call>,
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let n = 1; ; n += 1) {
    const call = await callOf(n);
    const presented = await credential.present(world, { method: call.method ?? "GET", path: call.path });
    const same: Credential = { ...credential, present: async () => presented };
    expect((await ask(world, same, call)).statusCode).toBe(200);
    const { status, failures } = await attempt(same, call, failingStore(world.house.app.items, n, "once"));
    if (failures === 0) return statuses;
    statuses.push(status);
  }
}
