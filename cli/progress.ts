/** Room: cli. How far long work has come: a line that redraws on a terminal, a plain line now and then elsewhere. */
import type { Terminal } from "./terminal.ts";

export interface Progress {
  advance(outcome: "issued" | "failed" | "skipped"): void;
  /** Clears a redrawn line. */
  end(): void;
}

const redrawMilliseconds = 100;
const plainMilliseconds = 10_000;
const barWidth = 24;

/**
 * Written here and not taken from a prompt library: those put the terminal into raw mode, where Ctrl-C ends
 * the process before what is in flight is on record.
 */
export function createProgress(terminal: Terminal, total: number): Progress {
  const { stderr, now } = terminal;
  const isRedrawn = stderr.isTTY === true && terminal.env["TERM"] !== "dumb";
  const interval = isRedrawn ? redrawMilliseconds : plainMilliseconds;
  const counts = { issued: 0, failed: 0, skipped: 0 };
  const startedAt = now();
  let shownAt = startedAt;
  return {
    advance(outcome) {
      counts[outcome] += 1;
      if (now() - shownAt < interval) return;
      shownAt = now();
      const text = renderProgress(counts, total, shownAt - startedAt);
      stderr.write(isRedrawn ? `\r${renderBar(counts, total)} ${text}\u001b[K` : `${text}\n`);
    },
    end() {
      if (isRedrawn) stderr.write("\r\u001b[K");
    },
  };
}

type Counts = Readonly<Record<"issued" | "failed" | "skipped", number>>;

const doneOf = ({ issued, failed, skipped }: Counts): number => issued + failed + skipped;

function renderBar(counts: Counts, total: number): string {
  const filled = Math.round((barWidth * doneOf(counts)) / Math.max(total, 1));
  return `[${"#".repeat(filled)}${".".repeat(barWidth - filled)}]`;
}

function renderProgress(counts: Counts, total: number, elapsed: number): string {
  const done = doneOf(counts);
  const rate = ((counts.issued + counts.failed) * 1000) / Math.max(elapsed, 1);
  const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : "";
  const failed = counts.failed > 0 ? `, ${counts.failed} failed` : "";
  return `${done}/${total} devices, ${rate.toFixed(0)} a second${failed}${left}`;
}
