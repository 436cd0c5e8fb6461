/**
 * Room: core/rotation. Opens what has come to wait for people, and closes what waits no more. A notice is told before a
 * task is opened, or becomes more severe: a crash in between tells again, and two runs at once tell twice at most.
 */
import { isAppError } from "../errors.ts";
import type { Notice, RotationApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type RotationAction,
  type RotationTaskRecord,
  rotationTaskItem,
} from "../records/rotation-task-record.ts";
import type { Duty } from "./duties.ts";
import { rotationTasks } from "./people.ts";
import { tell } from "./told-notice.ts";

const events: Readonly<Record<RotationAction, string>> = {
  deployKey: "rotation.deploy-key",
  openCeremony: "rotation.open-ceremony",
  deployGateway: "rotation.deploy-gateway",
  destroyKey: "rotation.destroy-key",
  inspectKey: "rotation.inspect-key",
  inspectRotation: "rotation.inspect-rotation",
  replaceKey: "rotation.replace-key",
};
const rank = { information: 0, warning: 1, critical: 2 } as const;
const day = 86_400_000;

const nameOf = ({ action, subject }: Duty): string => `${action}#${subject}`;

export interface Reconciliation {
  /** Opened or closed. */
  tasks: number;
  notices: number;
}

/** @returns False when another run was faster. */
async function write(app: RotationApp, operation: WriteOperation): Promise<boolean> {
  try {
    await app.items.transact([operation]);
    return true;
  } catch (error) {
    if (isAppError(error, "store_condition_failed")) return false;
    throw error;
  }
}

function noticeOf(fleet: string, { action, subject, severity, dueAt }: Duty, now: number): Notice {
  const measures =
    dueAt === undefined ? {} : { measures: { days: Math.max(0, Math.floor((dueAt - now) / day)) } };
  return { event: events[action], severity, fleet, subject, ...measures };
}

async function open(
  app: RotationApp,
  fleet: string,
  duty: Duty,
  stored: Stored<RotationTaskRecord> | undefined,
  done: Reconciliation,
): Promise<void> {
  const now = app.clock.now();
  const present = stored?.value.closedAt === undefined ? stored?.value : undefined;
  const isSame = present !== undefined && present.severity === duty.severity && present.dueAt === duty.dueAt;
  if (isSame) return;
  const isWorse = present === undefined || rank[duty.severity] > rank[present.severity];
  if (isWorse) {
    await tell(app, noticeOf(fleet, duty, now));
    done.notices += 1;
  }
  const record: RotationTaskRecord = { fleet, ...duty, openedAt: present?.openedAt ?? now };
  const put = rotationTaskItem(record);
  const written = await write(app, { put, when: stored?.version ?? "absent" });
  if (written && present === undefined) done.tasks += 1;
}

/** @throws AppError notifier_unavailable, store_unavailable: what was opened or closed before stays so. */
export async function reconcileTasks(
  app: RotationApp,
  fleet: string,
  duties: readonly Duty[],
): Promise<Reconciliation> {
  const stored = new Map((await rotationTasks(app, fleet)).map((task) => [nameOf(task.value), task]));
  const done: Reconciliation = { tasks: 0, notices: 0 };
  for (const duty of duties) await open(app, fleet, duty, stored.get(nameOf(duty)), done);
  const wanted = new Set(duties.map(nameOf));
  for (const [name, { value, version }] of stored) {
    if (wanted.has(name) || value.closedAt !== undefined) continue;
    const put = rotationTaskItem({ ...value, closedAt: app.clock.now() });
    if (await write(app, { put, when: version })) done.tasks += 1;
  }
  return done;
}
