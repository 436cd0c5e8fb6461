import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enroll } from "../../core/enrollment/enroll.ts";
import type { KeylessApp, WriteOperation } from "../../core/ports.ts";
import { provisioningFunction } from "../../lambdas/provisioning/handler.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let opened: FleetApp;
const written: WriteOperation[] = [];
let keyless: KeylessApp;
beforeAll(async () => {
  opened = await openFleetApp();
  const { keys: _, items, ...rest } = opened.app;
  const transact: typeof items.transact = async (operations) => {
    written.push(...operations);
    await items.transact(operations);
  };
  keyless = {
    ...rest,
    items: { get: (key) => items.get(key), query: (query) => items.query(query), transact },
  };
});
afterAll(() => opened.close());

const run = (event: unknown) => provisioningFunction(keyless)(event);

describe("task provisionEnrollmentToken", () => {
  it("makes, without a way to sign, a token with which its device enrols", async () => {
    const { token, deviceId, expiresAt } = await run({ fleet, deviceId: "pump-1", expiresInSeconds: 600 });
    expect(deviceId).toBe("pump-1");
    expect(Date.parse(expiresAt)).toBeGreaterThan(opened.clock.now());
    const issued = await enroll(opened.app, { fleet, token, csr: deviceCsr(deviceKey()) });
    expect(issued.certificate).toContain("BEGIN CERTIFICATE");
  });

  it("is audited as IAM's act, under an id that no operator can have", async () => {
    written.length = 0;
    await run({ fleet, deviceId: "pump-2" });
    const actors = written.flatMap((one) => ("put" in one ? (one.put.attributes["actor"] ?? []) : []));
    expect(actors).toEqual(["iam:invocation"]);
  });

  it("neither logs nor stores the token", async () => {
    written.length = 0;
    const { token } = await run({ fleet, deviceId: "pump-3" });
    expect(JSON.stringify(opened.log)).not.toContain(token);
    expect(JSON.stringify(written)).not.toContain(token);
  });

  it.each([
    { name: "no fleet", event: { deviceId: "pump-1" }, code: "request_invalid" },
    { name: "a fleet that is not there", event: { fleet: "lab", deviceId: "pump-1" }, code: "not_found" },
    {
      name: "a person's address",
      event: { fleet, deviceId: "jane@example.test" },
      code: "name_not_permitted",
    },
    { name: "a stray member", event: { fleet, deviceId: "pump-1", ttl: 1 }, code: "request_invalid" },
    {
      name: "another profile",
      event: { fleet, deviceId: "pump-1", profile: "operator" },
      code: "profile_not_permitted",
    },
    {
      name: "an endless life",
      event: { fleet, deviceId: "pump-1", expiresInSeconds: 1e9 },
      code: "request_invalid",
    },
    { name: "nothing", event: undefined, code: "request_invalid" },
  ])("refuses $name: $code", async ({ event, code }) => {
    await expect(run(event)).rejects.toMatchObject({ name: code });
  });
});
