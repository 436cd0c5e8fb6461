/** Room: cli. Help texts. */
import { styleText } from "node:util";
import type { ArgDef, ArgsDef } from "citty";
import type { Command } from "./command.ts";
import type { CommandGroup, LazyCommand } from "./command-tree.ts";
import { exitCodes } from "./exit-codes.ts";
import { type SettingFlag, settingRows } from "./settings.ts";
import { hasColour, type Terminal } from "./terminal.ts";

type Row = readonly [left: string, right: string];

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const indent = 2;
const widestLeft = 24;

export function renderCommandHelp(words: readonly string[], command: Command, terminal: Terminal): string {
  const entries = Object.entries(command.args);
  const places = entries
    .filter(([, { type }]) => type === "positional")
    .map(([name, { required }]) => (required === false ? `[${name.toUpperCase()}]` : name.toUpperCase()));
  const required = entries.flatMap(([name, flag]) =>
    flag.required === true && flag.type !== "positional" ? [flagText(name, flag)] : [],
  );
  const usage = ["fleetkey", ...words, ...places, ...required, "[FLAGS]"].join(" ");
  return renderHelp(command.summary, usage, flagSections(command.args), terminal);
}

/** Commands of a group; at the top also the settings and the exit codes. */
export async function renderGroupHelp(
  words: readonly string[],
  group: CommandGroup,
  terminal: Terminal,
): Promise<string> {
  const rows = await Promise.all(
    Object.entries(group.commands).map(async ([name, entry]): Promise<Row> => [name, await summaryOf(entry)]),
  );
  const usage = ["fleetkey", ...words, "COMMAND", "[FLAGS]"].join(" ");
  const sections: Section[] = [{ title: "COMMANDS (each has its own --help)", rows }];
  if (words.length === 0) sections.push(settingsSection(), exitSection());
  return renderHelp(group.summary, usage, sections, terminal);
}

const summaryOf = async (entry: CommandGroup | LazyCommand): Promise<string> =>
  typeof entry === "function" ? (await entry()).summary : entry.summary;

function flagText(name: string, { type, valueHint }: ArgDef): string {
  if (type === "positional") return name.toUpperCase();
  return type === "boolean" ? `--${name}` : `--${name} ${valueHint ?? "VALUE"}`;
}

function flagSections(args: ArgsDef): readonly Section[] {
  const rows = Object.entries(args).map(([name, flag]): Row => {
    const fallback = flag.default === undefined ? "" : `; ${flag.default} if not given`;
    const options = flag.type === "enum" && flag.options !== undefined ? `: ${flag.options.join(", ")}` : "";
    return [flagText(name, flag), `${flag.description ?? ""}${options}${fallback}`];
  });
  return [{ title: "FLAGS", rows }];
}

/** What else a default does not say. */
const settingNotes: { readonly [flag in SettingFlag]?: string } = {
  ca: "; system: this machine's roots",
};

function settingsSection(): Section {
  const rows = settingRows.map(
    (row): Row => [
      `--${row.flag}`,
      `${row.variable.padEnd(20)} ${row.fallback}${settingNotes[row.flag] ?? ""}`,
    ],
  );
  rows.push(["--renewal-url", "FLEETKEY_RENEWAL_URL the URL; where renewals go (device enroll)"]);
  const variables: Row[] = [
    ["", "FLEETKEY_TOKEN       enrolment token, or a pipeline's (trust ack), kept out of the process list"],
    ["", "FLEETKEY_PASSPHRASE  seals the keys of a local server (serve, fleet create)"],
    ["", "FLEETKEY_DEBUG       any value: show where an error arose"],
  ];
  return { title: "SETTINGS (flag, then variable, then default)", rows: [...rows, ...variables] };
}

function exitSection(): Section {
  return {
    title: "EXIT CODES",
    rows: Object.values(exitCodes).map(({ code, meaning }): Row => [String(code), meaning]),
  };
}

function renderHelp(
  summary: string,
  usage: string,
  sections: readonly Section[],
  terminal: Terminal,
): string {
  const bold = (text: string): string =>
    hasColour(terminal, terminal.stdout) ? styleText("bold", text, { validateStream: false }) : text;
  const parts = sections.map(({ title, rows }) => `${bold(title)}\n${renderRows(rows)}`);
  return `${[summary, `${bold("USAGE")}\n  ${usage}`, ...parts].join("\n\n")}\n`;
}

function renderRows(rows: readonly Row[]): string {
  const width = Math.min(widestLeft, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) => `${" ".repeat(indent)}${left.padEnd(width)}  ${right}`).join("\n");
}
