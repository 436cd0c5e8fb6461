import { existsSync } from "node:fs";
import { createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import * as formats from "../../core/formats/algorithms.ts";
import {
  clauses,
  cryptoperiods,
  enrollmentTokenStandard,
  profiles,
  securityStandard,
  tlsSettings,
} from "../../core/standard/index.ts";

/** Every object of the standard that states a rule, with the path to it. */
function* entries(value: unknown, path: string): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const record = value as Record<string, unknown>;
  if ("citation" in record) yield [path, record];
  for (const [key, child] of Object.entries(record)) yield* entries(child, `${path}.${key}`);
}

describe("the security standard", () => {
  test("every entry cites its source", () => {
    const all = [...entries(securityStandard, "standard"), ...entries({ ...clauses }, "clauses")];
    expect(all.length).toBeGreaterThan(50);
    for (const [path, entry] of all) expect(entry["citation"], path).toMatch(/\S{3}/);
  });

  test("a clause that is enforced says where, in files that exist; a planned one claims nothing", () => {
    for (const { citation, status, enforcedBy } of clauses) {
      expect(enforcedBy.length > 0, citation).toBe(status === "enforced");
      for (const path of enforcedBy) {
        expect(existsSync(new URL(`../../${path}`, import.meta.url)), path).toBe(true);
      }
    }
  });

  test("lists exactly the algorithms that the formats can read, in the same words", () => {
    const { subject, authority, signature } = securityStandard.algorithms;
    expect(Object.keys(subject)).toEqual(Object.keys(formats.keyAlgorithms));
    expect(Object.keys(authority)).toEqual(Object.keys(formats.authorityAlgorithms));
    expect(Object.keys(signature)).toEqual(Object.keys(formats.signatureAlgorithms));
    for (const row of Object.values(authority)) expect(row.strengthBits).toBeGreaterThanOrEqual(128);
  });

  test("profiles name algorithms of the standard and no weaker RSA sizes", () => {
    const { rsa, subject } = securityStandard.algorithms;
    for (const [id, profile] of Object.entries(profiles)) {
      expect(profile.id).toBe(id);
      for (const algorithm of profile.subjectAlgorithms) expect(Object.keys(subject)).toContain(algorithm);
      expect(profile.rsaModulusBits.minimum).toBeGreaterThanOrEqual(rsa.minimumBits);
      expect(profile.rsaModulusBits.maximum).toBeLessThanOrEqual(rsa.maximumBits);
      expect(profile.defaultDays).toBeLessThanOrEqual(profile.maximumDays);
      expect(profile.keyUsage.includes("keyCertSign")).toBe(profile.basicConstraints.cA);
    }
  });

  test("an authority is renewed while its subjects' longest life is still left", () => {
    const left = (id: "root" | "issuing"): number =>
      profiles[id].maximumDays * (1 - profiles[id].renewAfterFraction);
    expect(left("root")).toBeGreaterThanOrEqual(profiles.issuing.maximumDays - 1e-9);
    expect(left("issuing")).toBeGreaterThanOrEqual(profiles.device.maximumDays);
    expect(cryptoperiods.issuing.originatorDays).toBe(698);
  });

  test("SP 800-57 Part 1 r5 §5.3.6: nothing is relied on for less time than it is used", () => {
    for (const period of Object.values(cryptoperiods)) {
      expect(period.originatorDays).toBeGreaterThan(0);
      expect(period.recipientDays).toBeGreaterThanOrEqual(period.originatorDays);
    }
    expect(cryptoperiods.dataEncryption.originatorDays).toBeLessThanOrEqual(2 * 365);
    expect(cryptoperiods.enrollmentToken.originatorDays).toBe(30);
    expect(enrollmentTokenStandard.defaultSeconds).toBeLessThanOrEqual(
      enrollmentTokenStandard.maximumSeconds,
    );
  });

  test("RFC 9325 §4.2: only suites with forward secrecy and authenticated encryption", () => {
    for (const suite of tlsSettings.ciphers.split(":")) expect(suite).toMatch(/^(TLS_AES_|ECDHE-).*GCM/);
    expect(tlsSettings.sigalgs).not.toMatch(/sha1|md5/i);
  });

  test("OpenSSL takes the TLS settings as they stand", () => {
    const { citation: _, ...options } = tlsSettings;
    const server = createServer(options);
    server.close();
  });
});
