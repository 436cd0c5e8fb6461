/**
 * CRLs of every authority algorithm, empty, small and large, judged by zlint (Go) and by GnuTLS's certtool (C).
 * GnuTLS asks the machine's clock, so the lists are of now. It reads an entry in time that grows with the entries
 * before it: a list of 100,000 takes it longer than ten minutes, and one of 2,000 stands for it.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeCertificateList, type RevokedCertificate } from "../../core/formats/crl/certificate-list.ts";
import { type CrlReason, crlReasons } from "../../core/formats/crl/reason.ts";
import { makeList } from "../formats/crl/list-maker.ts";
import {
  type Authority,
  authorityIds,
  makeAuthority,
  rootTemplate,
  signCertificate,
} from "../formats/x509/certificate-maker.ts";
import { withFiles } from "../support/openssl.ts";
import { type ZlintReport, zlint } from "./support/zlint.ts";

const day = 86_400_000;
const thisUpdate = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const times = { thisUpdate, nextUpdate: thisUpdate + 7 * day };
const reasons = Object.keys(crlReasons) as readonly CrlReason[];

function revokedOf(index: number): RevokedCertificate {
  const reason = reasons[index % (reasons.length + 1)];
  return {
    serialNumber: createHash("sha256").update(`serial ${index}`).digest().subarray(0, 16),
    revocationDate: thisUpdate - ((index * 7_919) % (365 * 86_400)) * 1000,
    ...(reason && { reason }),
  };
}

const revoked = (length: number): readonly RevokedCertificate[] =>
  Array.from({ length }, (_, index) => revokedOf(index));

interface Made {
  readonly authority: Authority;
  readonly entries: number;
  readonly der: Buffer;
}

const authorities = authorityIds.map(makeAuthority);

/** One list of each size by each authority. */
function population(sizes: readonly number[]): readonly Made[] {
  return authorities.flatMap((authority) =>
    sizes.map((entries) => ({
      authority,
      entries,
      der: makeList(authority, { ...times, revoked: revoked(entries), number: entries + 1 }),
    })),
  );
}

const named = (made: Made): string => `${made.authority.id}, ${made.entries} entries`;

describe("zlint, on CRLs", () => {
  const sources = ["RFC5280", "Community", "CABF_BR"];
  const lists = population([0, 1, 30, 100_000]);
  let reports: readonly ZlintReport[] = [];

  beforeAll(async () => {
    reports = await zlint(
      lists.map(({ der }) => der),
      sources,
    );
  }, 240_000);

  /** Lints of `list` that end in one of `results`. */
  const lintsOf = (index: number, ...results: readonly string[]): readonly string[] =>
    [...(reports[index] ?? [])].filter(([, result]) => results.includes(result)).map(([name]) => name);

  /** The public web's rules allow five of the reasons; RFC 5280 §5.3.1 has them all. */
  const ofTheWeb = "e_cab_crl_has_valid_reason_code";

  test("finds no error in any list, and warns of nothing", () => {
    expect(reports).toHaveLength(lists.length);
    const found = lists.flatMap((made, index) =>
      lintsOf(index, "error", "fatal", "warn")
        .filter((name) => name !== ofTheWeb)
        .map((name) => `${named(made)}: ${name}`),
    );
    expect(found).toEqual([]);
  });

  test("applies its lints: every list passes a dozen or more", () => {
    for (const [index, made] of lists.entries()) {
      expect(lintsOf(index, "pass").length, named(made)).toBeGreaterThanOrEqual(12);
    }
  });

  test("finds what is wrong: a list whose cRLNumber is another extension, revocations of tomorrow", async () => {
    const [first] = authorities;
    if (first === undefined) throw new Error("no authority");
    const number = Buffer.from("0603551d14", "hex");
    const spoiled = makeList(first, times);
    // cRLNumber becomes 2.5.29.50.
    spoiled[spoiled.indexOf(number) + 4] = 50;
    const tomorrow = [{ serialNumber: Buffer.of(1), revocationDate: thisUpdate + day }];
    const [numberless, early] = await zlint(
      [spoiled, makeList(first, { ...times, revoked: tomorrow })],
      sources,
    );
    expect(numberless?.get("e_crl_missing_crl_number")).toBe("error");
    expect(early?.get("e_crl_revocation_time_after_this_update")).toBe("error");
  });
});

/** What certtool prints, on both streams, and whether it ended well. */
function certtool(
  ...parameters: readonly string[]
): Promise<{ readonly output: string; readonly ok: boolean }> {
  const options = { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile("certtool", parameters, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ output: stdout + stderr, ok: error === null });
    });
  });
}

/** GnuTLS 3.7 knows no ML-DSA: it reads such a list and cannot verify it. */
const known = ({ id }: Authority): boolean => !id.startsWith("ML-DSA");

describe("GnuTLS certtool", () => {
  const lists = population([0, 1, 30, 2_000]).map((made) => ({ ...made, name: named(made) }));

  test.each(lists)("reads the list of $name", async ({ der, entries }) => {
    await withFiles({ list: der }, async (path) => {
      const { output, ok } = await certtool("--crl-info", "--inder", "--infile", path("list"));
      expect(ok, output.slice(0, 2_000)).toBe(true);
      expect(output).toContain("Version: 2");
      expect(output).toContain("Authority Key Identifier (not critical)");
      expect(output).toMatch(/CRL Number \(not critical\): [0-9a-f]+/);
      const serials = [...output.matchAll(/Serial Number \(hex\): ([0-9a-f]+)/g)].map(([, serial]) => serial);
      expect(serials.map((serial) => serial?.replace(/^00(?=..)/, ""))).toEqual(
        decodeCertificateList(der).revoked.map(({ serialNumber }) => serialNumber),
      );
      expect(serials).toHaveLength(entries);
    });
  });

  const verifiable = lists.filter(({ authority }) => known(authority));

  test.each(verifiable)("verifies the list of $name, and no changed one", async ({ authority, der }) => {
    const changed = Buffer.from(der);
    changed[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
    const root = signCertificate(authority, rootTemplate(authority));
    await withFiles({ root, der, changed }, async (path) => {
      const verify = (file: string) =>
        certtool(
          "--verify-crl",
          "--load-ca-certificate",
          path("root"),
          "--inder",
          "--outder",
          "--infile",
          file,
        );
      expect((await verify(path("der"))).output).toContain("Verified. The certificate is trusted.");
      expect((await verify(path("changed"))).output).toContain("Not verified.");
    });
  });
});
