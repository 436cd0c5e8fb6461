/** Room: cli. One command: its flags, its strict parsing and what it runs. */
import { parseArgs as parseStrictly } from "node:util";
import { type ArgsDef, type ParsedArgs, parseArgs } from "citty";
import type { ExitName } from "./exit-codes.ts";
import { usageFailure } from "./failure.ts";
import { createOutput, type Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  readonly terminal: Terminal;
  readonly output: Output;
}

export interface CommandDefinition<Args extends ArgsDef> {
  readonly summary: string;
  readonly args: Args;
  /** Flags that may be given several times; the command sees their values joined by commas. */
  readonly repeated?: readonly (keyof Args & string)[];
  /** Resolves to the exit; nothing means `ok`. Throws a Failure for whatever else happens. */
  run(args: ParsedArgs<Args>, context: Context): Promise<ExitName | undefined>;
}

export interface Command {
  readonly summary: string;
  readonly args: ArgsDef;
  /** Parses strictly, then runs. Throws `usage` for a flag, value or argument the command does not take. */
  run(rawArgs: readonly string[], terminal: Terminal): Promise<ExitName>;
}

export function defineCommand<const Args extends ArgsDef>(definition: CommandDefinition<Args>): Command {
  const { summary, args, repeated = [] } = definition;
  return {
    summary,
    args,
    async run(rawArgs, terminal) {
      const given = checkArguments(rawArgs, args, repeated);
      const parsed = parse<Args>(rawArgs, args);
      // citty reads `--no-wait` as a denial of `--wait`, though a switch of that name is defined.
      for (const name of Object.keys(args).filter((each) => each.startsWith("no-")))
        Object.assign(parsed, { [name]: given[name] });
      for (const name of repeated) Object.assign(parsed, { [name]: joined(given[name]) });
      assertEnumerations(parsed, args);
      const output = createOutput(terminal, parsed["json"] === true);
      return (await definition.run(parsed, { terminal, output })) ?? "ok";
    },
  };
}

const joined = (values: unknown): string | undefined =>
  Array.isArray(values) ? values.join(",") : undefined;

/** citty demands every kind of argument but an enumeration. */
function assertEnumerations(parsed: Readonly<Record<string, unknown>>, args: ArgsDef): void {
  const missing = Object.entries(args).find(
    ([name, { type, required }]) => type === "enum" && required === true && parsed[name] === undefined,
  );
  if (missing !== undefined) throw usageFailure(`Missing required argument: --${missing[0]}`);
}

function parse<Args extends ArgsDef>(rawArgs: readonly string[], args: Args): ParsedArgs<Args> {
  try {
    return parseArgs<Args>([...rawArgs], args);
  } catch (error) {
    // citty names the flag, and for an enumeration the value, which is never a secret.
    throw usageFailure(error instanceof Error ? error.message : "the arguments cannot be read");
  }
}

/** The flags as given. citty ignores what it does not know, and a misspelt flag must not pass for its default. */
function checkArguments(
  rawArgs: readonly string[],
  args: ArgsDef,
  repeated: readonly string[],
): Readonly<Record<string, unknown>> {
  const flags = Object.entries(args).filter(([, definition]) => definition.type !== "positional");
  const options = Object.fromEntries(
    flags.map(([name, { type }]) => {
      const kind = type === "boolean" ? "boolean" : "string";
      return [name, { type: kind, multiple: repeated.includes(name) } as const];
    }),
  );
  let read: { values: Record<string, unknown>; positionals: string[] };
  try {
    read = parseStrictly({ args: [...rawArgs], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageFailure(strictMessage(error));
  }
  const empty = Object.entries(read.values).find(([, value]) => [value].flat().includes(""));
  if (empty !== undefined) throw usageFailure(`--${empty[0]} has an empty value`);
  const places = Object.keys(args).length - flags.length;
  if (read.positionals.length > places) {
    // Not shown: a token pasted without its flag would land here.
    throw usageFailure(
      `${read.positionals.length - places} argument(s) too many; values go after their flag`,
    );
  }
  return read.values;
}

function strictMessage(error: unknown): string {
  const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
  const unknownFlag = /^Unknown option '(--?[A-Za-z0-9-]+)/.exec(message)?.[1];
  if (unknownFlag !== undefined) return `unknown flag ${unknownFlag}`;
  const named = /'(--?[A-Za-z0-9-]+)/.exec(message)?.[1];
  if (message.includes("ambiguous"))
    return `${named} needs a value; one that begins with - is written ${named}=VALUE`;
  if (message.includes("argument missing")) return `${named} needs a value`;
  return `${named ?? "a flag"} cannot be read; a switch takes no value`;
}

/** `text` as a whole number in the range, or `usage`. */
export function parseWholeNumber(flag: string, text: string, minimum: number, maximum: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  throw usageFailure(`${flag} is not a whole number from ${minimum} to ${maximum}`);
}
