/** Room: scripts/deployment. What every program here does around its work: --help, and how it fails. */
import { describeFailure, UsageFailure } from "./failure.ts";
import { exitOnSignals } from "./temporary-directory.ts";

export interface Program {
  /** For --help, on stdout. */
  readonly usage: string;
  /** Gets the words of the command line. */
  run(argv: readonly string[]): Promise<void>;
}

/** Exit code 0 for --help, 2 for a wrong word, 1 for any other failure, which goes to stderr with its remedy. */
export async function runProgram({ usage, run }: Program): Promise<void> {
  exitOnSignals();
  const argv = process.argv.slice(2);
  if (argv.some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  try {
    await run(argv);
  } catch (error) {
    process.stderr.write(`\nfailed: ${describeFailure(error)}\n`);
    process.exitCode = error instanceof UsageFailure ? 2 : 1;
  }
}
