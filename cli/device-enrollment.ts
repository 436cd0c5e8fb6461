/** Room: cli. One device gets its certificate: key, CSR, request, check, files; the same for the first and the next. */
import { hash } from "node:crypto";
import { join } from "node:path";
import { type VerifiedCsr, verifyCsr } from "../core/formats/certification-request.ts";
import { encodePem } from "../core/formats/pem.ts";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { makePrivateDirectory, readFileBytes } from "./credential-files.ts";
import { decodeRequestText } from "./csr-text.ts";
import {
  type DeviceRecord,
  deviceFiles,
  discardRequest,
  finishMove,
  installCertificate,
  prepareForeignRequest,
  prepareKey,
  type WantedCertificate,
} from "./device-directory.ts";
import type { DeviceKey } from "./device-key.ts";
import { deviceKeyAlgorithmIds } from "./device-key.ts";
import { Failure, usageFailure } from "./failure.ts";
import { withFileLock } from "./file-lock.ts";
import type { FleetApi } from "./fleet-api.ts";
import { checkIssued } from "./issued-certificate.ts";
import { type Settings, systemRoots } from "./settings.ts";
import { type KnownRoots, tiedRoots } from "./trust-bundle.ts";

/** Flags of commands that make an identity: its key or CSR, its directory, and where it renews. */
export const identityFlags = {
  algorithm: {
    type: "enum",
    options: deviceKeyAlgorithmIds,
    valueHint: "KIND",
    description: "Kind of key to make",
  },
  csr: {
    type: "string",
    valueHint: "FILE",
    description: "A CSR made elsewhere, instead of a key made here",
  },
  out: { type: "string", valueHint: "DIR", description: "Directory for the files; ./ID if not given" },
  force: { type: "boolean", description: "Give up another identity that lies in the directory" },
  "renewal-url": {
    type: "string",
    valueHint: "URL",
    description: "Where renewals go, if not to --url: a domain that asks for client certificates",
  },
} as const;

export interface ObtainRequest {
  readonly directory: string;
  readonly wanted: WantedCertificate;
  readonly settings: Settings;
  readonly known: KnownRoots;
  /** Where the next renewal goes. @default the URL of the settings */
  readonly renewalUrl?: string | undefined;
  /**
   * Sends the CSR, PEM; called again with the same CSR by the next command if this one does not end well, and
   * with another at once if the service will never answer a renewal's with a certificate.
   */
  readonly issue: (csr: string) => Promise<IssuedCertificate>;
  readonly api: Pick<FleetApi, "trust">;
  /** A CSR made elsewhere; its key is not ours to keep. */
  readonly foreignCsr?: VerifiedCsr | undefined;
  /** A key of ours that stays, with its request. @default a new key */
  readonly ownKey?: DeviceKey | undefined;
}

/** The credential of an enrolment as device.json keeps it: a hash, so that the token is nowhere on disk. */
export function tokenCredential(token: string): string {
  return `token:${hash("sha256", token)}`;
}

/** Takes the directory for itself while `work` runs, a move that a crash broke off finished first. */
export async function withDeviceDirectory<T>(directory: string, work: () => Promise<T>): Promise<T> {
  await makePrivateDirectory(directory);
  return withFileLock(join(directory, ".lock"), async () => {
    await finishMove(directory);
    return work();
  });
}

/** Throws `usage` for what no device is called; the service refuses more (personal data) with its own reason. */
export function checkDeviceId(deviceId: string, noun = "a device id"): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(deviceId)) return;
  throw usageFailure(`${noun} is 1 to 64 of A–Z a–z 0–9 . _ - and begins with a letter or digit`);
}

/** Obtains, checks and installs the certificate; resolves to what device.json now says. */
export async function obtainCertificate(request: ObtainRequest): Promise<DeviceRecord> {
  const { directory, wanted, foreignCsr, settings, known } = request;
  const fetchRoots = async () => tiedRoots(await request.api.trust(), known);
  // Where another authority vouches for the host, roots come first: a stranger is told no token and no request.
  const rootsFirst = known.bringOthers ? undefined : await fetchRoots();
  const { csr, issued } = await requestCertificate(request);
  const roots = rootsFirst ?? (await fetchRoots());
  const { publicKey } = foreignCsr ?? (await verifyCsr(decodeRequestText(csr, deviceFiles.request)));
  checkIssued(issued, publicKey.der, wanted.deviceId, roots);
  const { serialNumber, notAfter, renewAfter } = issued;
  const { url, fleet, ca } = settings;
  const service = { url: request.renewalUrl ?? url.value, fleet: fleet.value };
  const overSystem = ca.value === systemRoots ? { ca: systemRoots } : {};
  const record: DeviceRecord = {
    ...wanted,
    ...service,
    ...overSystem,
    serialNumber,
    notAfter,
    renewAfter,
  };
  await installCertificate(directory, issued, roots, record);
  return record;
}

/** The same CSR would meet these for ever: its certificate was never finished, or is revoked or expired. */
const deadRequestCodes: ReadonlySet<string> = new Set(["issuance_closed", "credential_spent"]);

const takesAnyKey = ({ credential }: WantedCertificate): boolean => /^(?:serial|operator):/.test(credential);

/**
 * A certificate renews itself with any new key, and an operator certifies any, so a dead request costs it one more; a token is good for its
 * first CSR only.
 */
async function requestCertificate(
  request: ObtainRequest,
): Promise<{ readonly csr: string; readonly issued: IssuedCertificate }> {
  const { directory, wanted, issue } = request;
  const csr = await prepareRequest(request);
  try {
    return { csr, issued: await issue(csr) };
  } catch (error) {
    const code = error instanceof Failure ? error.code : "";
    // Denied for good: the next command asks with a new key, and an operator decides anew.
    if (code === "enrollment_denied") await discardRequest(directory);
    if (!deadRequestCodes.has(code) || !takesAnyKey(wanted)) throw error;
  }
  await discardRequest(directory);
  const another = await prepareRequest(request);
  return { csr: another, issued: await issue(another) };
}

async function prepareRequest(request: ObtainRequest): Promise<string> {
  const { directory, wanted, foreignCsr, ownKey } = request;
  if (foreignCsr === undefined) return (await prepareKey(directory, wanted, ownKey)).csr;
  const csr = encodePem("CERTIFICATE REQUEST", foreignCsr.raw);
  await prepareForeignRequest(directory, csr);
  return csr;
}

/** A CSR file, PEM or DER, its proof of possession verified here so that a bad one costs no token. */
export async function readCsrFile(path: string): Promise<VerifiedCsr> {
  return verifyCsr(decodeRequestText(await readFileBytes(path, 65_536), path));
}
