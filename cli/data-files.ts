/** Room: cli. Plaintexts and messages: octets from a file or a pipe, and to one, whole or not at all. */
import type { Context } from "./command.ts";
import { privateMode, readFileBytes, writeFileAtomically } from "./credential-files.ts";
import { Failure, usageFailure } from "./failure.ts";
import { type Terminal, writeData } from "./terminal.ts";

export const dataFileFlags = {
  in: { type: "string", valueHint: "FILE", description: "What to read; - or nothing for standard input" },
  out: { type: "string", valueHint: "FILE", description: "What to write; - or nothing for standard output" },
} as const;

const standard = "-";

const larger = "encrypt larger things where they are, with `fleetkey/protect` or a data key";

const tooLarge = (message: string): Failure =>
  new Failure("localFile", "file_too_large", message, { remedy: larger });

async function readStandardInput({ stdin }: Terminal, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const octets = Buffer.from(chunk);
    length += octets.length;
    if (length > limit)
      throw tooLarge(`standard input has more than ${limit} bytes; at most ${limit} are read`);
    chunks.push(octets);
  }
  return Buffer.concat(chunks, length);
}

/** At most `limit` octets; throws `file_missing`, `file_too_large`. */
export async function readData(path: string | undefined, limit: number, terminal: Terminal): Promise<Buffer> {
  if (path === undefined || path === standard) return readStandardInput(terminal, limit);
  try {
    return await readFileBytes(path, limit);
  } catch (error) {
    throw error instanceof Failure && error.code === "file_too_large" ? tooLarge(error.message) : error;
  }
}

const isStandard = (out: string | undefined): boolean => out === undefined || out === standard;

/** `--json` and octets would share standard output. */
export function assertOutput(out: string | undefined, json: boolean | undefined): void {
  if (json === true && isStandard(out))
    throw usageFailure("--json needs --out FILE: octets and the JSON answer do not share standard output");
}

/** What no terminal shows. */
export function assertNoTerminal(out: string | undefined, { stdout }: Terminal): void {
  if (stdout.isTTY === true && isStandard(out))
    throw usageFailure("a message is octets, and no text for a terminal: name --out FILE, or a pipe");
}

/** Writes the octets, and answers where they are when they are in a file; what is written only its owner may read. */
export async function writeOctets(
  octets: Buffer,
  out: string | undefined,
  facts: object,
  { terminal, output }: Context,
): Promise<void> {
  if (out === undefined || out === standard) return writeData(terminal, octets);
  await writeFileAtomically(out, octets, privateMode);
  output.answer({ out, octets: octets.length, ...facts }, out);
}
