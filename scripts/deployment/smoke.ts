/**
 * Room: scripts/deployment. One device through its whole life at a deployed service: enrolled, its chain verified,
 * and, where client certificates are taken, suspended, released, renewed and revoked. It leaves a revoked certificate or, without a
 * mutual-TLS domain, one that expires unused; its key is deleted.
 */
import { randomBytes, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import { leadsToRoot, parseCertificates } from "../../cli/issued-certificate.ts";
import { type CommandResult, runFleetkey } from "./command.ts";
import { StepFailure } from "./failure.ts";
import { operatorFiles } from "./operator.ts";
import { invokeTask } from "./tasks.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

export interface SmokeRequest {
  readonly lambda: LambdaClient;
  readonly provisioningFunction: string;
  readonly fleet: string;
  /** SHA-256 of the fleet's root, lowercase hex. */
  readonly rootFingerprint: string;
  /** Where devices enrol. */
  readonly url: string;
  /** Where client certificates are asked for; without it there is nothing to renew or revoke over. */
  readonly mutualTlsUrl?: string | undefined;
  /** Holds the operator's files. */
  readonly operatorDirectory: string;
  /** Without an operator nobody revokes: the device is enrolled alone. @default true */
  readonly withOperator?: boolean;
  /** Environment of `fleetkey`. @default this process's */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** Throws StepFailure unless the command ended well; the token is never among its arguments. */
export function assertEnded(result: CommandResult, what: string, remedy: string): CommandResult {
  if (result.code === 0) return result;
  const words = result.stderr.trim().split("\n").slice(-4).join("\n  ");
  throw new StepFailure(`${what} ended with ${result.code}:\n  ${words}`, remedy);
}

export async function createToken(
  request: Pick<SmokeRequest, "lambda" | "provisioningFunction" | "fleet">,
  deviceId: string,
): Promise<string> {
  const { lambda, provisioningFunction, fleet } = request;
  const event = { fleet, deviceId, expiresInSeconds: 600 };
  const { token } = (await invokeTask(lambda, provisioningFunction, event)) as { readonly token: string };
  return token;
}

/** Throws StepFailure unless every signature from the device's certificate up to root.pem verifies. */
async function verifyChain(device: string, root: string): Promise<void> {
  const [leaf, ...intermediates] = parseCertificates(
    await readFile(join(device, "fullchain.pem"), "utf8"),
    "fullchain.pem",
  );
  const roots = [new X509Certificate(await readFile(root))];
  if (leaf !== undefined && leadsToRoot(leaf, intermediates, roots)) return;
  throw new StepFailure(`the certificate does not lead to ${root}`, "look at both with `openssl x509 -text`");
}

const again = "see the enrollment function's log, then run the same command again";

export interface SmokeReport {
  readonly deviceId: string;
  readonly serialNumber: string;
  readonly didRenewAndRevoke: boolean;
}

/** The hosts have public certificates, so the machine's own roots vouch for them. */
const connection = ["--ca", "system"];

const fleetkey = (request: SmokeRequest, argv: readonly string[], input?: string) =>
  runFleetkey(argv, {
    ...(request.env === undefined ? {} : { env: request.env }),
    ...(input === undefined ? {} : { input }),
  });

/** Flags with which the operator reaches the service. */
function operatorFlags(request: SmokeRequest): readonly string[] {
  const files = operatorFiles(request.operatorDirectory);
  const operator = ["--cert", files.certificate, "--key", files.key, "--fleet", request.fleet];
  return ["--url", request.mutualTlsUrl ?? request.url, ...connection, ...operator];
}

/**
 * A release deletes an item beside others that it writes. That the role's policy lets it, by the key of what is deleted,
 * AWS alone can tell: its documents do not say which keys of a transaction such a condition sees.
 */
async function suspendAndRelease(request: SmokeRequest, deviceId: string): Promise<void> {
  for (const act of ["suspend", "release"]) {
    const result = await fleetkey(request, ["device", act, deviceId, ...operatorFlags(request)]);
    assertEnded(result, `the smoke device's ${act}`, again);
  }
}

async function renewAndRevoke(request: SmokeRequest, device: string): Promise<string> {
  const files = operatorFiles(request.operatorDirectory);
  assertEnded(await fleetkey(request, ["device", "renew", "--dir", device]), "the smoke renewal", again);
  await verifyChain(device, files.root);
  const { serialNumber } = JSON.parse(await readFile(join(device, "device.json"), "utf8")) as {
    readonly serialNumber: string;
  };
  const revoke = ["cert", "revoke", serialNumber, "--reason", "cessationOfOperation"];
  const revoked = await fleetkey(request, [...revoke, ...operatorFlags(request)]);
  assertEnded(revoked, "the smoke revocation", again);
  return serialNumber;
}

async function enrol(request: SmokeRequest, device: string, deviceId: string): Promise<string> {
  const { fleet, url, mutualTlsUrl, rootFingerprint } = request;
  const renewal = mutualTlsUrl === undefined ? [] : ["--renewal-url", mutualTlsUrl];
  const token = await createToken(request, deviceId);
  const argv = ["device", "enroll", "--device", deviceId, "--token", "-", "--out", device, "--json"];
  const there = ["--url", url, "--fleet", fleet, "--fingerprint", rootFingerprint, ...connection, ...renewal];
  const enrolled = await fleetkey(request, [...argv, ...there], token);
  assertEnded(
    enrolled,
    "the smoke enrolment",
    `if the name does not resolve yet, wait for its DNS record and run the same command again; else ${again}`,
  );
  await verifyChain(device, operatorFiles(request.operatorDirectory).root);
  return (JSON.parse(enrolled.stdout) as { readonly serialNumber: string }).serialNumber;
}

export async function smokeEnrollment(request: SmokeRequest): Promise<SmokeReport> {
  const deviceId = `smoke-${randomBytes(6).toString("hex")}`;
  const directory = await makeTemporaryDirectory("smoke");
  try {
    const device = join(directory.path, "device");
    const first = await enrol(request, device, deviceId);
    const didRenewAndRevoke = request.mutualTlsUrl !== undefined && request.withOperator !== false;
    if (didRenewAndRevoke) await suspendAndRelease(request, deviceId);
    const serialNumber = didRenewAndRevoke ? await renewAndRevoke(request, device) : first;
    return { deviceId, serialNumber, didRenewAndRevoke };
  } finally {
    await directory.remove();
  }
}
