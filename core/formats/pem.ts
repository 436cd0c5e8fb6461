/**
 * Room: core/formats. PEM (RFC 7468). Writing is §2's generator form. Reading takes the strict form of §3:
 * base64 lines of 64 characters but the last, canonical padding; text around the blocks is skipped (§5.2), any
 * line ending is taken, and a block of another label is refused.
 */
import { AppError } from "../errors.ts";

export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "PUBLIC KEY" | "X509 CRL";

/** Characters of a whole PEM text: room for a chain of certificates with the largest keys. */
const maxCharacters = 1_048_576;

const lineLength = 64;

const malformedPem = (what: string): AppError => new AppError("pem_malformed", `not PEM: ${what}`);

/** One block, lines of 64 columns, each ended by a line feed. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString("base64");
  const lines = [`-----BEGIN ${label}-----\n`];
  for (let i = 0; i < base64.length; i += lineLength) lines.push(base64.slice(i, i + lineLength), "\n");
  lines.push(`-----END ${label}-----\n`);
  return lines.join("");
}

function isWanted(found: string, label: PemLabel): boolean {
  // RFC 7468 §7: an older label of the same content.
  return found === label || (label === "CERTIFICATE REQUEST" && found === "NEW CERTIFICATE REQUEST");
}

function decodeBlock(lines: readonly string[]): Buffer {
  const shortened = lines.findIndex((line) => line.length !== lineLength);
  const last = lines[lines.length - 1];
  if (last === undefined) throw malformedPem("a block is empty");
  if (last.length > lineLength || (shortened >= 0 && shortened < lines.length - 1)) {
    throw malformedPem(
      `base64 lines are ${lineLength} characters long, the last may be shorter (RFC 7468 §2)`,
    );
  }
  const base64 = lines.join("");
  const der = Buffer.from(base64, "base64");
  // RFC 4648 §3.5 and §3.3: canonical padding, no foreign characters. Node's decoder is lenient, so compare.
  if (der.length === 0 || der.toString("base64") !== base64)
    throw malformedPem("a block is not canonical base64");
  return der;
}

const boundary = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #.-]{0,62})-----$/;

interface OpenBlock {
  readonly label: string;
  readonly lines: string[];
}

function openBlock(edge: string | undefined, found: string, label: PemLabel): OpenBlock {
  if (edge !== "BEGIN") throw malformedPem("an END line without its BEGIN line");
  if (!isWanted(found, label))
    throw malformedPem(`block "${found}" is not wanted here; send "${label}" only`);
  return { label: found, lines: [] };
}

/**
 * The DER of every block in `text`, one at least.
 * @throws AppError pem_malformed: over 1 MiB, no block, another label, anything but strict base64 in a block.
 */
export function decodePem(text: string, label: PemLabel): Buffer[] {
  if (text.length > maxCharacters) throw malformedPem(`${text.length} characters exceed ${maxCharacters}`);
  const blocks: Buffer[] = [];
  let open: OpenBlock | undefined;
  for (const rawLine of text.split(/\r\n|\r|\n/)) {
    const line = rawLine.trimEnd();
    const [, edge, found = ""] = boundary.exec(line) ?? [];
    if (open === undefined) {
      if (edge !== undefined) open = openBlock(edge, found, label);
    } else if (edge === undefined) {
      open.lines.push(line);
    } else {
      if (edge !== "END" || found !== open.label)
        throw malformedPem(`block "${open.label}" is not ended by its END line`);
      blocks.push(decodeBlock(open.lines));
      open = undefined;
    }
  }
  if (open !== undefined) throw malformedPem(`block "${open.label}" has no END line`);
  if (blocks.length === 0) throw malformedPem(`no "${label}" block found`);
  return blocks;
}
