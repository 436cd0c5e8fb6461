/**
 * Room: core/formats. Extensions as a list (RFC 5280 §4.1.2.9) and as typed values: each type knows its OID
 * and its codec, each in a file of its own under `extensions/`.
 */
import { AppError } from "../../errors.ts";
import { DerCursor } from "../der/cursor.ts";
import { checkDer } from "../der/structure.ts";
import { tag } from "../der/tag.ts";
import { encodeBoolean, encodeOctetString, encodeOidElement, encodeSequence } from "../der/writer.ts";

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue: the extension's own DER. */
  readonly value: Uint8Array;
  /** The whole Extension in DER, where it was encoded beforehand: see `constantExtension`. */
  readonly encoded?: Uint8Array;
}

export interface ExtensionType<Value> {
  readonly oid: string;
  /** The standard's noun, such as `basicConstraints`. */
  readonly name: string;
  /** @throws AppError der_malformed when `value` cannot stand in a certificate. */
  encode(value: Value): Buffer;
  /** @throws AppError der_malformed (or a DER limit's code), its message led by the extension's name. */
  decode(value: Uint8Array): Value;
}

/**
 * The value of an extension, undefined where it is absent. RFC 5280 §4.2: at most one of a kind; of more, the first.
 * @throws AppError as `type.decode` does.
 */
export function decodedExtension<Value>(
  { extensions }: { readonly extensions: readonly Extension[] },
  type: ExtensionType<Value>,
): Value | undefined {
  const found = extensions.find(({ oid }) => oid === type.oid);
  return found === undefined ? undefined : type.decode(found.value);
}

export interface ExtensionCodec<Value> {
  encode(value: Value): Buffer;
  /** Reads the value at the cursor; what is left over is refused by the caller. */
  decode(cursor: DerCursor): Value;
}

function named<Value>(name: string, act: () => Value): Value {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError(cause.code, `${name}: ${cause.message}`, { cause });
  }
}

/** Makes a type of its codec: the value is proved to be one DER element before the codec reads it. */
export function extensionType<Value>(
  oid: string,
  name: string,
  codec: ExtensionCodec<Value>,
): ExtensionType<Value> {
  function decode(value: Uint8Array): Value {
    // The outer checkDer sees an OCTET STRING only, so its content is proved here.
    checkDer(value);
    const cursor = DerCursor.over(value);
    const decoded = codec.decode(cursor);
    cursor.done();
    return decoded;
  }
  return {
    oid,
    name,
    encode: (value) => named(name, () => codec.encode(value)),
    decode: (value) => named(name, () => decode(value)),
  };
}

/** An extension of `type` with its value encoded. */
export function extension<Value>(type: ExtensionType<Value>, value: Value, critical: boolean): Extension {
  return { oid: type.oid, critical, value: type.encode(value) };
}

const criticalElement = encodeBoolean(true);

/** An extension that many certificates share: it is encoded once, here. */
export function constantExtension<Value>(
  type: ExtensionType<Value>,
  value: Value,
  critical: boolean,
): Extension {
  const plain = extension(type, value, critical);
  return { ...plain, encoded: encodeExtension(plain) };
}

function encodeExtension({ oid, critical, value, encoded }: Extension): Uint8Array {
  if (encoded !== undefined) return encoded;
  const type = encodeOidElement(oid);
  const extnValue = encodeOctetString(value);
  // X.690 §11.5: a DEFAULT value, here FALSE, is left out.
  return critical ? encodeSequence(type, criticalElement, extnValue) : encodeSequence(type, extnValue);
}

/**
 * The SEQUENCE OF Extension, in the given order.
 * @throws AppError der_malformed when the list is empty: the field is left out instead.
 */
export function encodeExtensions(extensions: readonly Extension[]): Buffer {
  if (extensions.length === 0) {
    throw new AppError(
      "der_malformed",
      "list of extensions is empty; leave the field out (RFC 5280 §4.1.2.9)",
    );
  }
  return encodeSequence(...extensions.map(encodeExtension));
}

function decodeExtension(cursor: DerCursor): Extension {
  const oid = cursor.oid();
  const critical = cursor.peek() === tag.boolean;
  if (critical && !cursor.boolean()) {
    throw new AppError("der_malformed", `extension ${oid} encodes critical FALSE, its default (X.690 §11.5)`);
  }
  const value = cursor.octetString();
  cursor.done();
  return { oid, critical, value };
}

/**
 * Reads the SEQUENCE OF Extension at the cursor. Repeated types are returned as they stand: callers judge.
 * @throws AppError der_malformed: an empty list, an encoded default, anything left over.
 */
export function decodeExtensions(cursor: DerCursor): readonly Extension[] {
  const list = cursor.sequence();
  const extensions: Extension[] = [];
  do extensions.push(decodeExtension(list.sequence()));
  while (!list.atEnd);
  return extensions;
}
