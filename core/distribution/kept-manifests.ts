/**
 * Room: core/distribution. The text of each version of the trust, kept beside its object: devices walk over all of
 * them for years, and one that is lost could not be signed again, since the next names it by its hash.
 */
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp, ObjectStore, StoredObject } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type ManifestRecord,
  manifestItem,
  manifestKey,
  manifestRange,
  manifestRecord,
} from "../records/manifest-record.ts";
import { readItems } from "../records/pages.ts";
import { publicationPartition, type TrustSignerRecord } from "../records/publication-record.ts";
import { manifestVersionKey, manifestVersionKind } from "./artifacts.ts";
import { trustSigners } from "./known-signers.ts";
import { isSigned, readManifest } from "./manifest-signature.ts";
import { signerJwk } from "./trust-signer.ts";
import { findPublication } from "./trust-version.ts";

type Version = Pick<ManifestRecord, "fleet" | "trustVersion">;
type Signers = readonly TrustSignerRecord[];

/** More than a fleet makes in centuries. */
const maximumVersions = 100_000;

export const textOf = ({ body }: StoredObject): string => Buffer.from(body).toString("latin1");

/**
 * Of its number, and by a key of ours: what such a text says was said.
 * @throws AppError internal; trust_malformed.
 */
export async function assertOurs(
  { fleet, trustVersion }: Version,
  signers: Signers,
  text: string,
): Promise<void> {
  const read = readManifest(text);
  const known = signers.some((signer) => signerJwk(signer).kid === read.kid);
  const named = fleet === read.manifest.fleet && trustVersion === read.manifest.version;
  if (known && named && (await isSigned(read))) return;
  throw new AppError("internal", `object of trust version ${trustVersion} of fleet "${fleet}" is not ours`);
}

async function isOurs(version: Version, signers: Signers, text: string): Promise<boolean> {
  try {
    await assertOurs(version, signers, text);
    return true;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}

async function findManifest(app: KeylessApp, version: Version): Promise<Stored<ManifestRecord> | undefined> {
  const item = await app.items.get(manifestKey(version));
  return item === undefined ? undefined : manifestRecord(item);
}

export async function keptText(app: KeylessApp, version: Version): Promise<string | undefined> {
  return (await findManifest(app, version))?.value.text;
}

/** Keeps the text that readers find. Of many who do, one has written it. */
export async function keepText(app: KeylessApp, record: ManifestRecord): Promise<void> {
  const found = await findManifest(app, record);
  if (found?.value.text === record.text) return;
  try {
    await app.items.transact([{ put: manifestItem(record), when: found?.version ?? "absent" }]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

/** The text that is kept from now on: this one, or the one of whoever was faster. */
export async function firstText(app: KeylessApp, record: ManifestRecord): Promise<string> {
  try {
    await app.items.transact([{ put: manifestItem(record), when: "absent" }]);
    return record.text;
  } catch (error) {
    const kept = isAppError(error, "store_condition_failed") ? await keptText(app, record) : undefined;
    if (kept === undefined) throw error;
    return kept;
  }
}

/** `lost`: neither store has its text. */
type Outcome = "there" | "restored" | "lost";
type KeepingApp = KeylessApp & { readonly artifacts: ObjectStore };

async function restore(
  app: KeepingApp,
  version: Version,
  signers: Signers,
  kept: string | undefined,
): Promise<Outcome> {
  const key = manifestVersionKey(version.fleet, version.trustVersion);
  const object = await app.artifacts.get(key);
  if (object !== undefined && (await isOurs(version, signers, textOf(object)))) {
    if (kept === undefined) await keepText(app, { ...version, text: textOf(object) });
    return "there";
  }
  if (kept === undefined || !(await isOurs(version, signers, kept))) return "lost";
  const when = object === undefined ? "absent" : { tag: object.tag };
  try {
    await app.artifacts.put(key, { body: Buffer.from(kept), ...manifestVersionKind }, when);
    return "restored";
  } catch (error) {
    // Another does the same.
    if (isAppError(error, "store_condition_failed")) return "there";
    throw error;
  }
}

/**
 * Puts every version back under its number, octet for octet, where it was lost or damaged, and keeps the text of those
 * that earlier releases did not keep. Reads each object once, so it is for deployments, starts and the hour.
 * @returns How many were put back. @throws AppError store_unavailable.
 */
export async function restoreManifests(app: KeepingApp, fleet: string): Promise<number> {
  const state = await findPublication(app, fleet);
  if (state === undefined) return 0;
  const signers = (await trustSigners(app, fleet)).map(({ value }) => value);
  const query = { pk: publicationPartition(fleet), ...manifestRange, limit: maximumVersions };
  const records = (await readItems(app, query)).map((item) => manifestRecord(item).value);
  const kept = new Map(records.map(({ trustVersion, text }) => [trustVersion, text]));
  const newest = state.value.trustVersion;
  let restored = 0;
  for (let trustVersion = 1; trustVersion <= newest; trustVersion += 1) {
    // What is on record is signed later: then there is nothing to put back.
    if (trustVersion === newest && !kept.has(newest)) break;
    const outcome = await restore(app, { fleet, trustVersion }, signers, kept.get(trustVersion));
    if (outcome === "there") continue;
    app.log.error(`trust_version_${outcome}`, { fleet, trustVersion });
    if (outcome === "restored") restored += 1;
  }
  return restored;
}
