/**
 * Room: core/formats. Attribute types of distinguished names as rows: which string types they take and how
 * long they may be (RFC 5280 Appendix A.1 upper bounds, in characters).
 */
import { AppError } from "../errors.ts";
import { refusedCharacter } from "./canonical-text.ts";
import { tag } from "./der/tag.ts";
import { encodeOidElement } from "./der/writer.ts";

export interface NameAttribute {
  /** Dotted attribute type. */
  readonly type: string;
  readonly value: string;
  /** Tag of the string type that carries the value. */
  readonly encoding: number;
}

export interface NameAttributeRow {
  readonly oid: string;
  readonly name: string;
  /** The whole OBJECT IDENTIFIER element. */
  readonly oidElement: Buffer;
  /** String types accepted, the one we write first. */
  readonly encodings: readonly number[];
  readonly minimum: number;
  readonly maximum: number;
}

type Bounds = readonly [minimum: number, maximum: number];

function row(
  oid: string,
  name: string,
  encodings: readonly number[],
  [minimum, maximum]: Bounds,
): NameAttributeRow {
  return { oid, name, oidElement: encodeOidElement(oid), encodings, minimum, maximum };
}

// RFC 5280 §4.1.2.4: UTF8String or PrintableString; Teletex, BMP and Universal are for old names only.
const directoryString: readonly number[] = [tag.utf8String, tag.printableString];
const printableString: readonly number[] = [tag.printableString];
const ia5String: readonly number[] = [tag.ia5String];

/** RFC 5280 Appendix A.1, RFC 4519 and X.520. */
export const nameAttributes = {
  commonName: row("2.5.4.3", "commonName", directoryString, [1, 64]),
  surname: row("2.5.4.4", "surname", directoryString, [1, 32_768]),
  serialNumber: row("2.5.4.5", "serialNumber", printableString, [1, 64]),
  countryName: row("2.5.4.6", "countryName", printableString, [2, 2]),
  localityName: row("2.5.4.7", "localityName", directoryString, [1, 128]),
  stateOrProvinceName: row("2.5.4.8", "stateOrProvinceName", directoryString, [1, 128]),
  streetAddress: row("2.5.4.9", "streetAddress", directoryString, [1, 128]),
  organizationName: row("2.5.4.10", "organizationName", directoryString, [1, 64]),
  organizationalUnitName: row("2.5.4.11", "organizationalUnitName", directoryString, [1, 64]),
  title: row("2.5.4.12", "title", directoryString, [1, 64]),
  postalCode: row("2.5.4.17", "postalCode", directoryString, [1, 40]),
  name: row("2.5.4.41", "name", directoryString, [1, 32_768]),
  givenName: row("2.5.4.42", "givenName", directoryString, [1, 32_768]),
  initials: row("2.5.4.43", "initials", directoryString, [1, 32_768]),
  generationQualifier: row("2.5.4.44", "generationQualifier", directoryString, [1, 32_768]),
  dnQualifier: row("2.5.4.46", "dnQualifier", printableString, [1, 64]),
  pseudonym: row("2.5.4.65", "pseudonym", directoryString, [1, 128]),
  organizationIdentifier: row("2.5.4.97", "organizationIdentifier", directoryString, [1, 256]),
  userId: row("0.9.2342.19200300.100.1.1", "userId", directoryString, [1, 256]),
  domainComponent: row("0.9.2342.19200300.100.1.25", "domainComponent", ia5String, [1, 63]),
  emailAddress: row("1.2.840.113549.1.9.1", "emailAddress", ia5String, [1, 255]),
} as const satisfies Record<string, NameAttributeRow>;

const rowsByOid: ReadonlyMap<string, NameAttributeRow> = new Map(
  Object.values(nameAttributes).map((each) => [each.oid, each]),
);

/** The row of an attribute type, or undefined for a type that we do not know. */
export function nameAttributeRow(type: string): NameAttributeRow | undefined {
  return rowsByOid.get(type);
}

/** X.520 puts no bound on types we do not know; ours keeps names short. */
const unknownTypeMaximum = 256;

function characterCount(text: string): number {
  let count = text.length;
  // A character beyond the basic plane is two UTF-16 units, and one character.
  for (let i = 0; i < text.length; i += 1) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count -= 1;
  return count;
}

/**
 * Holds an attribute to its row: string type, length, no character that a name may not hold.
 * @throws AppError der_malformed; the message names the type and the limit, never the value.
 */
export function checkNameAttribute(attribute: NameAttribute): void {
  const known = rowsByOid.get(attribute.type);
  const { name, encodings, minimum, maximum } = known ?? {
    name: `attribute ${attribute.type}`,
    encodings: directoryString,
    minimum: 1,
    maximum: unknownTypeMaximum,
  };
  if (!encodings.includes(attribute.encoding)) {
    const accepted = encodings.map((each) => stringTypeNames.get(each)).join(" or ");
    const given = stringTypeNames.get(attribute.encoding) ?? `string type ${attribute.encoding}`;
    throw new AppError("der_malformed", `${name} is a ${given}; use ${accepted} (RFC 5280 §4.1.2.4)`);
  }
  const length = characterCount(attribute.value);
  if (length < minimum || length > maximum) {
    const limits = minimum === maximum ? `exactly ${maximum}` : `${minimum} to ${maximum}`;
    throw new AppError(
      "der_malformed",
      `${name} of ${length} characters: ${limits} are allowed (RFC 5280 A.1)`,
    );
  }
  const found = refusedCharacter(attribute.value);
  if (found !== undefined) {
    throw new AppError(
      "der_malformed",
      `${name} holds character ${found}, which no name may hold; leave it out`,
    );
  }
}

const stringTypeNames: ReadonlyMap<number, string> = new Map([
  [tag.utf8String, "UTF8String"],
  [tag.numericString, "NumericString"],
  [tag.printableString, "PrintableString"],
  [tag.teletexString, "TeletexString"],
  [tag.ia5String, "IA5String"],
  [tag.universalString, "UniversalString"],
  [tag.bmpString, "BMPString"],
]);
