/** Room: core/formats. The attributes of a PKCS#10 request, and the extensions they ask for (RFC 2985 §5.4.2). */
import { AppError } from "../errors.ts";
import { extensionRequestOid } from "./certification-request-encoder.ts";
import { DerCursor, type DerElement } from "./der/cursor.ts";
import { tag } from "./der/tag.ts";
import type { GeneralName } from "./general-name.ts";
import { decodeExtensions, type Extension, type ExtensionType } from "./x509/extension.ts";
import { type BasicConstraints, basicConstraints } from "./x509/extensions/basic-constraints.ts";
import { extendedKeyUsage } from "./x509/extensions/extended-key-usage.ts";
import { type KeyUsageBit, keyUsage } from "./x509/extensions/key-usage.ts";
import { subjectAltName } from "./x509/extensions/subject-alt-name.ts";

/** What the requester would like. Nothing of it is copied into a certificate: policy compares and decides. */
export interface RequestedExtensions {
  readonly subjectAltName: readonly GeneralName[];
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: ReadonlySet<KeyUsageBit>;
  readonly extendedKeyUsage?: readonly string[];
  /** OIDs of all further extensions, in the order received. */
  readonly others: readonly string[];
}

const csrMalformed = (message: string): AppError => new AppError("csr_malformed", message);

/** X.690 §11.6: elements of a SET OF ascend; equal ones may stand side by side. */
function checkOrder(previous: Uint8Array | undefined, next: Uint8Array, field: string): void {
  if (previous !== undefined && Buffer.compare(previous, next) > 0) {
    throw csrMalformed(`${field} are not in DER order; encode a SET OF in ascending order`);
  }
}

/** X.690 §8.23.7 and §8.23.8: octets of one character. OpenSSL holds even values it ignores to this. */
const characterOctets: ReadonlyMap<number, number> = new Map([
  [tag.bmpString, 2],
  [tag.universalString, 4],
]);

function checkString({ tag: kind, content }: DerElement, type: string): void {
  const octets = characterOctets.get(kind) ?? 1;
  if (content.length % octets === 0) return;
  throw csrMalformed(
    `attribute ${type} holds a string of ${content.length} octets, not a multiple of ${octets}`,
  );
}

/** SET SIZE(1..MAX) OF value (RFC 2986 §4.1): whole encodings of the values. */
function readValues(attribute: DerCursor, type: string): readonly Uint8Array[] {
  const set = attribute.set();
  attribute.done();
  const values: Uint8Array[] = [];
  while (!set.atEnd) {
    const value = set.element();
    checkOrder(values.at(-1), value.raw, `values of attribute ${type}`);
    checkString(value, type);
    values.push(value.raw);
  }
  if (values.length === 0) throw csrMalformed(`attribute ${type} has no value`);
  return values;
}

function readAttributes(set: DerCursor): ReadonlyMap<string, readonly Uint8Array[]> {
  const attributes = new Map<string, readonly Uint8Array[]>();
  let previous: Uint8Array | undefined;
  while (!set.atEnd) {
    const { raw } = set.element();
    const attribute = DerCursor.inSequence(raw);
    const type = attribute.oid();
    if (attributes.has(type)) {
      throw new AppError("csr_attribute_duplicate", `attribute ${type} stands twice; send it once`);
    }
    checkOrder(previous, raw, "attributes");
    previous = raw;
    attributes.set(type, readValues(attribute, type));
  }
  return attributes;
}

function readExtensionRequest(values: readonly Uint8Array[]): readonly Extension[] {
  const [value, second] = values;
  if (value === undefined) return [];
  // RFC 2985 §5.4.2: SINGLE VALUE TRUE.
  if (second !== undefined) {
    throw new AppError(
      "csr_attribute_duplicate",
      `extensionRequest has ${values.length} values; its limit is 1: join them into one list`,
    );
  }
  const cursor = DerCursor.over(value);
  const extensions = decodeExtensions(cursor);
  cursor.done();
  return extensions;
}

/** RFC 5280 §4.2: no more than one instance of an extension. */
function byOid(extensions: readonly Extension[]): ReadonlyMap<string, Extension> {
  const map = new Map<string, Extension>();
  for (const extension of extensions) {
    if (map.has(extension.oid)) {
      throw new AppError(
        "csr_extension_duplicate",
        `extension ${extension.oid} is requested twice; ask once`,
      );
    }
    map.set(extension.oid, extension);
  }
  return map;
}

function decodeValue<Value>(
  extensions: ReadonlyMap<string, Extension>,
  type: ExtensionType<Value>,
): Value | undefined {
  const extension = extensions.get(type.oid);
  return extension === undefined ? undefined : type.decode(extension.value);
}

const understood: ReadonlySet<string> = new Set(
  [subjectAltName, basicConstraints, keyUsage, extendedKeyUsage].map(({ oid }) => oid),
);

/**
 * Reads the inside of `[0] attributes`. Types other than extensionRequest are checked for form and ignored:
 * challengePassword (RFC 2985 §5.4.1) is a password, and we take none.
 * @throws AppError csr_attribute_duplicate, csr_extension_duplicate, csr_malformed, der_malformed,
 * der_too_deep.
 */
export function decodeRequestedExtensions(attributes: DerCursor): RequestedExtensions {
  const extensions = byOid(readExtensionRequest(readAttributes(attributes).get(extensionRequestOid) ?? []));
  const constraints = decodeValue(extensions, basicConstraints);
  const usage = decodeValue(extensions, keyUsage);
  const purposes = decodeValue(extensions, extendedKeyUsage);
  return {
    subjectAltName: decodeValue(extensions, subjectAltName) ?? [],
    ...(constraints === undefined ? {} : { basicConstraints: constraints }),
    ...(usage === undefined ? {} : { keyUsage: usage }),
    ...(purposes === undefined ? {} : { extendedKeyUsage: purposes }),
    others: [...extensions.keys()].filter((oid) => !understood.has(oid)),
  };
}
