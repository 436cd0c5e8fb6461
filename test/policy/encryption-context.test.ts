/** Room: test. What a ciphertext may be bound to: opaque values alone, whatever a caller sends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import {
  type ContextRequest,
  checkPurpose,
  checkSubject,
  encryptionContext,
  isSameContext,
} from "../../core/policy/encryption-context.ts";

const fine: ContextRequest = { purpose: "observations", subject: "s-1" };
const of = (request: Partial<ContextRequest>) => encryptionContext("default", { ...fine, ...request });

/** Code and message of the refusal. */
function refusalOf(attempt: () => unknown): { readonly code: ErrorCode; readonly message: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message };
    throw error;
  }
  return expect.fail("nothing was refused");
}

const eight = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`member-${index}`, "v"]));

describe("a context", () => {
  it("is the caller's members, the fleet, the purpose and the subject", () => {
    expect(of({ extra: { record: "r-7", "site-id": "B:1_2.3" } })).toEqual({
      fleet: "default",
      purpose: "observations",
      subject: "s-1",
      record: "r-7",
      "site-id": "B:1_2.3",
    });
    expect(of({})).toEqual({ fleet: "default", ...fine });
  });

  it.each<[string, Partial<ContextRequest>]>([
    ["a subject of one character", { subject: "7" }],
    ["a subject of 64 characters", { subject: "7f3a91c0".repeat(8) }],
    ["a UUID, whatever its digits read as", { subject: "19700101-0000-4000-8000-000000000000" }],
    ["a UUID behind a prefix", { subject: "patient-6f9619ff-8b86-4011-b42d-00cf4fc964ff" }],
    ["a purpose of 32 characters", { purpose: `o${"-b".repeat(15)}s` }],
    ["eight more members", { extra: eight }],
    ["a value of 128 characters", { extra: { record: "0123456789abcdef".repeat(8) } }],
    ["a name of 32 characters", { extra: { [`r${"9".repeat(31)}`]: "v" } }],
    ["a name that objects have of their own", { extra: { constructor: "v" } }],
  ])("takes %s", (_name, request) => {
    expect(of(request)).toMatchObject(request.extra ?? request);
  });

  it.each<[string, Partial<ContextRequest>, ErrorCode, RegExp]>([
    ["no purpose", { purpose: "" }, "request_invalid", /purpose has 0 characters; limit 1 to 32/],
    ["a purpose of 33 characters", { purpose: "o".repeat(33) }, "request_invalid", /33 characters/],
    ["a purpose in capitals", { purpose: "Observations" }, "request_invalid", /a-z/],
    ["a purpose with a digit first", { purpose: "1st" }, "request_invalid", /a letter first/],
    ["a purpose for all", { purpose: "*" }, "request_invalid", /a-z/],
    [
      "a purpose of the service's own",
      { purpose: "fleetkey-subject-key" },
      "request_invalid",
      /take another/,
    ],
    ["no subject", { subject: "" }, "request_invalid", /subject has 0 characters; limit 1 to 64/],
    ["a subject of 65 characters", { subject: "s".repeat(65) }, "request_invalid", /65 characters/],
    ["a subject that ends in a dot", { subject: "s-1." }, "request_invalid", /at both ends/],
    ["a subject with a separator of keys", { subject: "s-1#KEY#0001" }, "request_invalid", /limit/],
    ["a subject with a line break", { subject: "s-1\n" }, "request_invalid", /limit/],
    ["a subject in other letters", { subject: "søren" }, "request_invalid", /limit/],
    ["a subject with the end of a text in it", { subject: "s\u00001" }, "request_invalid", /limit/],
    ["nine more members", { extra: { ...eight, more: "v" } }, "request_invalid", /9 members .* limit 8/],
    ["a name of 33 characters", { extra: { ["r".repeat(33)]: "v" } }, "request_invalid", /33 characters/],
    ["a name with a space", { extra: { "my record": "v" } }, "request_invalid", /a name in the context/],
    ["no name", { extra: { "": "v" } }, "request_invalid", /of 0 characters/],
    ["a name of the SDK's own", { extra: { "aws-crypto-public-key": "v" } }, "request_invalid", /"aws-"/],
    [
      "the prototype",
      { extra: JSON.parse('{"__proto__": "v"}') },
      "request_invalid",
      /a name in the context/,
    ],
    ["another fleet", { extra: { fleet: "other" } }, "request_invalid", /"fleet" is given twice/],
    ["another subject", { extra: { subject: "s-2" } }, "request_invalid", /"subject" is given twice/],
    ["another purpose", { extra: { purpose: "research" } }, "request_invalid", /"purpose" is given twice/],
    ["no value", { extra: { record: "" } }, "request_invalid", /"record" has 0 characters; limit 1 to 128/],
    [
      "a value of 129 characters",
      { extra: { record: "r".repeat(129) } },
      "request_invalid",
      /129 characters/,
    ],
    ["a value with a space", { extra: { record: "r 1" } }, "request_invalid", /"record"/],
  ])("refuses %s", (_name, request, code, message) => {
    const refusal = refusalOf(() => of(request));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toMatch(message);
  });

  it.each([
    ["a birth date", "1970-01-31"],
    ["a social security number", "123-45-6789"],
    ["a social security number", "123-45-6789:6f9619ff-8b86-4011-b42d-00cf4fc964ff"],
    ["a telephone number", "212-555-0143"],
    ["an address of mail", "jane_at_example.com"],
    ["a labelled number", "mrn-55021"],
    ["a token", "Q".repeat(43)],
    ["a JWS", "eyJhbGciOiJub25lIn0.e30"],
  ])("45 CFR 164.514(b)(2)(i): refuses %s in every value, and repeats it nowhere", (_name, value) => {
    const places: readonly Partial<ContextRequest>[] = [{ subject: value }, { extra: { record: value } }];
    for (const place of places) {
      const { code, message } = refusalOf(() => of(place));
      expect(code).toBe("name_not_permitted");
      expect(message).not.toContain(value);
    }
  });

  it.each(["dob-1985-03-12", "mrn", "ssn-123-45-6789", "born-1985-03-12"])(
    "45 CFR 164.514(b)(2)(i): refuses a name such as %s, whatever its value",
    (name) => {
      const { message } = refusalOf(() => of({ extra: { [name]: "v" } }));
      expect(message).not.toContain(name);
    },
  );

  it.each([undefined, null, 7, {}, ["r-7"], true])("refuses %j where a text belongs", (value) => {
    const wrong = value as never;
    for (const request of [{ purpose: wrong }, { subject: wrong }, { extra: { record: wrong } }])
      expect(refusalOf(() => of(request))).toMatchObject({ code: "request_invalid" });
  });

  it("whatever is sent, what is taken is opaque, and no refusal repeats a value", () => {
    const text = fc.oneof(fc.string({ maxLength: 140 }), fc.string({ unit: "binary", maxLength: 40 }));
    const extra = fc.dictionary(text, text, { maxKeys: 10 });
    fc.assert(
      fc.property(text, text, extra, (purpose, subject, members) => {
        try {
          const context = encryptionContext("default", { purpose, subject, extra: members });
          expect(Object.values(context).every((value) => /^[A-Za-z0-9._:-]{1,128}$/.test(value))).toBe(true);
          expect(context).toMatchObject({ fleet: "default", purpose, subject });
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          const values = [purpose, subject, ...Object.values(members)].filter((value) => value.length > 12);
          for (const value of values) expect(error.message).not.toContain(value);
        }
      }),
    );
  });
});

describe("one member alone", () => {
  it("is checked as in a context", () => {
    expect(() => checkSubject("s-1")).not.toThrow();
    expect(() => checkPurpose("observations")).not.toThrow();
    expect(refusalOf(() => checkSubject("jane doe")).code).toBe("request_invalid");
    expect(refusalOf(() => checkSubject("1970-01-31")).code).toBe("name_not_permitted");
    expect(refusalOf(() => checkPurpose("fleetkey-operator-decryption")).code).toBe("request_invalid");
  });
});

describe("two contexts", () => {
  const context = of({ extra: { record: "r-7" } });

  it("are the same in any order of their members", () => {
    expect(isSameContext(context, Object.fromEntries(Object.entries(context).reverse()))).toBe(true);
  });

  it.each<[string, Record<string, string>]>([
    ["a member more", { ...context, more: "v" }],
    ["a member less", of({})],
    ["another value", { ...context, record: "r-8" }],
    ["another name", { ...of({}), recorD: "r-7" }],
    ["another fleet", { ...context, fleet: "other" }],
    ["nothing", {}],
  ])("differ by %s", (_name, other) => {
    expect(isSameContext(context, other)).toBe(false);
    expect(isSameContext(other, context)).toBe(false);
  });

  it("differ where one has a name that all objects have", () => {
    expect(isSameContext({ constructor: "v" }, { other: "v" })).toBe(false);
    expect(isSameContext({ other: "v" }, { constructor: "v" })).toBe(false);
  });
});
