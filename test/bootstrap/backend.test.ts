/** Room: test. A backend that whoever holds the deployment makes: its entry in the configuration, and its certificate. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { type DeploymentBackend, deployBackend } from "../../core/bootstrap/backend.ts";
import type { BackendTrust, PipelineTrust } from "../../core/records/fleet-configuration.ts";
import { configure, suspendFleet } from "../enrollment/fixtures/configured-fleet.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let house: FleetApp;
beforeEach(async () => {
  house = await openFleetApp();
});
afterEach(() => house.close());

const backend = (members: Partial<DeploymentBackend> = {}): DeploymentBackend => ({
  fleet,
  backendId: "records",
  operations: ["encryptData"],
  purposes: ["observations"],
  csr: deviceCsr(deviceKey()),
  ...members,
});

const entries = async (): Promise<readonly PipelineTrust[]> =>
  (await getFleet(house.app, fleet)).configuration.pipelines;

const entry: BackendTrust = {
  kind: "certificate",
  id: "records",
  backend: "records",
  operations: ["encryptData"],
  profiles: [],
  purposes: ["observations"],
};

it("is named with what it may do, and the same again changes nothing and gives the same certificate", async () => {
  const asked = backend();
  const { certificate } = await deployBackend(house.app, asked);
  const { configurationVersion } = await getFleet(house.app, fleet);
  expect((await deployBackend(house.app, asked)).certificate).toBe(certificate);
  expect(await entries()).toEqual([entry]);
  expect((await getFleet(house.app, fleet)).configurationVersion).toBe(configurationVersion);
});

it("is trusted with what was asked last, and others as before", async () => {
  await deployBackend(house.app, backend({ backendId: "images" }));
  await deployBackend(house.app, backend());
  await deployBackend(house.app, backend({ operations: ["decryptData"] }));
  const [images, records, ...more] = await entries();
  expect([images?.id, more]).toEqual(["images", []]);
  expect(records).toEqual({ ...entry, operations: ["decryptData"] });
});

it("takes no pipeline's place", async () => {
  const principal = "arn:aws:iam::123456789012:role/records";
  const pipeline: PipelineTrust = {
    kind: "iam",
    id: "records",
    principal,
    operations: ["listCertificates"],
    profiles: [],
  };
  await configure(house.app, { pipelines: [pipeline] });
  expect(await codeOf(deployBackend(house.app, backend()))).toBe("already_exists");
  expect(await entries()).toEqual([pipeline]);
});

it.each([
  ["of a suspended fleet", {}, "fleet_suspended"],
  ["for no purpose", { purposes: [] }, "request_invalid"],
  ["for the service's own purpose", { purposes: ["fleetkey-subject-key"] }, "request_invalid"],
  ["with a pipeline's operation", { operations: ["createEnrollmentToken"], purposes: [] }, "request_invalid"],
  ["whose request is none", { csr: Buffer.from("not DER") }, "csr_malformed"],
  ["that is named like an address", { backendId: "ann-at-example-org" }, "name_not_permitted"],
] as const)("is refused and not named in the configuration: one %s", async (_, members, code) => {
  if (code === "fleet_suspended") await suspendFleet(house.app);
  expect(await codeOf(deployBackend(house.app, backend(members)))).toBe(code);
  expect(await entries()).toEqual([]);
});
