/** Room: core/rotation. What waits for people in a fleet, as they list it. `reconcile.ts` opens and closes it. */
import { getFleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import {
  type RotationTaskRecord,
  rotationTaskPartition,
  rotationTaskRecord,
} from "../records/rotation-task-record.ts";
import type { RotationTaskList, RotationTaskListRequest, RotationTaskView } from "./key-views.ts";

/** A few for each key and rollover; the closed ones of ninety days among them. */
const maximumTasks = 1_000;

/** All that the store has, the closed ones too. */
export async function rotationTasks(
  app: KeylessApp,
  fleet: string,
): Promise<readonly Stored<RotationTaskRecord>[]> {
  const items = await readItems(app, { pk: rotationTaskPartition(fleet), limit: maximumTasks });
  return items.map(rotationTaskRecord);
}

function view({
  action,
  subject,
  severity,
  openedAt,
  dueAt,
  closedAt,
}: RotationTaskRecord): RotationTaskView {
  return {
    action,
    subject,
    severity,
    openedAt: isoSeconds(openedAt),
    ...(dueAt === undefined ? {} : { dueAt: isoSeconds(dueAt) }),
    ...(closedAt === undefined ? {} : { closedAt: isoSeconds(closedAt) }),
  };
}

const order = { critical: 0, warning: 1, information: 2 } as const satisfies Record<
  RotationTaskRecord["severity"],
  number
>;

/** Open ones; closed ones after them where they are asked for. @throws AppError not_found (fleet). */
export async function listRotationTasks(
  app: KeylessApp,
  { fleet, closed = false }: RotationTaskListRequest,
): Promise<RotationTaskList> {
  const [stored] = await Promise.all([rotationTasks(app, fleet), getFleet(app, fleet)]);
  const records = stored.map(({ value }) => value).filter(({ closedAt }) => closed || closedAt === undefined);
  const rank = (record: RotationTaskRecord): number =>
    (record.closedAt === undefined ? 0 : 3) + order[record.severity];
  const sorted = records.toSorted(
    (left, right) => rank(left) - rank(right) || left.openedAt - right.openedAt,
  );
  return { tasks: sorted.map(view) };
}
