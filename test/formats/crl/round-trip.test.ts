import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeCertificateList,
  type RevokedCertificate,
  readCrlNumber,
} from "../../../core/formats/crl/certificate-list.ts";
import { type CrlReason, crlReasons } from "../../../core/formats/crl/reason.ts";
import { decodeTime } from "../../../core/formats/der/time.ts";
import { encodeGeneralName } from "../../../core/formats/general-name.ts";
import { encodeName } from "../../../core/formats/name.ts";
import { serialNumberHex } from "../../../core/formats/x509/tbs-certificate.ts";
import { distinguishedName, generalName, octets } from "../arbitraries.ts";
import { parseTree } from "../der-tree.ts";
import { makeAuthority } from "../x509/certificate-maker.ts";
import { makeList } from "./list-maker.ts";

const authority = makeAuthority("Ed25519");
const second = fc
  .integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 })
  .map((value) => value * 1000);
const reason = fc.constantFrom(...(Object.keys(crlReasons) as CrlReason[]));
const serialNumber = fc.uint8Array({ minLength: 1, maxLength: 19 });
const entry: fc.Arbitrary<RevokedCertificate> = fc.oneof(
  fc.record({ serialNumber, revocationDate: second }),
  fc.record({ serialNumber, revocationDate: second, reason }),
);
const template = fc.record({
  issuer: distinguishedName.filter(({ length }) => length > 0).map(encodeName),
  thisUpdate: second,
  revoked: fc.array(entry, { maxLength: 12 }),
  authorityKeyIdentifier: octets,
  number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  distributionPoint: fc.array(generalName, { minLength: 1, maxLength: 3 }),
});

test("what is written is read again, and nothing is said of an unspecified reason", () => {
  fc.assert(
    fc.property(template, (given) => {
      const nextUpdate = given.thisUpdate + 86_399_000;
      const raw = makeList(authority, { ...given, nextUpdate });
      const list = decodeCertificateList(raw);
      expect(readCrlNumber(raw)).toBe(given.number);
      expect(list).toMatchObject({ thisUpdate: given.thisUpdate, nextUpdate, number: given.number });
      expect(Buffer.from(list.issuerRaw)).toEqual(given.issuer);
      // Attributes of one set are written in order of their encodings, so the names are compared as encoded.
      expect(list.distributionPoint?.map((each) => encodeGeneralName(each))).toEqual(
        given.distributionPoint.map((each) => encodeGeneralName(each)),
      );
      expect(Buffer.from(list.authorityKeyIdentifier ?? [])).toEqual(given.authorityKeyIdentifier);
      expect(list.revoked).toEqual(
        given.revoked.map(({ serialNumber: serial, revocationDate, reason: why }) => ({
          serialNumber: serialNumberHex(serial),
          revocationDate,
          ...(why !== undefined && why !== "unspecified" && { reason: why }),
        })),
      );
    }),
    { numRuns: 300 },
  );
});

test("RFC 5280 §5.1.2.6: each date, read by the house's own reader of times, is the one given", () => {
  fc.assert(
    fc.property(fc.array(second, { minLength: 1, maxLength: 40 }), (dates) => {
      const revoked = dates.map((revocationDate) => ({ serialNumber: Buffer.of(1), revocationDate }));
      const entries = parseTree(decodeCertificateList(makeList(authority, { revoked })).tbsRaw).children?.[5];
      const written = entries?.children?.map(({ children }) => {
        const time = children?.[1];
        return decodeTime(time?.tag ?? 0, time?.content ?? Buffer.alloc(0), 0);
      });
      expect(written).toEqual(dates);
    }),
    { numRuns: 200 },
  );
});
