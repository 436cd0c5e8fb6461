import { describe, expect, test } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { decodeTbsCertificate, type TbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";
import { lint } from "../../core/lint/lint.ts";
import { decideCertificate } from "../../core/policy/certificate-policy.ts";
import type { ProfileId } from "../../core/standard/index.ts";
import { identities, type Subject, subject, type TestKey } from "./subjects.ts";

function decoded(raw: Uint8Array): TbsCertificate | undefined {
  try {
    return decodeTbsCertificate(raw);
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}

function isIssuable({ context }: Subject, profile: ProfileId, tbs: TbsCertificate): boolean {
  const issuer = context.issuer === "self" ? context.issuer : { notAfter: context.issuer.validity.notAfter };
  return (
    decideCertificate(tbs, context.profile, identities[profile], issuer).allow &&
    lint(tbs, context).length === 0
  );
}

/** Issuance chooses these freely within limits, so only they may differ from what was judged. */
function withoutFreeFields(tbs: TbsCertificate): unknown {
  const { raw: _raw, serialNumber: _serial, validity: _validity, ...rest } = tbs;
  return rest;
}

const subjects: readonly (readonly [ProfileId, TestKey])[] = [
  ["device", "P-256"],
  ["device", "Ed25519"],
  ["device", "RSA-2048"],
  ["server", "P-256"],
  ["operator", "P-256"],
  ["issuing", "P-256"],
  ["cross", "P-256"],
];

describe("every single-bit flip of a certificate about to be signed", () => {
  for (const [profile, key] of subjects) {
    test(`profile ${profile}, ${key}: refused, but for serial number and times within limits`, () => {
      const base = subject(profile, key);
      const raw = Buffer.from(base.tbs.raw);
      const expected = withoutFreeFields(base.tbs);
      let passed = 0;
      for (let bit = 0; bit < raw.length * 8; bit += 1) {
        const flipped = Buffer.from(raw);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
        const tbs = decoded(flipped);
        if (tbs === undefined || !isIssuable(base, profile, tbs)) continue;
        passed += 1;
        expect(withoutFreeFields(tbs), `bit ${bit}`).toEqual(expected);
      }
      // 128 bits of serial number less its sign, and the times; a judge that refuses all would prove nothing.
      expect(passed).toBeGreaterThan(100);
      expect(passed).toBeLessThan(250);
    });
  }
});
