/**
 * Room: core/formats. The one canonical form of text. Every comparison of names and identifiers goes through
 * it, so no variant of case, width or spacing slips past a rule (RFC 5280 §7.1, RFC 4518 §2).
 *
 * What it does: NFKC (full-width and compatibility forms fold to the plain letter), full case folding, the
 * four Turkish letters i folded into one, runs of spaces folded to one, outer spaces dropped.
 * What it refuses: control, format (zero-width, bidirectional), default-ignorable, private-use and unassigned
 * characters, line separators, surrogates and U+FFFD (RFC 4518 §2.4, and §2.2's "mapped to nothing" ones too:
 * stricter than the RFC, as an invisible character in a name is never an honest one).
 * What it leaves: letters of different scripts that look alike stay different.
 */
import { AppError } from "../errors.ts";

const plainAscii = /^[!-~]*$/;
const spacedAscii = /^[ -~]*$/;
const refused = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufffd]/u;

/** The first character that no name may hold, as `U+200B`; undefined when there is none. */
export function refusedCharacter(text: string): string | undefined {
  if (spacedAscii.test(text)) return undefined;
  const codePoint = refused.exec(text)?.[0].codePointAt(0);
  return codePoint === undefined ? undefined : `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
}

function foldCase(text: string): string {
  // Upper, then lower: folds ß with SS, and the dotless i with i, which lower case alone leaves apart.
  const lower = text.toUpperCase().toLowerCase();
  // The final sigma depends on its neighbours; İ lowers to i and a combining dot.
  return lower.replaceAll("ς", "σ").replaceAll("i\u0307", "i");
}

function foldOnce(text: string): string {
  return foldCase(text.normalize("NFKC"))
    .normalize("NFKC")
    .replace(/\p{Zs}+/gu, " ")
    .trim();
}

function foldText(text: string): string {
  // Folding can make new compositions (İ and an accent) and those fold again; two or three rounds settle.
  let folded = foldOnce(text);
  for (let again = foldOnce(folded); again !== folded; again = foldOnce(folded)) folded = again;
  return folded;
}

/**
 * The canonical form of one value; equal forms mean the same name. Idempotent.
 * @throws AppError name_not_permitted when `value` holds a character that no name may hold.
 */
export function canonicalText(value: string): string {
  if (plainAscii.test(value)) return value.toLowerCase();
  if (spacedAscii.test(value)) return value.toLowerCase().replace(/ +/g, " ").trim();
  const found = refusedCharacter(value);
  if (found !== undefined) {
    throw new AppError("name_not_permitted", `character ${found} is not allowed in a name; leave it out`);
  }
  return foldText(value);
}
