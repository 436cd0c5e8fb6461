/** Room: core/formats. certificatePolicies (RFC 5280 §4.2.1.4). */
import { AppError } from "../../../errors.ts";
import { DerCursor } from "../../der/cursor.ts";
import { checkDer } from "../../der/structure.ts";
import { encodeOidElement, encodeSequence } from "../../der/writer.ts";
import { type ExtensionType, extensionType } from "../extension.ts";

export interface PolicyInformation {
  readonly policyIdentifier: string;
  /** The policyQualifiers SEQUENCE, whole. */
  readonly qualifiers?: Uint8Array;
}

function check(policies: readonly PolicyInformation[]): readonly PolicyInformation[] {
  if (policies.length === 0)
    throw new AppError("der_malformed", "no policy is named; leave the extension out");
  // RFC 5280 §4.2.1.4: "A certificate policy OID MUST NOT appear more than once".
  if (new Set(policies.map((each) => each.policyIdentifier)).size !== policies.length) {
    throw new AppError("der_malformed", "a policy is named twice (RFC 5280 §4.2.1.4)");
  }
  return policies;
}

/** PolicyQualifierInfo, one or more: an identifier and one value. */
function checkQualifiers(raw: Uint8Array): Uint8Array {
  const list = DerCursor.inSequence(raw);
  do {
    const qualifier = list.sequence();
    qualifier.oid();
    qualifier.element();
    qualifier.done();
  } while (!list.atEnd);
  return raw;
}

function encodePolicy({ policyIdentifier, qualifiers }: PolicyInformation): Buffer {
  const identifier = encodeOidElement(policyIdentifier);
  if (qualifiers === undefined) return encodeSequence(identifier);
  checkDer(qualifiers);
  return encodeSequence(identifier, checkQualifiers(qualifiers));
}

function decodePolicy(fields: DerCursor): PolicyInformation {
  const policyIdentifier = fields.oid();
  if (fields.atEnd) return { policyIdentifier };
  const qualifiers = checkQualifiers(fields.element().raw);
  fields.done();
  return { policyIdentifier, qualifiers };
}

export const certificatePolicies: ExtensionType<readonly PolicyInformation[]> = extensionType(
  "2.5.29.32",
  "certificatePolicies",
  {
    encode: (policies) => encodeSequence(...check(policies).map(encodePolicy)),
    decode(cursor) {
      const list = cursor.sequence();
      const policies: PolicyInformation[] = [];
      while (!list.atEnd) policies.push(decodePolicy(list.sequence()));
      return check(policies);
    },
  },
);
