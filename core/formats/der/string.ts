/**
 * Room: core/formats. The character strings that our formats use, each held to its own alphabet (X.680 §41):
 * UTF8String, PrintableString and IA5String. The others (Teletex, BMP, Universal, Numeric) are refused.
 */
import { malformed } from "./header.ts";
import { hexTag, tag } from "./tag.ts";

// X.680 §41.4, table 10. No asterisk, at sign, ampersand or underscore.
const printable = /^[A-Za-z0-9 '()+,./:=?-]*$/;

// RFC 3629 §3: overlong forms and surrogates are refused; a byte order mark is a character like another.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The octets as characters U+0000 to U+00FF. */
export function latin1Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** True when every character is ASCII, control characters included. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function decodeUtf8(content: Uint8Array): string {
  const text = latin1Text(content);
  if (isAscii(text)) return text;
  try {
    return utf8.decode(content);
  } catch (cause) {
    throw malformed(0, "UTF8String is not valid UTF-8", { cause });
  }
}

/**
 * Text of a string element, given its tag and content.
 * @throws AppError der_malformed for another string type or a character outside the type's alphabet.
 */
export function decodeString(kind: number, content: Uint8Array): string {
  if (kind === tag.utf8String) return decodeUtf8(content);
  const text = latin1Text(content);
  if (kind === tag.printableString && printable.test(text)) return text;
  if (kind === tag.ia5String && isAscii(text)) return text;
  throw kind === tag.printableString || kind === tag.ia5String
    ? malformed(0, `string ${hexTag(kind)} holds a character outside its alphabet`)
    : malformed(0, `string type ${hexTag(kind)} is not supported; use UTF8String or PrintableString`);
}

/**
 * Content octets of `text` as the string type `kind`.
 * @throws AppError der_malformed as decodeString does, and for a lone surrogate.
 */
export function encodeString(kind: number, text: string): Buffer {
  if (kind === tag.utf8String && text.isWellFormed()) return Buffer.from(text, "utf8");
  if (kind === tag.printableString && printable.test(text)) return Buffer.from(text, "latin1");
  if (kind === tag.ia5String && isAscii(text)) return Buffer.from(text, "latin1");
  throw malformed(0, `text does not fit string type ${hexTag(kind)}; use UTF8String`);
}
