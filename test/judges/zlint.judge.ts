import { beforeAll, describe, expect, test } from "vitest";
import { authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { encodeBoolean } from "../../core/formats/der/writer.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import type { SubjectIdentity } from "../../core/policy/identity.ts";
import type { ProfileId } from "../../core/standard/index.ts";
import { type DeviceAlgorithm, deviceKey } from "../support/device.ts";
import {
  type Authority,
  type AuthorityAlgorithmId,
  authority,
  cross,
  type Issued,
  issue,
} from "./support/certificates.ts";
import { type ZlintReport, zlint } from "./support/zlint.ts";

const wanted = 1_000;
const now = Date.UTC(2026, 5, 1);
/** From here, validities run into 2050 and change their encoding (RFC 5280 §4.1.2.5). */
const late = Date.UTC(2049, 11, 1);

const authorityIds = Object.keys(authorityAlgorithms) as readonly AuthorityAlgorithmId[];
const subjectIds: readonly DeviceAlgorithm[] = [
  "P-256",
  "P-384",
  "Ed25519",
  "RSA-2048",
  "RSA-3072",
  "RSA-4096",
  "ML-DSA-44",
  "ML-DSA-65",
  "ML-DSA-87",
];
const endEntities: readonly ProfileId[] = ["device", "server", "operator"];

function identity(profile: ProfileId, index: number): SubjectIdentity {
  const fleet = `fleet-${index % 7}`;
  const trustDomain = "fleet.example";
  if (profile === "operator") return { kind: "operator", fleet, trustDomain, operatorId: `op-${index}` };
  if (profile === "device") {
    const deviceId = index % 50 === 0 ? `d${index}`.padEnd(64, "x") : `pump-${index}`;
    return { kind: "device", fleet, trustDomain, deviceId };
  }
  const dnsNames = Array.from({ length: 1 + (index % 5) }, (_, i) => `h${i}-${index}.fleet.example`);
  const ipAddresses = index % 3 === 0 ? ["192.0.2.1", "2001:db8::1"] : [];
  return { kind: "server", fleet, dnsNames: [...dnsNames, "xn--bcher-kva.example"], ipAddresses };
}

function authorities(at: number): readonly Authority[] {
  const roots = authorityIds.map((id) => authority(id, at));
  return [...roots, ...roots.flatMap((root) => authorityIds.map((id) => authority(id, at, root)))];
}

/** Every pair of roots, both ways. */
function crosses(all: readonly Authority[], at: number): readonly Issued[] {
  const roots = all.slice(0, authorityIds.length);
  return roots.flatMap((subject) =>
    roots.filter((issuer) => issuer !== subject).map((issuer) => cross(subject, issuer, at)),
  );
}

function population(): readonly Issued[] {
  const all = [now, late].map(authorities);
  const issuing = all.map((each) => each.slice(authorityIds.length));
  const profileOf = ({ tbs }: Authority): ProfileId =>
    Buffer.compare(tbs.issuerRaw, tbs.subjectRaw) === 0 ? "root" : "issuing";
  const issued: Issued[] = all.flat().map((each) => ({
    profile: profileOf(each),
    signer: each.signer,
    der: each.der,
  }));
  for (const [era, each] of all.entries()) issued.push(...crosses(each, era === 0 ? now : late));
  const keys = subjectIds.map((id) => decodeSubjectPublicKey(deviceKey(id).spki));
  for (let index = 0; issued.length < wanted; index += 1) {
    const profile = endEntities[index % endEntities.length] ?? "device";
    const publicKey = keys[Math.floor(index / endEntities.length) % keys.length];
    const era = index % 4 === 3 ? 1 : 0;
    // 49 issuers and 27 kinds of subject have no common factor, so all pairs come up.
    const issuer = issuing[era]?.[index % (authorityIds.length * authorityIds.length)];
    if (publicKey === undefined || issuer === undefined) throw new Error("no key or issuer");
    const at = era === 0 ? now : late;
    const { der } = issue({ profile, identity: identity(profile, index), publicKey, issuer, now: at });
    issued.push({ profile, signer: issuer.algorithm, der });
  }
  return issued;
}

const complaints = (report: ZlintReport): readonly string[] =>
  [...report].filter(([, result]) => result === "error" || result === "fatal").map(([name]) => name);

/**
 * zlint tells a self-signed certificate by verifying it, and cannot verify ML-DSA: it then takes the root for
 * one that is not self-signed, which would have to name its issuer's key (RFC 5280 §4.2.1.1).
 */
const mistaken = ({ profile, signer }: Issued, name: string): boolean =>
  profile === "root" &&
  signer.startsWith("ML-DSA") &&
  name === "e_ext_authority_key_identifier_no_key_identifier";

describe("zlint, RFC 5280 and its companions", () => {
  let issued: readonly Issued[] = [];
  let reports: readonly ZlintReport[] = [];

  beforeAll(async () => {
    issued = population();
    reports = await zlint(issued.map(({ der }) => der));
  }, 240_000);

  test(`reports on each of ${wanted} certificates of all profiles`, () => {
    expect(reports).toHaveLength(wanted);
    expect(new Set(issued.map(({ profile }) => profile)).size).toBe(6);
  });

  test("reports no error", () => {
    const found = new Map<string, number>();
    for (const [index, certificate] of issued.entries()) {
      const names = complaints(reports[index] ?? new Map()).filter((name) => !mistaken(certificate, name));
      for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
    }
    expect(Object.fromEntries(found)).toEqual({});
  });

  test("applies its lints: each certificate passes thirty of them or more", () => {
    for (const report of reports) {
      const passed = [...report.values()].filter((result) => result === "pass").length;
      expect(passed).toBeGreaterThanOrEqual(30);
    }
  });

  test("warns of nothing that is not listed here", () => {
    const warned = new Set(
      reports.flatMap((report) =>
        [...report].filter(([, result]) => result === "warn").map(([name]) => name),
      ),
    );
    expect([...warned].sort()).toEqual([]);
  });

  test("finds what is wrong: an authority without basicConstraints", async () => {
    const ca = issued.find(({ profile }) => profile === "issuing");
    if (ca === undefined) throw new Error("no authority was issued");
    const critical = Buffer.concat([Buffer.from("0603551d13", "hex"), encodeBoolean(true)]);
    const offset = ca.der.indexOf(critical);
    expect(offset).toBeGreaterThan(0);
    // basicConstraints becomes 2.5.29.20 (cRLNumber), so the authority has none.
    const spoiled = Buffer.from(ca.der);
    spoiled[offset + 4] = 20;
    const [report] = await zlint([spoiled]);
    expect(report === undefined ? [] : complaints(report)).not.toEqual([]);
  });
});
