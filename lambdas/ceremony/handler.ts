/** Room: lambdas/ceremony. Has lent roots sign what two people have approved. */
import type { CeremonyApp } from "../../core/ports.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { type TaskHandler, taskHandler } from "../task.ts";

/** Takes any event: what there is to sign stands in the store. */
export function ceremonyFunction(app: CeremonyApp): TaskHandler<{ held: number; failed: number }> {
  return taskHandler(app, "ceremony", () => holdCeremonies(app));
}
