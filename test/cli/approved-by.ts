/** A command that waits for people, and the people, who approve what waits, at the same time. */
import type { Person } from "./person.ts";
import type { RunResult } from "./run-cli.ts";

export async function approvedBy(
  people: readonly Person[],
  command: () => Promise<RunResult>,
): Promise<RunResult> {
  const ended = new AbortController();
  const running = command().finally(() => ended.abort());
  const [result] = await Promise.all([running, ...people.map((person) => person.approveNext(ended.signal))]);
  return result;
}
