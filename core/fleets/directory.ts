/** Room: core/fleets. Which fleets there are, for tasks that look after all of them: one query, a small item a fleet. */
import { isAppError } from "../errors.ts";
import type { KeylessApp, NewItem } from "../ports.ts";
import { text } from "../records/attributes.ts";
import { readItems } from "../records/pages.ts";

const partition = "FLEETS";
/** More than a deployment ever has. */
const maximumFleets = 10_000;

export function directoryItem(fleet: string): NewItem {
  return { pk: partition, sk: fleet, attributes: { fleet } };
}

/** Lists a fleet that an earlier release made. Changes nothing when it is listed. */
export async function listFleet(app: KeylessApp, fleet: string): Promise<void> {
  const item = directoryItem(fleet);
  if ((await app.items.get(item)) !== undefined) return;
  try {
    await app.items.transact([{ put: item, when: "absent" }]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}

/** Names of all fleets, in order. */
export async function allFleets(app: KeylessApp): Promise<readonly string[]> {
  const items = await readItems(app, { pk: partition, limit: maximumFleets });
  return items.map((item) => text(item, "fleet"));
}
