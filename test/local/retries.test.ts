/** Room: test. A flood of retries of one request through the real server: one certificate, byte for byte. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalServer, startLocal } from "../../local/app.ts";
import { type Api, apiClient } from "../support/api.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type LogLine, recordingLog } from "../support/fleet-app.ts";

const retries = 1_000;
const log: LogLine[] = [];
let dataDir: string;
let server: LocalServer;
let operator: Api;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-retries-"));
  server = await startLocal({ dataDir, host: "127.0.0.1", port: 0, log: recordingLog(log) });
  const { root, operatorCertificate, operatorKey } = server.bootstrap;
  const [ca, cert, key] = await Promise.all(
    [root, operatorCertificate, operatorKey].map((path) => readFile(path)),
  );
  operator = apiClient(server.url, { ca, cert, key });
});
afterAll(async () => {
  operator.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

it(`${retries} parallel retries of one enrolment over HTTPS get one body`, async () => {
  const path = "/v1/fleets/default/certificates";
  const made = await operator.call("/v1/fleets/default/enrollment-tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ deviceId: "pump-1" }),
  });
  const token = String(made.json()["token"]);
  const call = {
    method: "POST",
    headers: { "content-type": "application/pkcs10", authorization: `Bearer ${token}` },
    body: deviceCsr(deviceKey()),
  } as const;
  const answers = await Promise.all(Array.from({ length: retries }, () => operator.call(path, call)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  const list = (await operator.call(`${path}?deviceId=pump-1`)).json() as { certificates: unknown[] };
  expect(list.certificates).toEqual([
    expect.objectContaining({ serialNumber: answers[0]?.json()["serialNumber"] }),
  ]);
  expect(log.filter(({ level }) => level !== "info")).toEqual([]);
});
