/**
 * Room: cli. The directory that holds a device's identity. A new key and its request wait in `.pending`
 * until the certificate is there; then the whole set moves, and a move that a crash broke off is finished by
 * the next command. So the old files serve until the new ones are complete, and a retry sends the same CSR.
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import {
  fileFailure,
  privateMode,
  publicMode,
  readFileIfPresent,
  syncDirectory,
  writeFileAtomically,
} from "./credential-files.ts";
import { type DeviceKey, type DeviceKeyAlgorithmId, makeDeviceKey } from "./device-key.ts";
import { Failure } from "./failure.ts";
import { parseTextRecord } from "./json-text.ts";
import type { systemRoots } from "./settings.ts";

export const deviceFiles = {
  key: "device.key",
  request: "device.csr",
  certificate: "device.crt",
  chain: "chain.pem",
  fullChain: "fullchain.pem",
  root: "root.pem",
  record: "device.json",
} as const;

const pendingName = ".pending";
const wantedName = "wanted.json";
const completeName = "complete";

const wantedMembers = ["deviceId", "algorithm", "credential"] as const;
/**
 * What tells one request from another; a retry has the same. `credential` is `token:` and the SHA-256 of the
 * token, `serial:` and that of the certificate that renews itself, `operator:` and that of the certificate which was
 * here when an operator asked for another, or another credential by its own name.
 */
export type WantedCertificate = Readonly<Record<(typeof wantedMembers)[number], string>>;

const recordMembers = [...wantedMembers, "url", "fleet", "serialNumber", "notAfter", "renewAfter"] as const;
/**
 * device.json: public facts only. `url` is where the next renewal goes. `ca` is there if the machine's own roots
 * vouch for that connection; else root.pem does.
 */
export type DeviceRecord = Readonly<Record<(typeof recordMembers)[number], string>> & {
  readonly ca?: typeof systemRoots;
};

export async function readDeviceRecord(directory: string): Promise<DeviceRecord | undefined> {
  return parseTextRecord(await readFileIfPresent(join(directory, deviceFiles.record)), recordMembers);
}

/** Finishes a move that a crash broke off. Call it before anything else here. */
export async function finishMove(directory: string): Promise<void> {
  const complete = await readFileIfPresent(join(directory, pendingName, completeName));
  if (complete !== undefined) await moveIntoPlace(directory);
}

/**
 * Throws `identity_conflict` if the directory holds a key or certificate that is not `deviceId`'s: it would
 * be lost. `force` gives it up.
 */
export async function checkIdentity(directory: string, deviceId: string, force: boolean): Promise<void> {
  const record = await readDeviceRecord(directory);
  if (force || record?.deviceId === deviceId) return;
  const present = (await readdir(directory)).filter(
    (entry) => entry === deviceFiles.key || entry === deviceFiles.certificate,
  );
  if (record === undefined && present.length === 0) return;
  const holder =
    record === undefined ? `${present.join(" and ")} of unknown origin` : "another device's identity";
  throw new Failure("localFile", "identity_conflict", `${directory} holds ${holder}`, {
    remedy: "name another directory with --out, or give up what is there with --force",
  });
}

/**
 * The key and CSR to ask with: those of an earlier attempt at the same, or `own`, or new ones, already on disk.
 */
export async function prepareKey(
  directory: string,
  wanted: WantedCertificate,
  own?: DeviceKey,
): Promise<DeviceKey> {
  const pending = join(directory, pendingName);
  const asked = parseTextRecord(await readFileIfPresent(join(pending, wantedName)), wantedMembers);
  const waiting = await readKey(pending, asked, wanted);
  if (waiting !== undefined) return waiting;
  // The same credential after success: ask with the same CSR, so the service answers with the same certificate.
  const installed = await readKey(directory, await readDeviceRecord(directory), wanted);
  const key =
    installed ?? own ?? (await makeDeviceKey(wanted.deviceId, wanted.algorithm as DeviceKeyAlgorithmId));
  await rm(pending, { recursive: true, force: true });
  await mkdir(pending, { mode: 0o700 });
  await writeFileAtomically(join(pending, deviceFiles.key), key.privateKey, privateMode);
  await writeFileAtomically(join(pending, deviceFiles.request), key.csr, publicMode);
  await writeFileAtomically(join(pending, wantedName), JSON.stringify(wanted), publicMode);
  return key;
}

/** Gives up the waiting key and its request: the service will never answer it with a certificate. */
export async function discardRequest(directory: string): Promise<void> {
  await rm(join(directory, pendingName), { recursive: true, force: true });
}

async function readKey(
  place: string,
  found: WantedCertificate | undefined,
  wanted: WantedCertificate,
): Promise<DeviceKey | undefined> {
  const isSame =
    found?.deviceId === wanted.deviceId &&
    found.algorithm === wanted.algorithm &&
    found.credential === wanted.credential;
  if (!isSame) return undefined;
  const privateKey = await readFileIfPresent(join(place, deviceFiles.key));
  const csr = await readFileIfPresent(join(place, deviceFiles.request));
  return privateKey === undefined || csr === undefined ? undefined : { privateKey, csr };
}

/** For a CSR made elsewhere: no key of ours waits or stays, so none may lie here. */
export async function prepareForeignRequest(directory: string, csr: string): Promise<void> {
  if ((await readdir(directory)).includes(deviceFiles.key)) {
    throw new Failure(
      "localFile",
      "identity_conflict",
      `${directory} holds a device.key, and --csr has its own`,
      {
        remedy: "name another directory with --out",
      },
    );
  }
  const pending = join(directory, pendingName);
  await rm(pending, { recursive: true, force: true });
  await mkdir(pending, { mode: 0o700 });
  await writeFileAtomically(join(pending, deviceFiles.request), csr, publicMode);
}

/** Puts the certificate beside its waiting key and moves the set into place. */
export async function installCertificate(
  directory: string,
  issued: IssuedCertificate,
  roots: string,
  record: DeviceRecord,
): Promise<void> {
  const pending = join(directory, pendingName);
  const files = {
    [deviceFiles.certificate]: issued.certificate,
    [deviceFiles.chain]: issued.chain,
    [deviceFiles.fullChain]: issued.certificate + issued.chain,
    [deviceFiles.root]: roots,
    [deviceFiles.record]: `${JSON.stringify(record, null, 2)}\n`,
  };
  for (const [file, content] of Object.entries(files)) {
    await writeFileAtomically(join(pending, file), content, publicMode);
  }
  await writeFileAtomically(join(pending, completeName), "", publicMode);
  await moveIntoPlace(directory);
}

async function moveIntoPlace(directory: string): Promise<void> {
  const pending = join(directory, pendingName);
  try {
    const waiting = new Set(await readdir(pending));
    for (const file of Object.values(deviceFiles)) {
      if (waiting.has(file)) await rename(join(pending, file), join(directory, file));
    }
    await syncDirectory(directory);
    await rm(join(pending, completeName), { force: true });
    await rm(pending, { recursive: true, force: true });
  } catch (error) {
    throw fileFailure(error, directory);
  }
}
