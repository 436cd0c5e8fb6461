/** Room: cli. From argv to an exit code: find the command, show help, run, report what failed. */
import { readFileSync } from "node:fs";
import type { LazyCommand } from "./command-tree.ts";
import { type CommandGroup, commandTree } from "./command-tree.ts";
import { type ExitName, exitCodes } from "./exit-codes.ts";
import { Failure, toFailure, usageFailure } from "./failure.ts";
import { valueFlags } from "./global-flags.ts";
import { renderCommandHelp, renderGroupHelp } from "./help.ts";
import { createOutput } from "./output.ts";
import type { Terminal } from "./terminal.ts";

interface Located {
  readonly words: readonly string[];
  readonly found: CommandGroup | LazyCommand;
  /** Everything that was not a word of the command, in order. */
  readonly rest: readonly string[];
}

/** Runs `argv` (without node and script) and resolves to the process's exit code. Never throws. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return exitCodes[await dispatch(argv, terminal)].code;
  } catch (error) {
    const failure = toFailure(error);
    tell(failure, argv, terminal);
    return exitCodes[failure.exit].code;
  }
}

/** Where stdout itself has failed, stderr alone is told. */
function tell(failure: Failure, argv: readonly string[], terminal: Terminal): void {
  try {
    createOutput(terminal, argv.includes("--json")).failure(failure);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<ExitName> {
  if (argv.length === 1 && argv[0] === "--version") {
    terminal.stdout.write(`${readVersion()}\n`);
    return "ok";
  }
  const wantsHelp = argv.includes("--help") || argv.includes("-h");
  const { words, found, rest } = locate(argv, wantsHelp);
  if (typeof found !== "function") {
    if (!wantsHelp && argv.length > 0) throw usageFailure(incomplete(words, found), help(words));
    const text = await renderGroupHelp(words, found, terminal);
    (wantsHelp ? terminal.stdout : terminal.stderr).write(text);
    return wantsHelp ? "ok" : "usage";
  }
  const command = await found();
  if (!wantsHelp) return command.run(rest, terminal);
  terminal.stdout.write(renderCommandHelp(words, command, terminal));
  return "ok";
}

/** Words may come after shared flags (`fleetkey --json cert list`); the flags go to the command. */
function locate(argv: readonly string[], wantsHelp: boolean): Located {
  const words: string[] = [];
  const rest: string[] = [];
  let found: CommandGroup | LazyCommand = commandTree;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    if (typeof found === "function") {
      rest.push(argument);
    } else if (argument.startsWith("-")) {
      rest.push(argument);
      if (valueFlags.has(argument) && index + 1 < argv.length) rest.push(argv[++index] ?? "");
    } else {
      const next: CommandGroup | LazyCommand | undefined = Object.hasOwn(found.commands, argument)
        ? found.commands[argument]
        : undefined;
      if (next === undefined && wantsHelp) break;
      if (next === undefined) throw usageFailure(`no such command; ${incomplete(words, found)}`, help(words));
      words.push(argument);
      found = next;
    }
  }
  return { words, found, rest };
}

const incomplete = (words: readonly string[], group: CommandGroup): string =>
  `${["fleetkey", ...words].join(" ")} takes one of: ${Object.keys(group.commands).join(", ")}`;

const help = (words: readonly string[]): string => `see: ${["fleetkey", ...words].join(" ")} --help`;

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  const isNamed = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isNamed ? String(manifest.version) : "unknown";
}
