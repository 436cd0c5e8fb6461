/** Room: scripts/rehearsal. One device from its token to its revocation, by the command line and judged by OpenSSL. */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { Failure } from "../../cli/failure.ts";
import { runCommand } from "../deployment/command.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { assertEnded } from "../deployment/smoke.ts";
import {
  connected,
  deviceCredential,
  fleetkey,
  operatorFlags,
  type RehearsedStage,
  takeToken,
} from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const deviceId = "sensor-0001";
const remedy = "see emulator.log with --keep";

export interface LivedDevice {
  readonly directory: string;
  /** Of the first certificate and of the renewed one. */
  readonly serialNumbers: readonly [string, string];
}

async function serialNumberIn(directory: string): Promise<string> {
  return (JSON.parse(await readFile(join(directory, "device.json"), "utf8")) as { serialNumber: string })
    .serialNumber;
}

/** OpenSSL's strictest path validation, from the device's certificate to the fleet's root. */
export async function judge(stage: RehearsedStage, directory: string): Promise<string> {
  const { root } = operatorFiles(stage.operatorDirectory);
  const strict = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root];
  const files = ["-untrusted", join(directory, "chain.pem"), join(directory, "device.crt")];
  const { code, stdout, stderr } = await runCommand("openssl", [...strict, ...files]);
  expectThat(code === 0, `openssl verify: ${stdout}${stderr}`);
  return stdout.trim().split(": ").at(-1) ?? "";
}

/** Serial number of the certificate of a device that enrols into `directory`. */
export async function enrol(stage: RehearsedStage, device: string, directory: string): Promise<string> {
  const { front, fleet } = stage;
  const argv = ["device", "enroll", "--device", device, "--token", "-", "--out", directory, "--json"];
  const service = ["--url", front.url, "--fleet", fleet.fleet, "--ca", "system"];
  const tied = ["--fingerprint", fleet.rootFingerprint, "--renewal-url", front.url];
  const result = await fleetkey(stage, [...argv, ...service, ...tied], await takeToken(stage, device));
  assertEnded(result, "device enroll", remedy);
  stage.secrets.push(await readFile(join(directory, "device.csr"), "utf8"));
  return serialNumberIn(directory);
}

async function listAndShow(stage: RehearsedStage, serialNumber: string): Promise<void> {
  const listed = await fleetkey(stage, [
    "cert",
    "list",
    "--device",
    deviceId,
    "--json",
    ...operatorFlags(stage),
  ]);
  assertEnded(listed, "cert list", remedy);
  expectThat(listed.stdout.includes(serialNumber), `${serialNumber} is not in the list`);
  const shown = await fleetkey(stage, ["cert", "show", serialNumber, "--json", ...operatorFlags(stage)]);
  assertEnded(shown, "cert show", remedy);
  expectThat(
    shown.stdout.includes('"active"'),
    `cert show does not say active: ${shown.stdout.slice(0, 300)}`,
  );
}

/** Serial number of the certificate that the device in `directory` has then. */
export async function renew(stage: RehearsedStage, directory: string): Promise<string> {
  const before = await serialNumberIn(directory);
  const oldKey = await readFile(join(directory, "device.key"), "utf8");
  assertEnded(await fleetkey(stage, ["device", "renew", "--dir", directory]), "device renew", remedy);
  const after = await serialNumberIn(directory);
  expectThat(before !== after, "the renewed certificate has the serial number of the old one");
  expectThat(oldKey !== (await readFile(join(directory, "device.key"), "utf8")), "its key is the old one");
  stage.secrets.push(await readFile(join(directory, "device.csr"), "utf8"));
  return after;
}

/** What a renewal with the certificate in `directory` comes to: `a certificate`, or the code of the refusal. */
export async function tryRenewal(
  stage: RehearsedStage,
  directory: string,
  device = deviceId,
): Promise<string> {
  const { csr } = await makeDeviceKey(device, "P-256");
  return connected(stage, await deviceCredential(directory), ({ api }) =>
    api.renew({ csr }).then(
      () => "a certificate",
      (error: unknown) => (error instanceof Failure ? error.code : String(error)),
    ),
  );
}

/** Its release deletes the one kind of item that is ever deleted. */
async function suspendAndRelease(stage: RehearsedStage, directory: string): Promise<void> {
  const set = (act: string) => fleetkey(stage, ["device", act, deviceId, ...operatorFlags(stage)]);
  assertEnded(await set("suspend"), "device suspend", remedy);
  const refusal = await tryRenewal(stage, directory);
  expectThat(refusal === "device_not_active", `the suspended device's renewal got ${refusal}`);
  const released = assertEnded(await set("release"), "device release", remedy);
  expectThat(released.stdout.includes("active"), `device release says ${released.stdout.slice(0, 200)}`);
}

/** Milliseconds from the end of `fleetkey cert revoke` to the refusal; fails when the next renewal is not refused. */
async function revokeAndTime(
  stage: RehearsedStage,
  directory: string,
  serialNumber: string,
): Promise<number> {
  const revoke = ["cert", "revoke", serialNumber, "--reason", "keyCompromise"];
  assertEnded(await fleetkey(stage, [...revoke, ...operatorFlags(stage)]), "cert revoke", remedy);
  const revoked = performance.now();
  const refusal = await tryRenewal(stage, directory);
  expectThat(refusal === "client_certificate_revoked", `the revoked device's renewal got ${refusal}`);
  return performance.now() - revoked;
}

async function refusedRenewal(stage: RehearsedStage, directory: string): Promise<void> {
  const copy = `${directory}-copy`;
  await cp(directory, copy, { recursive: true });
  const { code, stderr } = await fleetkey(stage, ["device", "renew", "--dir", copy]);
  expectThat(code === 1 && stderr.includes("client_certificate_revoked"), `exit ${code}: ${stderr}`);
}

export async function rehearseDeviceLife(stage: RehearsedStage, report: Report): Promise<LivedDevice> {
  const directory = join(stage.directory, deviceId);
  const first = await report.need("a device enrols with a token of the provisioning function", () =>
    enrol(stage, deviceId, directory),
  );
  await report.check("OpenSSL verifies its chain to the fleet's root, strictly", () =>
    judge(stage, directory),
  );
  await report.check("the operator lists and shows its certificate", () => listAndShow(stage, first));
  await report.check("suspended it renews nothing, until the operator releases it", () =>
    suspendAndRelease(stage, directory),
  );
  const second = await report.need("it renews over mutual TLS, with another key", () =>
    renew(stage, directory),
  );
  await report.check("OpenSSL verifies the renewed chain", () => judge(stage, directory));
  await report.check("fleetkey cert revoke revokes it, and its very next renewal is refused", async () => {
    const elapsed = await revokeAndTime(stage, directory, second);
    report.figure(`from the end of "fleetkey cert revoke" to the refusal: ${Math.round(elapsed)} ms`);
  });
  await report.check("the command line says client_certificate_revoked, exit 1", () =>
    refusedRenewal(stage, directory),
  );
  return { directory, serialNumbers: [first, second] };
}
