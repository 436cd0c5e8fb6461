/** Room: scripts/rehearsal. Ceremonies at the deployed API: two people open one, tasks lend the root, sign and return it. */
import type { Ceremony, RotationTaskList } from "../../lambdas/http/rotation-answers.ts";
import { performTogether } from "./person.ts";
import type { RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat } from "./report.ts";
import { documentOf, eventually, loansOfRoot, mostLoans, type Pair, read } from "./rotation-answers.ts";

/** Opened by both, held by the tasks, as it stands when its roots are back. */
export async function holdCeremony(stage: RehearsedStage, pair: Pair, body: object): Promise<Ceremony> {
  const call = { operation: "openCeremony", path: "/ceremonies", body };
  const { ceremonyId } = documentOf<Ceremony>(await performTogether(stage, pair, call));
  const look = () => read<Ceremony>(stage, pair, `/ceremonies/${ceremonyId}`);
  return eventually(stage, "rollover", look, ({ returnedAt }) => returnedAt !== undefined);
}

const tasksOf = async (stage: RehearsedStage, pair: Pair): Promise<readonly string[]> =>
  (await read<RotationTaskList>(stage, pair, "/rotation-tasks")).tasks.map(
    ({ action, subject }) => `${action} ${subject}`,
  );

/** Fails unless the task is told of, `"deployKey issuing-2"`, once the rotation has looked. */
export async function expectTask(stage: RehearsedStage, pair: Pair, task: string): Promise<string> {
  const look = () => tasksOf(stage, pair);
  return (await eventually(stage, "rollover", look, (tasks) => tasks.includes(task))).join(", ");
}

/** The key that it needs is not deployed yet. */
export async function failForWantOfKey(
  stage: RehearsedStage,
  pair: Pair,
  rolloverId: string,
): Promise<string> {
  const ceremony = await holdCeremony(stage, pair, { purpose: "rollover", rolloverId });
  const { state, failure } = ceremony;
  expectThat(
    state === "failed" && failure === "configuration_invalid",
    `the ceremony is ${state}, ${failure ?? "without a failure"}`,
  );
  expectThat((await loansOfRoot(stage)) === 0, "the root is still lent");
  return expectTask(stage, pair, "deployKey issuing-2");
}

/** Resolves when the root has been lent, has signed, and is back: KMS's own list of grants says so. */
export async function signWithLentRoot(stage: RehearsedStage, pair: Pair, body: object): Promise<string> {
  expectThat((await loansOfRoot(stage)) === 0, "the root is lent before");
  let state = "";
  const lent = await mostLoans(stage, async () => {
    ({ state } = await holdCeremony(stage, pair, body));
  });
  expectThat(state === "done", `the ceremony is ${state}`);
  expectThat(lent === 1, `KMS knew ${lent} loans of the root meanwhile`);
  expectThat((await loansOfRoot(stage)) === 0, "the root is still lent");
  return "one loan, and none left";
}
