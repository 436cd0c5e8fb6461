// @peculiar/x509 needs this polyfill before it is loaded.
import "reflect-metadata";
import { verify } from "node:crypto";
import { X509Crl } from "@peculiar/x509";
import { describe, expect, test } from "vitest";
import { authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import {
  decodeCertificateList,
  type RevokedCertificate,
} from "../../../core/formats/crl/certificate-list.ts";
import { type CrlReason, crlReasons } from "../../../core/formats/crl/reason.ts";
import { encodePem } from "../../../core/formats/pem.ts";
import { type Extension, extension } from "../../../core/formats/x509/extension.ts";
import { crlDistributionPoints } from "../../../core/formats/x509/extensions/index.ts";
import {
  openssl,
  opensslInstalled,
  opensslKnows,
  opensslOutput,
  type Verdict,
  withFiles,
} from "../../support/openssl.ts";
import {
  type Authority,
  authorityIds,
  deviceTemplate,
  makeAuthority,
  rootTemplate,
  signCertificate,
} from "../x509/certificate-maker.ts";
import { distributionPoint, makeList, nextUpdate, pointUrl, someRevoked, thisUpdate } from "./list-maker.ts";

const authority = makeAuthority("P-256");
const reasons = Object.keys(crlReasons) as readonly CrlReason[];

/** An entry for each reason, and one on each side of 2050. */
const allReasons: readonly RevokedCertificate[] = [
  ...someRevoked,
  ...reasons.map((reason, index) => ({
    serialNumber: Buffer.of(0x10, index),
    revocationDate: thisUpdate - 86_400_000 * index,
    reason,
  })),
  { serialNumber: Buffer.of(0x20), revocationDate: Date.UTC(2049, 11, 31, 23, 59, 59) },
  { serialNumber: Buffer.of(0x21), revocationDate: Date.UTC(2050, 0, 1), reason: "superseded" },
];

describe("node:crypto", () => {
  test.each(authorityIds)("verifies the signature of a list by %s over its TBSCertList", (id) => {
    const issuer = makeAuthority(id);
    const { tbsRaw, signatureValue } = decodeCertificateList(makeList(issuer));
    const { digest } = authorityAlgorithms[id].signature;
    expect(verify(digest, tbsRaw, issuer.publicKey.keyObject, signatureValue)).toBe(true);
    expect(verify(digest, tbsRaw.subarray(1), issuer.publicKey.keyObject, signatureValue)).toBe(false);
  });
});

describe("@peculiar/x509", () => {
  test("reads what we wrote: times, entries, reasons, extensions", () => {
    const raw = makeList(authority, { revoked: allReasons });
    const list = new X509Crl(raw);
    const own = decodeCertificateList(raw);
    expect(list.version).toBe(1);
    expect(list.thisUpdate.getTime()).toBe(thisUpdate);
    expect(list.nextUpdate?.getTime()).toBe(nextUpdate);
    expect(list.extensions.map(({ type, critical }) => ({ oid: type, critical }))).toEqual(
      own.extensions.map(({ oid, critical }) => ({ oid, critical })),
    );
    const number = (hex: string) => BigInt(`0x${hex}`);
    const entries = list.entries.map(({ serialNumber, revocationDate, reason }) => ({
      serialNumber: number(serialNumber),
      revocationDate: revocationDate.getTime(),
      reason: reasons.find((each) => crlReasons[each] === Number(reason)),
    }));
    expect(entries).toEqual(
      own.revoked.map(({ serialNumber, revocationDate, reason }) => ({
        serialNumber: number(serialNumber),
        revocationDate,
        reason,
      })),
    );
  });
});

/** What `openssl crl -text` calls the reasons that it is told. */
const reasonNames: Readonly<Record<Exclude<CrlReason, "unspecified">, string>> = {
  keyCompromise: "Key Compromise",
  cACompromise: "CA Compromise",
  affiliationChanged: "Affiliation Changed",
  superseded: "Superseded",
  cessationOfOperation: "Cessation Of Operation",
  certificateHold: "Certificate Hold",
  privilegeWithdrawn: "Privilege Withdrawn",
  aACompromise: "AA Compromise",
};

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** As OpenSSL prints a time: `Jan  2 03:04:05 2026 GMT`. */
function timeText(time: number): string {
  const date = new Date(time);
  const day = String(date.getUTCDate()).padStart(2);
  return `${months[date.getUTCMonth()]} ${day} ${date.toISOString().slice(11, 19)} ${date.getUTCFullYear()} GMT`;
}

/** Entries of the text form: a serial number, a date and, where it is given, a reason. */
function entriesOf(text: string): readonly unknown[] {
  const form =
    /Serial Number: (\w+)\s+Revocation Date: ([^\n]+)(?:\s+CRL entry extensions:\s+X509v3 CRL Reason Code: *\s+([^\n]+))?/g;
  return [...text.matchAll(form)].map(([, serial, date, reason]) => ({ serial, date: date?.trim(), reason }));
}

/** RFC 7468 §7. */
const pem = (der: Buffer): string =>
  `-----BEGIN X509 CRL-----\n${der.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END X509 CRL-----\n`;
const rootOf = (issuer: Authority): string =>
  encodePem("CERTIFICATE", signCertificate(issuer, rootTemplate(issuer)));

describe.skipIf(!opensslInstalled)("OpenSSL, where installed", () => {
  test("reads what we read: times, number, point, every entry and reason", async () => {
    const raw = makeList(authority, { revoked: allReasons, number: 300 });
    const text = await opensslOutput(["crl", "-inform", "DER", "-noout", "-text"], raw);
    expect(text).toContain("Version 2 (0x1)");
    expect(text).toContain(`Last Update: ${timeText(thisUpdate)}`);
    expect(text).toContain(`Next Update: ${timeText(nextUpdate)}`);
    expect(text).toMatch(/X509v3 CRL Number: *\n +300\n/);
    expect(text).toContain("X509v3 Issuing Distribution Point: critical");
    expect(text).toContain(`URI:${pointUrl}`);
    const expected = decodeCertificateList(raw).revoked.map(({ serialNumber, revocationDate, reason }) => ({
      serial: serialNumber.toUpperCase(),
      date: timeText(revocationDate),
      reason: reason === undefined || reason === "unspecified" ? undefined : reasonNames[reason],
    }));
    expect(entriesOf(text)).toEqual(expected);
  });

  test("RFC 5280 §5.1.2.6: it reads an empty list as one that revokes nothing", async () => {
    const raw = makeList(authority, { revoked: [] });
    const text = await opensslOutput(["crl", "-inform", "DER", "-noout", "-text"], raw);
    expect(text).toContain("No Revoked Certificates.");
  });

  test.each(authorityIds.filter(opensslKnows))(
    "verifies a list by %s with its authority's certificate",
    async (id) => {
      const issuer = makeAuthority(id);
      const list = makeList(issuer);
      await withFiles({ root: rootOf(issuer), list: pem(list) }, async (path) => {
        const { output } = await openssl([
          "crl",
          "-noout",
          "-verify",
          "-CAfile",
          path("root"),
          "-in",
          path("list"),
        ]);
        expect(output).toContain("verify OK");
      });
      const changed = Buffer.from(list);
      changed[list.length - 1] = (changed[list.length - 1] ?? 0) ^ 1;
      await withFiles({ root: rootOf(issuer), list: pem(changed) }, async (path) => {
        const { output } = await openssl([
          "crl",
          "-noout",
          "-verify",
          "-CAfile",
          path("root"),
          "-in",
          path("list"),
        ]);
        expect(output).not.toContain("verify OK");
      });
    },
  );
});

const attime = ["-attime", String(thisUpdate / 1000 + 60)];

/** Validates a device's certificate, whose distribution point is `url`, with `list` at hand. */
function verdictOn(list: Buffer, url = pointUrl): Promise<Verdict> {
  const point: Extension = extension(
    crlDistributionPoints,
    [{ fullName: [{ kind: "uniformResourceIdentifier", value: url }] }],
    false,
  );
  const template = deviceTemplate(authority, makeAuthority("P-256").publicKey);
  const device = signCertificate(authority, { ...template, extensions: [...template.extensions, point] });
  const files = { root: rootOf(authority), list: pem(list), device: encodePem("CERTIFICATE", device) };
  return withFiles(files, (path) => {
    const lists = ["-crl_check", "-CRLfile", path("list"), "-extended_crl"];
    return openssl(["verify", "-x509_strict", ...attime, ...lists, "-CAfile", path("root"), path("device")]);
  });
}

describe.skipIf(!opensslInstalled)("OpenSSL's path validation with a list of ours", () => {
  const { serialNumber } = deviceTemplate(authority, authority.publicKey);
  const others = someRevoked.filter((entry) => Buffer.compare(entry.serialNumber, serialNumber) !== 0);

  test("accepts a certificate that is not in it", async () => {
    const verdict = await verdictOn(makeList(authority, { revoked: others }));
    expect(verdict).toMatchObject({ accepted: true });
    expect(await verdictOn(makeList(authority, { revoked: [] }))).toMatchObject({ accepted: true });
  });

  test("refuses it once it is", async () => {
    const verdict = await verdictOn(makeList(authority, { revoked: someRevoked }));
    expect(verdict.accepted).toBe(false);
    expect(verdict.output).toContain("certificate revoked");
  });

  test("RFC 5280 §5.2.5: takes no list of another distribution point", async () => {
    const verdict = await verdictOn(makeList(authority, { revoked: [] }), `${pointUrl}x`);
    expect(verdict.accepted).toBe(false);
    expect(verdict.output).toMatch(/[Dd]ifferent CRL scope/);
  });

  test("RFC 5280 §5.1.2.5: takes no list after its nextUpdate", async () => {
    const stale = { thisUpdate: thisUpdate - 86_400_000, nextUpdate: thisUpdate, revoked: [] };
    const verdict = await verdictOn(makeList(authority, stale));
    expect(verdict.accepted).toBe(false);
    expect(verdict.output).toContain("CRL has expired");
  });

  test("takes a list of a point that several share, of which the certificate names one", async () => {
    const shared = [
      { kind: "uniformResourceIdentifier", value: "http://b.example/" } as const,
      ...distributionPoint,
    ];
    const verdict = await verdictOn(makeList(authority, { revoked: [], distributionPoint: shared }));
    expect(verdict).toMatchObject({ accepted: true });
  });
});
