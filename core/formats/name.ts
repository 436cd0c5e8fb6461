/** Room: core/formats. Distinguished names (RFC 5280 §4.1.2.4): strict bytes, one canonical form. */
import { AppError } from "../errors.ts";
import { canonicalText } from "./canonical-text.ts";
import { DerCursor } from "./der/cursor.ts";
import { decodeString } from "./der/string.ts";
import { tag } from "./der/tag.ts";
import {
  encodeElement,
  encodeOidElement,
  encodeSequence,
  encodeSetOf,
  encodeStringElement,
} from "./der/writer.ts";
import {
  checkNameAttribute,
  type NameAttribute,
  nameAttributeRow,
  nameAttributes,
} from "./name-attribute.ts";

export { canonicalText } from "./canonical-text.ts";
export type { NameAttribute } from "./name-attribute.ts";

/** RDNSequence: relative distinguished names, the most significant first, each of one or more attributes. */
export type Name = readonly (readonly NameAttribute[])[];

function decodeAttribute(raw: Uint8Array): NameAttribute {
  const inner = DerCursor.inSequence(raw);
  const type = inner.oid();
  const { tag: encoding, content } = inner.element();
  inner.done();
  // The row's message tells which string types an attribute takes, so an odd tag goes to it undecoded.
  const legible =
    encoding === tag.utf8String || encoding === tag.printableString || encoding === tag.ia5String;
  const attribute = { type, value: legible ? decodeString(encoding, content) : "", encoding };
  checkNameAttribute(attribute);
  return attribute;
}

function decodeRelativeName(set: DerCursor): readonly NameAttribute[] {
  const attributes: NameAttribute[] = [];
  let previous: Uint8Array | undefined;
  while (!set.atEnd) {
    const { raw } = set.element();
    // X.690 §11.6: ascending order of encodings.
    if (previous !== undefined && Buffer.compare(previous, raw) >= 0) {
      throw new AppError(
        "der_malformed",
        "attributes of a relative distinguished name are not in ascending order",
      );
    }
    attributes.push(decodeAttribute(raw));
    previous = raw;
  }
  checkRelativeName(attributes);
  return attributes;
}

/** X.501 §9.3: at least one attribute, and no attribute type twice. */
function checkRelativeName(attributes: readonly NameAttribute[]): void {
  if (attributes.length === 0) throw new AppError("der_malformed", "relative distinguished name is empty");
  if (attributes.length > 1 && new Set(attributes.map((each) => each.type)).size !== attributes.length) {
    throw new AppError("der_malformed", "relative distinguished name holds an attribute type twice");
  }
}

/**
 * Reads the Name at the cursor. An empty sequence is a name without attributes.
 * @throws AppError der_malformed: structure, SET OF order, string type, length bounds, invisible characters.
 */
export function decodeName(cursor: DerCursor): Name {
  const sequence = cursor.sequence();
  const relativeNames: (readonly NameAttribute[])[] = [];
  while (!sequence.atEnd) relativeNames.push(decodeRelativeName(sequence.set()));
  return relativeNames;
}

function encodeAttribute(attribute: NameAttribute): Buffer {
  checkNameAttribute(attribute);
  const oidElement = nameAttributeRow(attribute.type)?.oidElement ?? encodeOidElement(attribute.type);
  return encodeSequence(oidElement, encodeStringElement(attribute.encoding, attribute.value));
}

function encodeRelativeName(attributes: readonly NameAttribute[]): Buffer {
  const [first, second] = attributes;
  if (first !== undefined && second === undefined) return encodeElement(tag.set, encodeAttribute(first));
  checkRelativeName(attributes);
  return encodeSetOf(...attributes.map(encodeAttribute));
}

/** The whole Name element. @throws AppError der_malformed for whatever decodeName would refuse. */
export function encodeName(name: Name): Buffer {
  return encodeSequence(...name.map(encodeRelativeName));
}

export type NameType =
  | "commonName"
  | "organizationName"
  | "organizationalUnitName"
  | "countryName"
  | "serialNumber";

/** A name of one attribute per relative name, in the string type RFC 5280 prefers. */
export function name(attributes: readonly (readonly [type: NameType, value: string])[]): Name {
  return attributes.map(([type, value]) => {
    const { oid, encodings } = nameAttributes[type];
    const attribute = { type: oid, value, encoding: encodings[0] ?? tag.utf8String };
    checkNameAttribute(attribute);
    return [attribute];
  });
}

// A separator inside a value must not forge structure.
const escapeSeparators = (value: string): string => value.replace(/[\\,+=]/g, "\\$&");

const canonicalAttribute = ({ type, value }: NameAttribute): string =>
  `${type}=${escapeSeparators(canonicalText(value))}`;

/**
 * The canonical form of a name: `2.5.4.10=acme,2.5.4.3=pump 7`. Two names are the same exactly when these are
 * equal, whatever their string types, case, width or spacing (RFC 5280 §7.1). Order of relative names counts,
 * order within one does not.
 * @throws AppError name_not_permitted as canonicalText does.
 */
export function canonicalName(name: Name): string {
  return name.map((attributes) => attributes.map(canonicalAttribute).sort().join("+")).join(",");
}

/** Values of all commonName attributes, in order. */
export function commonNames(name: Name): readonly string[] {
  return name.flat().flatMap(({ type, value }) => (type === nameAttributes.commonName.oid ? [value] : []));
}
