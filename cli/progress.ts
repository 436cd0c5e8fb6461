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

interface ProgressLine {
  /** Shows the text of `render` when the last one is old enough. */
  show(render: (elapsed: number) => string): void;
  /** Shows a text now, for what changes seldom. */
  tell(text: string): void;
  end(): void;
}

/**
 * Written here and not taken from a prompt library: those put the terminal into raw mode, where Ctrl-C ends
 * the process before what is in flight is on record.
 */
function progressLine({ stderr, env, now }: Terminal): ProgressLine & { readonly isRedrawn: boolean } {
  const isRedrawn = stderr.isTTY === true && env["TERM"] !== "dumb";
  const interval = isRedrawn ? redrawMilliseconds : plainMilliseconds;
  const startedAt = now();
  let shownAt = startedAt;
  const write = (text: string): void => void stderr.write(isRedrawn ? `\r${text}\u001b[K` : `${text}\n`);
  return {
    isRedrawn,
    show(render) {
      if (now() - shownAt < interval) return;
      shownAt = now();
      write(render(shownAt - startedAt));
    },
    tell: write,
    end() {
      if (isRedrawn) stderr.write("\r\u001b[K");
    },
  };
}

export function createProgress(terminal: Terminal, total: number): Progress {
  const { show, end, isRedrawn } = progressLine(terminal);
  const counts = { issued: 0, failed: 0, skipped: 0 };
  return {
    advance(outcome) {
      counts[outcome] += 1;
      show((elapsed) => {
        const text = renderProgress(counts, total, elapsed);
        return isRedrawn ? `${renderBar(counts, total)} ${text}` : text;
      });
    },
    end,
  };
}

export interface Counter {
  /** So many more. */
  advance(count: number): void;
  end(): void;
}

/** For work of which nobody knows how much it is. */
export function createCounter(terminal: Terminal, noun: string): Counter {
  const { show, end } = progressLine(terminal);
  let total = 0;
  return {
    advance(count) {
      total += count;
      show((elapsed) => `${total} ${noun}, ${((total * 1000) / Math.max(elapsed, 1)).toFixed(0)} a second`);
    },
    end,
  };
}

export interface Watch {
  /** What it has come to; shown when it is another text than before. */
  see(text: string): void;
  end(): void;
}

/** For work that somebody else does, and that is looked at now and then. */
export function createWatch(terminal: Terminal): Watch {
  const { tell, end } = progressLine(terminal);
  let shown = "";
  return {
    see(text) {
      if (text !== shown) tell(text);
      shown = text;
    },
    end,
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
