/**
 * Room: lambdas/http. The Log port: every line passes `redact` before a sink sees it, whichever sink it is.
 */
import type { Log } from "../../core/ports.ts";
import { type LogFields, redact, redactEvent } from "./redaction.ts";

export type Level = "info" | "warn" | "error";
export type Sink = (level: Level, event: string, fields: LogFields) => void;

export function redactingLog(sink: Sink): Log {
  const write =
    (level: Level) =>
    (event: string, fields: LogFields = {}): void =>
      sink(level, redactEvent(event), redact(fields));
  return { info: write("info"), warn: write("warn"), error: write("error") };
}

const severity: Readonly<Record<Level, number>> = { info: 0, warn: 1, error: 2 };

export interface LogOptions {
  /** Receives whole lines. @default standard error */
  readonly write?: (lines: string) => void;
  /** Milliseconds since the epoch. @default the system's clock */
  readonly now?: () => number;
  /** Lines below it are dropped. @default "info" */
  readonly minimum?: Level;
}

/** One JSON object a line. */
export function createLog(options: LogOptions = {}): Log {
  const { write = (lines) => process.stderr.write(lines), now = Date.now, minimum = "info" } = options;
  return redactingLog((level, event, fields) => {
    if (severity[level] < severity[minimum]) return;
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, event, ...fields })}\n`);
  });
}
