/**
 * Room: core/formats. GeneralName (RFC 5280 §4.2.1.6) and, with form "constraint", the base of a name
 * constraint (§4.2.1.10), whose URIs are hosts and whose addresses are networks.
 */
import { AppError } from "../errors.ts";
import { DerCursor } from "./der/cursor.ts";
import { decodeOid, encodeOid } from "./der/oid.ts";
import { latin1Text } from "./der/string.ts";
import { checkDer } from "./der/structure.ts";
import { contextTag, hexTag } from "./der/tag.ts";
import { encodeContext, encodeElement, encodeOidElement, encodePrimitiveContext } from "./der/writer.ts";
import { formatIpAddress, formatIpNetwork, parseIpAddress, parseIpNetwork } from "./ip-address.ts";
import { canonicalName, canonicalText, decodeName, encodeName, type Name } from "./name.ts";

export type GeneralName =
  | { readonly kind: "dNSName"; readonly value: string }
  | { readonly kind: "uniformResourceIdentifier"; readonly value: string }
  /** Canonical text: `192.0.2.1`, `2001:db8::1`; in a constraint `192.0.2.0/24`. */
  | { readonly kind: "iPAddress"; readonly value: string }
  | { readonly kind: "rfc822Name"; readonly value: string }
  | { readonly kind: "directoryName"; readonly value: Name }
  | { readonly kind: "registeredID"; readonly value: string }
  /** `value` is the whole element inside the explicit [0]. */
  | { readonly kind: "otherName"; readonly type: string; readonly value: Uint8Array }
  /** `value` is the content of the implicitly tagged SEQUENCE, unread. */
  | { readonly kind: "x400Address" | "ediPartyName"; readonly value: Uint8Array };

/** A name in a certificate, or the base of a subtree in its name constraints. */
export type GeneralNameForm = "name" | "constraint";

interface TextRow {
  readonly kind: "rfc822Name" | "dNSName" | "uniformResourceIdentifier";
  readonly number: number;
  readonly maximum: number;
  readonly form: Readonly<Record<GeneralNameForm, RegExp>>;
}

// RFC 5280 §4.2.1.6: IA5 only. Spaces and control characters, NUL first of all, are in none of these.
const visible = /^[!-~]+$/;
// RFC 3986 §2: the characters a URI is made of; absolute, with something after the scheme.
const uri = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/;
// RFC 5280 §4.2.1.10: a host, or a domain with a leading period. An empty one stands for every name.
const domain = /^[A-Za-z0-9._*-]*$/;

const textRows: readonly TextRow[] = [
  {
    kind: "rfc822Name",
    number: 1,
    maximum: 254,
    form: { name: /^[!-?A-~]+@[!-?A-~]+$/, constraint: visible },
  },
  { kind: "dNSName", number: 2, maximum: 253, form: { name: /^[A-Za-z0-9._*-]+$/, constraint: domain } },
  { kind: "uniformResourceIdentifier", number: 6, maximum: 2048, form: { name: uri, constraint: domain } },
];
const textRowsByTag = new Map(textRows.map((row) => [contextTag(row.number, false), row]));
const textRowsByKind = new Map(textRows.map((row) => [row.kind, row]));

const malformedName = (what: string): AppError => new AppError("der_malformed", `general name: ${what}`);

function checkText({ kind, maximum, form: forms }: TextRow, value: string, form: GeneralNameForm): string {
  if (value.length > maximum) throw malformedName(`${kind} of ${value.length} octets exceeds ${maximum}`);
  if (!forms[form].test(value)) throw malformedName(`${kind} is empty or holds a character it may not hold`);
  return value;
}

function decodeOtherName(content: Uint8Array): GeneralName {
  const cursor = DerCursor.over(content);
  const type = cursor.oid();
  const explicit = cursor.optionalContext(0);
  cursor.done();
  if (explicit === undefined) throw malformedName("otherName without its value");
  const { raw } = explicit.element();
  explicit.done();
  return { kind: "otherName", type, value: raw };
}

/** RFC 5280 §4.2.1.6: no empty GeneralName; as a constraint the empty name stands for every name. */
function checkDirectoryName(value: Name, form: GeneralNameForm): Name {
  if (value.length === 0 && form === "name")
    throw malformedName("directoryName is empty (RFC 5280 §4.2.1.6)");
  return value;
}

function decodeDirectoryName(content: Uint8Array, form: GeneralNameForm): GeneralName {
  // X.680 §31.2.7: a tag on a CHOICE is explicit, so the Name stands whole inside.
  const cursor = DerCursor.over(content);
  const value = decodeName(cursor);
  cursor.done();
  return { kind: "directoryName", value: checkDirectoryName(value, form) };
}

function decodeIp(content: Uint8Array, form: GeneralNameForm): GeneralName {
  const value = form === "name" ? formatIpAddress(content) : formatIpNetwork(content);
  if (value === undefined) {
    const allowed = form === "name" ? "4 or 16 octets" : "8 or 32 octets with a contiguous mask";
    throw malformedName(`iPAddress of ${content.length} octets: it is ${allowed}`);
  }
  return { kind: "iPAddress", value };
}

/**
 * Reads one GeneralName at the cursor.
 * @throws AppError der_malformed: unknown tag, text outside its alphabet or length, address of a wrong size.
 */
export function decodeGeneralName(cursor: DerCursor, form: GeneralNameForm = "name"): GeneralName {
  const { tag, content } = cursor.element();
  const row = textRowsByTag.get(tag);
  if (row !== undefined) return { kind: row.kind, value: checkText(row, latin1Text(content), form) };
  switch (tag) {
    case contextTag(7, false):
      return decodeIp(content, form);
    case contextTag(4, true):
      return decodeDirectoryName(content, form);
    case contextTag(8, false):
      return { kind: "registeredID", value: decodeOid(content) };
    case contextTag(0, true):
      return decodeOtherName(content);
    case contextTag(3, true):
      return { kind: "x400Address", value: notEmpty(content) };
    case contextTag(5, true):
      return { kind: "ediPartyName", value: notEmpty(content) };
    default:
      throw malformedName(`tag ${hexTag(tag)} is none of its kinds`);
  }
}

function encodeIp(text: string, form: GeneralNameForm): Buffer {
  const octets = form === "name" ? parseIpAddress(text) : parseIpNetwork(text);
  if (octets === undefined) {
    throw malformedName(form === "name" ? "iPAddress is not an address" : "iPAddress is not address/prefix");
  }
  return encodePrimitiveContext(7, octets);
}

/** X.400 addresses and EDI party names have a mandatory field each; the rest of them we do not read. */
function notEmpty(content: Uint8Array): Uint8Array {
  if (content.length === 0) throw malformedName("x400Address or ediPartyName is empty");
  return content;
}

/** Values that we carry unread are still proved to be DER before they go into a certificate. */
function checkedElements(content: Uint8Array): Uint8Array {
  notEmpty(content);
  checkDer(encodeElement(0x30, content));
  return content;
}

/** The whole element. @throws AppError der_malformed for whatever decodeGeneralName would refuse. */
export function encodeGeneralName(name: GeneralName, form: GeneralNameForm = "name"): Buffer {
  switch (name.kind) {
    case "rfc822Name":
    case "dNSName":
    case "uniformResourceIdentifier":
      return encodeText(name.kind, name.value, form);
    case "iPAddress":
      return encodeIp(name.value, form);
    case "directoryName":
      return encodeContext(4, encodeName(checkDirectoryName(name.value, form)));
    case "registeredID":
      return encodePrimitiveContext(8, encodeOid(name.value));
    case "otherName":
      checkDer(name.value);
      return encodeContext(0, encodeOidElement(name.type), encodeContext(0, name.value));
    case "x400Address":
      return encodeContext(3, checkedElements(name.value));
    case "ediPartyName":
      return encodeContext(5, checkedElements(name.value));
  }
}

function encodeText(kind: TextRow["kind"], value: string, form: GeneralNameForm): Buffer {
  const row = textRowsByKind.get(kind);
  if (row === undefined) throw malformedName(`${kind} has no row`);
  return encodePrimitiveContext(row.number, Buffer.from(checkText(row, value, form), "latin1"));
}

/** Elements of GeneralNames, SIZE(1..MAX), that fill `cursor`. @throws AppError der_malformed when empty. */
export function decodeGeneralNames(cursor: DerCursor): readonly GeneralName[] {
  const names: GeneralName[] = [];
  do names.push(decodeGeneralName(cursor));
  while (!cursor.atEnd);
  return names;
}

/** Elements of GeneralNames, to be wrapped in SEQUENCE or a context tag. @throws AppError der_malformed when empty. */
export function encodeGeneralNames(names: readonly GeneralName[]): readonly Buffer[] {
  if (names.length === 0) throw malformedName("a list of names is empty; leave the field out");
  return names.map((each) => encodeGeneralName(each));
}

const unreserved = /^[A-Za-z0-9._~-]$/;

/** RFC 3986 §6.2.2: scheme and host in lower case, needless percent-encoding undone, the rest in upper case. */
function canonicalUri(value: string): string {
  const decoded = value.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(character) ? character : triplet.toUpperCase();
  });
  const authority = /^[^:/?#]+:(?:\/\/[^/?#]*)?/.exec(decoded)?.[0] ?? "";
  return authority.toLowerCase() + decoded.slice(authority.length);
}

function canonicalIp(value: string): string {
  const address = parseIpAddress(value);
  const network = address === undefined ? parseIpNetwork(value) : undefined;
  const text = address === undefined ? network && formatIpNetwork(network) : formatIpAddress(address);
  if (text === undefined) throw malformedName("iPAddress is neither an address nor address/prefix");
  return text;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/**
 * The canonical form, `dns:example.com`, `uri:spiffe://…`, `ip:2001:db8::1`: two names are the same exactly
 * when these are equal. DNS names lose case and one trailing period; of a URI the path keeps its case.
 * @throws AppError name_not_permitted, der_malformed.
 */
export function canonicalGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case "dNSName":
      return `dns:${canonicalText(name.value).replace(/(?<=.)\.$/, "")}`;
    case "uniformResourceIdentifier":
      return `uri:${canonicalUri(name.value)}`;
    case "iPAddress":
      return `ip:${canonicalIp(name.value)}`;
    case "rfc822Name":
      return `email:${canonicalText(name.value)}`;
    case "directoryName":
      return `dir:${canonicalName(name.value)}`;
    case "registeredID":
      return `rid:${name.value}`;
    case "otherName":
      return `other:${name.type}:${hex(name.value)}`;
    case "x400Address":
      return `x400:${hex(name.value)}`;
    case "ediPartyName":
      return `edi:${hex(name.value)}`;
  }
}
