/**
 * Room: test/judges. What a certificate costs on AWS, counted where the bill is made: the commands given to the SDK
 * clients, over the very handlers that are deployed.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { enrollmentFunction } from "../../lambdas/enrollment/handler.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, testFleet as fleet } from "../support/fleet-app.ts";
import { type AwsApp, type AwsEmulators, type SdkCalls, startAwsEmulators } from "./support/aws-app.ts";

let emulators: AwsEmulators;
let provisioning: AwsApp;
beforeAll(async () => {
  emulators = await startAwsEmulators();
  provisioning = emulators.open();
  await addFleet(provisioning.app, fleet);
}, 120_000);
afterAll(() => emulators?.close());

const path = `/v1/fleets/${fleet}/certificates`;
let devices = 0;

/** One enrolment over HTTP; resolves to the certificate. The token is made elsewhere and costs this App nothing. */
async function enrollOnce({ app }: AwsApp): Promise<string> {
  devices += 1;
  const ask = { fleet, actor: "operator:operator-1", deviceId: `pump-${devices}` };
  const { token } = await createEnrollmentToken(provisioning.app, ask);
  const headers = { "content-type": "application/pkcs10", authorization: `Bearer ${token}` };
  const event = gatewayEvent({ method: "POST", path, headers, body: deviceCsr(deviceKey()) });
  const { statusCode, body } = await enrollmentFunction(app)(event);
  expect(statusCode, body).toBe(201);
  return String(JSON.parse(body).certificate);
}

async function renewOnce({ app }: AwsApp, certificate: string): Promise<void> {
  const body = encodePem("CERTIFICATE REQUEST", deviceCsr(deviceKey()));
  const headers = { "content-type": "application/pkcs10" };
  const event = gatewayEvent({ method: "POST", path: `${path}/renew`, headers, body, certificate });
  const result = await enrollmentFunction(app)(event);
  expect(result.statusCode, result.body).toBe(201);
}

/** A fleet's record and authorities come by one query, the token or the presented certificate by one get. */
const certificateCalls: SdkCalls = {
  GetItemCommand: 1,
  QueryCommand: 1,
  TransactWriteItemsCommand: 2,
  SignCommand: 1,
};

describe("what a certificate costs on AWS: one kms:Sign, two transactions, two reads", () => {
  it("a cold enrolment, the first of its function: the public key besides, to verify the signature", async () => {
    const cold = emulators.open();
    await enrollOnce(cold);
    expect(cold.takeCalls()).toEqual({ ...certificateCalls, GetPublicKeyCommand: 1 });
  });

  it("each of 20 warm enrolments: no GetPublicKey", async () => {
    const warm = emulators.open();
    await enrollOnce(warm);
    warm.takeCalls();
    for (let count = 0; count < 20; count += 1) {
      await enrollOnce(warm);
      expect(warm.takeCalls()).toEqual(certificateCalls);
    }
  });

  it("a first renewal over mutual TLS, the check of the presented certificate included", async () => {
    const warm = emulators.open();
    const certificate = await enrollOnce(warm);
    warm.takeCalls();
    await renewOnce(warm, certificate);
    expect(warm.takeCalls()).toEqual(certificateCalls);
  });
});
