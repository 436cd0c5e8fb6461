/** Room: core/rotation. Notices of the rotation: told once, and twice at most where two runs or a crash meet. */
import { isAppError } from "../errors.ts";
import type { NewItem, Notice, RotationApp } from "../ports.ts";

type TellingApp = Pick<RotationApp, "items" | "notifier">;

/** A subject that happens to look like a personal datum is left out; the notice is not. */
export async function tell({ notifier }: TellingApp, { subject, ...notice }: Notice): Promise<void> {
  if (subject === undefined) return notifier.notify(notice);
  try {
    await notifier.notify({ ...notice, subject });
  } catch (error) {
    if (!isAppError(error, "notice_not_permitted")) throw error;
    await notifier.notify(notice);
  }
}

/**
 * The notice first, then the mark that it was told: what dies in between is told again, never not at all.
 * @returns Whether it was told now.
 */
export async function tellOnce(app: TellingApp, mark: NewItem, notice: Notice): Promise<boolean> {
  if ((await app.items.get(mark)) !== undefined) return false;
  await tell(app, notice);
  try {
    await app.items.transact([{ put: mark, when: "absent" }]);
  } catch (error) {
    // Another run has told the same.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
  return true;
}
