/** For each extension type, values that can stand in a certificate. */
import fc from "fast-check";
import type { ExtensionType } from "../../../core/formats/x509/extension.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  issuerAltName,
  keyUsage,
  keyUsageBits,
  nameConstraints,
  noRevAvail,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from "../../../core/formats/x509/extensions/index.ts";
import { constraintName, generalName, octets, oid } from "../arbitraries.ts";

interface Sample<Value> {
  readonly type: ExtensionType<Value>;
  readonly values: fc.Arbitrary<Value>;
}

const sample = <Value>(type: ExtensionType<Value>, values: fc.Arbitrary<NoInfer<Value>>): Sample<Value> => ({
  type,
  values,
});

const names = fc.array(generalName, { minLength: 1, maxLength: 4 });
const subtrees = fc.array(constraintName, { minLength: 1, maxLength: 3 });
const serialNumber = fc.integer({ min: 1, max: 127 }).map((value) => Buffer.of(value));
const policy = fc.oneof(
  fc.record({ policyIdentifier: oid }),
  fc.record({ policyIdentifier: oid, qualifiers: fc.constant(Buffer.from("3008300606022a040500", "hex")) }),
);

/** A type erased to unknown values, as the table of types has them. */
export const sampleExtensions: Readonly<Record<string, Sample<unknown>>> = Object.fromEntries(
  [
    sample(
      basicConstraints,
      fc.oneof(fc.record({ cA: fc.boolean() }), fc.record({ cA: fc.boolean(), pathLenConstraint: fc.nat() })),
    ),
    sample(
      keyUsage,
      fc.subarray([...keyUsageBits], { minLength: 1 }).map((bits) => new Set(bits)),
    ),
    sample(extendedKeyUsage, fc.array(oid, { minLength: 1, maxLength: 4 })),
    sample(subjectAltName, names),
    sample(issuerAltName, names),
    sample(subjectKeyIdentifier, octets),
    sample(
      authorityKeyIdentifier,
      fc.oneof(
        fc.record({ keyIdentifier: octets }),
        fc.record({
          keyIdentifier: octets,
          authorityCertIssuer: names,
          authorityCertSerialNumber: serialNumber,
        }),
      ),
    ),
    sample(
      nameConstraints,
      fc.oneof(
        fc.record({ permittedSubtrees: subtrees }),
        fc.record({ excludedSubtrees: subtrees }),
        fc.record({ permittedSubtrees: subtrees, excludedSubtrees: subtrees }),
      ),
    ),
    sample(
      certificatePolicies,
      fc.uniqueArray(policy, { minLength: 1, maxLength: 3, selector: (each) => each.policyIdentifier }),
    ),
    sample(crlDistributionPoints, fc.array(fc.record({ fullName: names }), { minLength: 1, maxLength: 3 })),
    sample(
      authorityInfoAccess,
      fc.array(fc.record({ accessMethod: oid, accessLocation: generalName }), { minLength: 1, maxLength: 3 }),
    ),
    sample(ocspNoCheck, fc.constant(true as const)),
    sample(noRevAvail, fc.constant(true as const)),
  ].map((each) => [each.type.name, each]),
);
