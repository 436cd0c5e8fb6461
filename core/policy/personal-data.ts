/**
 * Room: core/policy. Identifiers stand in certificates, logs and metadata, so they are opaque: whatever is
 * shaped like a personal datum is refused (45 CFR 164.514(b)(2)(i) lists names of the kinds below as
 * identifiers). A shape is a hint, not a proof: the rule errs towards refusing. Where a product's own serial
 * numbers happen to look like one, a prefix is the way out (`pump-123456789`); a date with separators stays one.
 */

interface Shape {
  readonly kind: string;
  readonly matches: (identifier: string) => boolean;
}

// RFC 9562 §4: a UUID's hexadecimal groups are random, so digits that happen to look like a date mean nothing.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const edge = "(?:^|[^0-9A-Za-z])";
const end = "(?:$|[^0-9A-Za-z])";

// An SSN is 3-2-4 digits; area 000, 666 and 900 to 999 were never assigned, nor group 00 nor serial 0000.
const ssnParts = "(?!000|666|9)\\d{3}SEP(?!00)\\d{2}SEP(?!0000)\\d{4}";
const separatedSsn = new RegExp(edge + ssnParts.replaceAll("SEP", "[-._]") + end);
const bareSsn = new RegExp(`^${ssnParts.replaceAll("SEP", "")}$`);

const year = "(?:19|20)\\d{2}";
const month = "(?:0[1-9]|1[0-2])";
const day = "(?:0[1-9]|[12]\\d|3[01])";
const dates = [
  `${year}SEP${month}SEP${day}`,
  `${day}SEP${month}SEP${year}`,
  `${month}SEP${day}SEP${year}`,
].join("|");
const separatedDate = new RegExp(`${edge}(?:${dates.replaceAll("SEP", "[-._]")})${end}`);
// Behind a prefix eight digits are a serial number: one in fifty of those reads as a date.
const bareDate = new RegExp(`^(?:${dates.replaceAll("SEP", "")})$`);

// North American numbers: area and exchange start with 2 to 9. Elsewhere: the international prefix 00.
const separatedPhone = new RegExp(`${edge}(?:1[-._])?[2-9]\\d{2}[-._][2-9]\\d{2}[-._]\\d{4}${end}`);
const barePhone = /^(?:1?[2-9]\d{2}[2-9]\d{6}|00[1-9]\d{7,13}|\+.*)$/;

// The @ itself, or what people write to get round it.
const email = /@|[._-]at[._-].*[._-][a-z]{2,}$/i;

const label = new RegExp(`${edge}(?:ssn|dob|mrn|npi)${end}`, "i");

const shapes: readonly Shape[] = [
  { kind: "an e-mail address", matches: (id) => email.test(id) },
  { kind: "a social security number", matches: (id) => separatedSsn.test(id) || bareSsn.test(id) },
  { kind: "a date such as a birth date", matches: (id) => separatedDate.test(id) || bareDate.test(id) },
  { kind: "a telephone number", matches: (id) => separatedPhone.test(id) || barePhone.test(id) },
  { kind: "a labelled personal number", matches: (id) => label.test(id) },
];

/** What kind of personal datum `identifier` looks like, as in "a telephone number"; undefined when none. */
export function personalDataShape(identifier: string): string | undefined {
  if (uuid.test(identifier)) return undefined;
  return shapes.find((shape) => shape.matches(identifier))?.kind;
}
