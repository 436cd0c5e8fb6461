/** Room: bench. Timing in one run: warm-up, then the median of several rounds, so that ratios compare like with like. */

export interface Rate {
  readonly name: string;
  /** Operations a second: the median of the rounds. */
  readonly perSecond: number;
}

/** One operation. Where `inFlight` is given its result is awaited; otherwise it is measured as synchronous. */
export type Operation = () => unknown;

const rounds = 5;

/** Runs `operation` `count` times with `inFlight` of them under way at once; returns seconds. */
async function lap(operation: Operation, count: number, inFlight: number): Promise<number> {
  let started = 0;
  const begin = performance.now();
  const worker = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      await operation();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (performance.now() - begin) / 1000;
}

/**
 * Rates of all `operations`, measured in turn round by round, so that a noisy moment hits them all.
 * Synchronous operations run in a plain loop, without an await between them.
 */
export async function rates(
  operations: readonly { readonly name: string; readonly run: Operation; readonly inFlight?: number }[],
  count: number,
): Promise<readonly Rate[]> {
  const seconds = operations.map((): number[] => []);
  for (const { run, inFlight } of operations) await lap(run, count, inFlight ?? 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { run, inFlight }] of operations.entries()) {
      seconds[index]?.push(inFlight === undefined ? loop(run, count) : await lap(run, count, inFlight));
    }
  }
  return operations.map(({ name }, index) => {
    const sorted = [...(seconds[index] ?? [])].sort((a, b) => a - b);
    return { name, perSecond: count / (sorted[Math.floor(rounds / 2)] ?? Number.NaN) };
  });
}

function loop(run: Operation, count: number): number {
  const begin = performance.now();
  for (let index = 0; index < count; index += 1) run();
  return (performance.now() - begin) / 1000;
}

/**
 * `rows` as lines of text, the first column flush left, all others flush right. The first row says how many
 * columns there are.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  return rows.map((row) => `  ${line(row).join("  ")}`).join("\n");
}
