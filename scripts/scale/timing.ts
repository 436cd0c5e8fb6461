/** Room: scripts. How long one call takes, over many: its median and its 99th percentile. */

export interface Timing {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

type Act = (index: number) => Promise<unknown>;

async function once(act: Act, index: number): Promise<number> {
  const begin = performance.now();
  await act(index);
  return performance.now() - begin;
}

/**
 * Calls each of `acts` `samples` times in turn, so that a noisy moment hits them all, after a tenth as many that do not
 * count. One result for each, in their order.
 */
export async function timedInTurn(samples: number, acts: readonly Act[]): Promise<readonly Timing[]> {
  const warmUp = Math.ceil(samples / 10);
  const taken = acts.map((): number[] => []);
  for (let index = 0; index < samples + warmUp; index += 1) {
    for (const [which, act] of acts.entries()) {
      const time = await once(act, index);
      if (index >= warmUp) taken[which]?.push(time);
    }
  }
  return taken.map((times) => {
    times.sort((left, right) => left - right);
    return { p50: at(times, 0.5), p99: at(times, 0.99), slowest: at(times, 1) };
  });
}

/** A Markdown table; the first row is its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "--:"))), ...rest.map(line)].join(
    "\n",
  );
}
