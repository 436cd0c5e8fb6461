/** Room: core/revocation. Asks for a task now: lists to be published, jobs to be gone on with. */
import { isAppError } from "../errors.ts";
import type { RevocationApp, StartedTask } from "../ports.ts";

/** When nobody can be asked, the schedule comes anyhow, so a failure is only told. */
export async function wake(app: RevocationApp, task: StartedTask): Promise<void> {
  try {
    await app.tasks.start(task);
  } catch (error) {
    app.log.warn("task_not_started", { task, code: isAppError(error) ? error.code : "internal" });
  }
}
