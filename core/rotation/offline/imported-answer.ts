/** Room: core/rotation. The answer that was imported for a root whose key is offline, while the old root's word is missing. */
import { AppError } from "../../errors.ts";
import type { KeylessApp } from "../../ports.ts";
import {
  answerRange,
  type OfflineAnswerRecord,
  offlineAnswerRecord,
  offlinePartition,
} from "../../records/offline-record.ts";
import { readItems } from "../../records/pages.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { readAnswer } from "./answer.ts";
import { type VerifiedAnswer, verifyAnswer } from "./verification.ts";

/** Of one rollover: its own, and a list for as long as its root stands. */
const maximumAnswers = 1_000;

async function newest(
  app: KeylessApp,
  { fleet, rolloverId }: RolloverRecord,
): Promise<OfflineAnswerRecord | undefined> {
  const query = { pk: offlinePartition(fleet), ...answerRange(rolloverId), limit: maximumAnswers };
  const found = (await readItems(app, query)).map((item) => offlineAnswerRecord(item).value);
  return found.toSorted((left, right) => right.importedAt - left.importedAt)[0];
}

/** Whether a ceremony can go on where the other machine has stopped. */
export const isImported = async (app: KeylessApp, rollover: RolloverRecord): Promise<boolean> =>
  (await newest(app, rollover)) !== undefined;

/** @throws AppError key_offline: none was imported; ceremony_invalid: it would not be taken any more. */
export async function importedAnswer(
  app: KeylessApp,
  rollover: RolloverRecord,
): Promise<{ readonly ceremonyId: string; readonly verified: VerifiedAnswer }> {
  const found = await newest(app, rollover);
  if (found === undefined)
    throw new AppError(
      "key_offline",
      `the key of "${rollover.toId}" is kept offline; sign on its machine (fleetkey ceremony sign) and import the answer first`,
    );
  return { ceremonyId: found.ceremonyId, verified: await verifyAnswer(readAnswer(found.document)) };
}
