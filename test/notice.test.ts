import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { encodeNotice } from "../core/notice.ts";
import type { Notice } from "../core/ports.ts";

const base: Notice = { event: "fleet.created", severity: "information" };

/** The refusal of `notice`; fails the test when it is encoded. */
function refusalOf(notice: Notice): AppError {
  try {
    encodeNotice(notice);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return expect.fail("the notice was encoded");
}

describe("what a notice becomes", () => {
  it("is one line of JSON with a service, and members in one order whatever the notice's", () => {
    const notice: Notice = {
      measures: { closed: 3, oldestSeconds: 0.5 },
      subject: "0123456789abcdef0123456789abcdef",
      fleet: "pumps-eu",
      severity: "critical",
      event: "issuance.closed",
    };
    expect(encodeNotice(notice)).toEqual({
      subject: "Fleetkey critical: issuance.closed",
      message:
        '{"service":"fleetkey","event":"issuance.closed","severity":"critical","fleet":"pumps-eu",' +
        '"subject":"0123456789abcdef0123456789abcdef","measures":{"closed":3,"oldestSeconds":0.5}}',
    });
  });

  it("has no member that the notice has not, and none that the type does not name", () => {
    const { message } = encodeNotice({ ...base, text: "Jane Doe" } as Notice);
    expect(message).toBe('{"service":"fleetkey","event":"fleet.created","severity":"information"}');
  });

  it("has a subject below 100 characters of ASCII, however long the event", () => {
    const { subject } = encodeNotice({ ...base, event: `${"a".repeat(31)}.${"b".repeat(32)}` });
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
  });

  it.each([
    ["a serial number of 16 random octets", () => randomBytes(16).toString("hex")],
    ["a serial number of 20 octets", () => "f".repeat(40)],
    ["a serial number all of digits", () => "123456789012345678901234567890"],
    ["a SHA-256", () => randomBytes(32).toString("hex")],
    ["a UUID", () => randomUUID()],
    ["an authority", () => "default-issuing-1"],
    ["a device", () => "pump-000123456"],
  ])("%s may be its subject", (_, subject) => {
    const value = subject();
    expect(JSON.parse(encodeNotice({ ...base, subject: value }).message)).toMatchObject({ subject: value });
  });

  it("serial numbers of 16 octets pass, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        const subject = Buffer.from(octets).toString("hex");
        expect(JSON.parse(encodeNotice({ ...base, subject }).message)).toMatchObject({ subject });
      }),
    );
  });
});

const personal = [
  ["an e-mail address", "jane.doe@example.com"],
  ["an e-mail address in words", "jane.doe-at-example.com"],
  ["a telephone number", "+4930123456"],
  ["a telephone number in parts", "202-555-0123"],
  ["a bare telephone number", "2025550123"],
  ["an SSN", "123-45-6789"],
  ["a bare SSN", "123456789"],
  ["a birth date", "1980-02-29"],
  ["a bare birth date", "19800229"],
  ["a labelled number", "mrn-4711"],
] as const;

const secrets = [
  ["an enrolment token", "Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx"],
  ["a key in base64", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I9"],
  ["PEM", "-----BEGIN PRIVATE KEY-----"],
  ["DER in base64", "MIGHAgEAMBMGByqGSM49AgEG"],
  ["a JWT", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"],
  ["an Authorization header", "Bearer abc"],
] as const;

const text = [
  ["a name", "Jane Doe"],
  ["a name in another script", "Müller"],
  ["a line end", "a\nb"],
  ["nothing", ""],
  ["more than an identifier holds", "1".repeat(65)],
  ["hexadecimal in capitals, too long for an identifier", "A1".repeat(33)],
] as const;

describe("what is not permitted", () => {
  it.each([...personal, ...secrets, ...text])(
    "%s as its subject: refused, and not repeated",
    (_, subject) => {
      const error = refusalOf({ ...base, subject });
      expect(error.code).toBe("notice_not_permitted");
      expect(error.message).toMatch(/^notice subject /);
      if (subject !== "") expect(error.message).not.toContain(subject);
    },
  );

  it.each([...personal, ...secrets, ...text])("%s as its fleet: refused, and not repeated", (_, fleet) => {
    const error = refusalOf({ ...base, fleet });
    expect(error.code).toBe("notice_not_permitted");
    expect(error.message).toMatch(/^notice fleet /);
    if (fleet !== "") expect(error.message).not.toContain(fleet);
  });

  it.each([
    ...[...personal, ...secrets, ...text].map(([, event]) => event),
    "fleet",
    "Fleet.Created",
    "fleet..created",
    ".fleet.created",
    "fleet.created.",
    "fleet.created\n",
    "fleet.2",
    "fleet_created.now",
    `${"a".repeat(32)}.${"b".repeat(32)}`,
  ])("the event %j: refused, and not repeated", (event) => {
    const error = refusalOf({ ...base, event });
    expect(error.code).toBe("notice_not_permitted");
    if (event.length > 5) expect(error.message).not.toContain(event);
  });

  it("a severity that the type does not name", () => {
    for (const severity of ["", "INFORMATION", "toString"])
      expect(refusalOf({ ...base, severity: severity as "warning" }).code).toBe("notice_not_permitted");
  });

  it.each([
    "",
    "Closed",
    "closed_intents",
    "1st",
    "jane@example.com",
    "ssn",
    "patientSsn",
    "dob",
    "a".repeat(41),
  ])("the measure name %j: refused, and not repeated", (name) => {
    const error = refusalOf({ ...base, measures: { closed: 1, [name]: 2 } });
    expect(error.code).toBe("notice_not_permitted");
    expect(error.message).toMatch(/^notice measure 1 /);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, "1" as unknown as number])("the measure %j", (value) => {
    expect(refusalOf({ ...base, measures: { closed: value } }).message).toBe(
      "notice measure 0 is no finite number; leave it out",
    );
  });

  it("more than 16 measures", () => {
    const measures = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`measure${at}`, at]));
    encodeNotice({ ...base, measures: measures(16) });
    expect(refusalOf({ ...base, measures: measures(17) }).message).toMatch(
      /^notice measures are 17, limit 16/,
    );
  });
});
