/** Room: core/rotation. People are told of each state that a rollover is found in: at least once, and once where no run dies. */
import type { Notice, RotationApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { RolloverRecord, RolloverState } from "../records/rollover-record.ts";
import { type Move, moveOf } from "./rollover-store.ts";

const events: Readonly<Record<RolloverState, string>> = {
  planned: "rollover.planned",
  published: "rollover.published",
  active: "rollover.active",
  draining: "rollover.draining",
  retired: "rollover.retired",
  destroyed: "rollover.destroyed",
  rolledBack: "rollover.rolled-back",
};

const day = 86_400_000;

function severityOf({ emergency, state }: RolloverRecord): Notice["severity"] {
  if (emergency) return "critical";
  return state === "destroyed" || state === "rolledBack" ? "warning" : "information";
}

/** Told before it is noted, so that a run that died tells again. Undefined when they know. */
export async function told(app: RotationApp, stored: Stored<RolloverRecord>): Promise<Move | undefined> {
  const { value } = stored;
  const { fleet, state, toId, fromId, toldState, deletionAt, drainedAt } = value;
  if (toldState === state) return undefined;
  const daysTo = (time: number) => Math.max(0, Math.ceil((time - app.clock.now()) / day));
  await app.notifier.notify({
    event: events[state],
    severity: severityOf(value),
    fleet,
    // Whoever reads of an end looks for the authority that goes.
    subject: state === "retired" || state === "destroyed" ? fromId : toId,
    ...(deletionAt === undefined ? {} : { measures: { deletionInDays: daysTo(deletionAt) } }),
    ...(state !== "active" || drainedAt === undefined
      ? {}
      : { measures: { drainedInDays: daysTo(drainedAt) } }),
  });
  return moveOf(stored, { ...value, toldState: state });
}
