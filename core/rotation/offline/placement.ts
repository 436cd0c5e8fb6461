/**
 * Room: core/rotation. What was imported goes where it lasts and where readers look: the lists among the artefacts, the
 * answer with its transcript among the records, and people are told. Repeated until it is done.
 */
import { isAppError } from "../../errors.ts";
import { decodeCertificateList, readCrlNumber } from "../../formats/crl/certificate-list.ts";
import type { DeploymentApp, StoredObject } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  answerRange,
  type OfflineAnswerRecord,
  offlineAnswerItem,
  offlineAnswerRecord,
  offlinePartition,
} from "../../records/offline-record.ts";
import { readItems } from "../../records/pages.ts";
import { listKey } from "../../revocation/list.ts";
import { markPublished, readEntries } from "../../revocation/list-entries.ts";
import { recordPublished } from "../../revocation/list-record.ts";
import { completeShard } from "../../revocation/shard.ts";
import { publicationSchedules, revocationStandard } from "../../standard/revocation.ts";
import { type OfflineAnswer, readAnswer } from "./answer.ts";
import { octetsOf } from "./members.ts";
import type { AskedList } from "./request.ts";

/** More than a fleet's roots have in a century. */
const maximumAnswers = 1_000;
/** Each lost race is another list in the same place. */
const attempts = 10;

/** True when the place has this list or a later one. */
function isThere(object: StoredObject | undefined, number: number): boolean {
  if (object === undefined) return false;
  try {
    return readCrlNumber(object.body) >= number;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}

async function putList(app: DeploymentApp, key: string, number: number, body: Uint8Array): Promise<void> {
  const cacheControl = `public, max-age=${revocationStandard.cacheSeconds}`;
  for (let attempt = 1; ; attempt += 1) {
    const object = await app.artifacts.get(key);
    if (isThere(object, number)) return;
    try {
      const when = object === undefined ? "absent" : { tag: object.tag };
      await app.artifacts.put(key, { body, contentType: "application/pkix-crl", cacheControl }, when);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

async function placeList(
  app: DeploymentApp,
  fleet: string,
  { signedBy, number, revoked }: AskedList,
  body: Buffer,
) {
  const name = { fleet, authorityId: signedBy, crlShard: completeShard };
  const { thisUpdate, nextUpdate = thisUpdate } = decodeCertificateList(body);
  await putList(app, listKey(name), number, body);
  const published = {
    publishedNumber: number,
    thisUpdate,
    nextUpdate,
    entries: revoked.length,
    octets: body.length,
  };
  await recordPublished(app, name, { ...published, places: "" }, publicationSchedules.rootCrl);
  const listed = new Set(revoked.map(({ serialNumber }) => serialNumber));
  const entries = await readEntries(app, name);
  // Entries that were changed since the request wait for the next list.
  const agreed = entries.filter(
    ({ value }) => (value.state === "revoked") === listed.has(value.serialNumber),
  );
  await markPublished(app, agreed, number);
}

async function keep(
  app: DeploymentApp,
  record: OfflineAnswerRecord,
  { certificates, transcript, request }: OfflineAnswer,
) {
  const { fleet, importedAt, ceremonyId, document } = record;
  const key = `ceremonies/${fleet}/${new Date(importedAt).toISOString()}-offline-${ceremonyId}.json`;
  if ((await app.records.get(key)) !== undefined) return;
  await app.notifier.notify({
    event: "ceremony.imported",
    severity: "warning",
    fleet,
    subject:
      request.successor?.authorityId ?? request.signer?.signerId ?? request.lists[0]?.signedBy ?? ceremonyId,
    measures: { certificates: certificates.length, participants: transcript.length },
  });
  try {
    const body = Buffer.from(`${document}\n`);
    await app.records.put(key, { body, contentType: "application/json" }, "absent");
  } catch (error) {
    // Another run has kept the same.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

async function place(app: DeploymentApp, { value, version }: Stored<OfflineAnswerRecord>): Promise<void> {
  const answer = readAnswer(value.document);
  for (const [at, asked] of answer.request.lists.entries())
    await placeList(app, value.fleet, asked, octetsOf(answer.lists[at] ?? ""));
  await keep(app, value, answer);
  try {
    const placed = { ...value, placedAt: app.clock.now() };
    await app.items.transact([{ put: offlineAnswerItem(placed), when: version }]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

/**
 * Places what was imported and is not in its place. Safe beside another run of it: people are told twice at most.
 * @returns How many answers. @throws AppError those of the stores and of the notifier; internal (damaged).
 */
export async function placeOffline(app: DeploymentApp, fleet: string): Promise<number> {
  const query = { pk: offlinePartition(fleet), ...answerRange(), limit: maximumAnswers };
  const waiting = (await readItems(app, query))
    .map(offlineAnswerRecord)
    .filter(({ value }) => value.placedAt === undefined);
  for (const stored of waiting) await place(app, stored);
  return waiting.length;
}
