#!/usr/bin/env node
/** Room: cli. The process: argv, streams, signals and the exit code. Everything else takes them as arguments. */
import { runCommandLine } from "./command-line.ts";
import { exitCodes } from "./exit-codes.ts";
import { systemCode } from "./failure.ts";
import { standardOutput } from "./standard-output.ts";

/** A launcher (npm, fleetkey.js) passes on what the terminal has sent us too: the same wish, not a second one. */
const echoMilliseconds = 1_000;

/** Aborts at the first signal; a later one, from someone who will not wait, ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        abortedAt = Date.now();
        controller.abort();
      } else if (Date.now() - abortedAt > echoMilliseconds) {
        process.exit(exitCodes.interrupted.code);
      }
    });
  }
  return controller.signal;
}

/** A reader that has seen enough (`| head`) is no error. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      const code = systemCode(error);
      if (code === "EPIPE") process.exit(0);
      if (code === undefined) throw error;
      if (stream === process.stdout) process.stderr.write(`error: stdout: ${code} [file_failed]\n`);
      process.exit(exitCodes.localFile.code);
    });
  }
}

/** Node 22 can load this file and would fail later, at the first ML-DSA key. */
function isNodeNewEnough(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 6);
}

/** Runs the command line of this process and sets its exit code. */
export async function start(): Promise<void> {
  if (!isNodeNewEnough()) {
    process.stderr.write(
      `fleetkey needs Node 24.6 or later, and this is ${process.version}; try cli/fleetkey.js\n`,
    );
    process.exitCode = 2;
    return;
  }
  endQuietlyOnClosedPipe();
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    env: process.env,
    stdin: process.stdin,
    stdout: standardOutput(process.stdout),
    stderr: process.stderr,
    interrupted: interruption(),
    now: Date.now,
  });
}

// Undefined before Node 24.2, where the check above has something to say.
if (import.meta.main !== false) await start();
