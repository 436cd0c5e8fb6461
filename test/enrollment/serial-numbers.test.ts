/** Room: test. EJBCA's 63-bit serials: the entropy of the numbers that issuance draws, measured on its own TBS. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issuingAuthority } from "../../core/authority/issuer.ts";
import { PreparedIssuance } from "../../core/enrollment/issuance.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { decodeTbsCertificate } from "../../core/formats/x509/tbs-certificate.ts";
import type { App } from "../../core/ports.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FaultyStore, faultyStore } from "../support/faulty-store.ts";
import { type FleetApp, openFleetApp } from "../support/fleet-app.ts";

const count = 4_096;
const octets = 16;
let opened: FleetApp;
let items: FaultyStore;
let serials: readonly Buffer[];

beforeAll(async () => {
  opened = await openFleetApp();
  const { fleet } = opened;
  items = faultyStore(opened.app.items, () => "none");
  const app: App = { ...opened.app, items };
  const csr = await verifyCsr(deviceCsr(deviceKey()));
  const issuer = issuingAuthority(app, fleet);
  const { authorityId, keyId } = issuer.record;
  const { fleet: name, trustDomain } = fleet.record;
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      PreparedIssuance.prepare(app, {
        fleet: name,
        signer: { authorityId, keyId, algorithm: issuer.algorithm, issuer },
        profile: profiles.device,
        identity: { kind: "device", fleet: name, trustDomain, deviceId: "pump-1" },
        csr,
        requestDigest: `measurement-${index}`,
        credential: "measurement",
        consume: [],
      }),
    ),
  );
  // Read back from the octets that would be signed, not from the record beside them.
  serials = items.kept.flatMap(({ attributes: { tbs } }) =>
    tbs instanceof Uint8Array ? [Buffer.from(decodeTbsCertificate(tbs).serialNumber)] : [],
  );
}, 60_000);
afterAll(() => opened.close());

/** How many serial numbers have bit `bit` set, counted from the most significant of 128. */
const setAt = (bit: number): number =>
  serials.filter((serial) => {
    const whole = Buffer.concat([Buffer.alloc(octets - serial.length), serial]);
    return (whole.readUInt8(bit >> 3) & (0x80 >> (bit & 7))) !== 0;
  }).length;

describe(`${count} serial numbers`, () => {
  it("RFC 5280 §4.1.2.2: are positive and at most 16 of the 20 octets", () => {
    expect(serials).toHaveLength(count);
    expect(Math.max(...serials.map(({ length }) => length))).toBe(octets);
    expect(serials.filter((serial) => serial.every((octet) => octet === 0))).toEqual([]);
    expect(setAt(0)).toBe(0);
  });

  it("EJBCA: carry 127 random bits: each position is set in 40 to 60 % of them", () => {
    const shares = Array.from({ length: octets * 8 - 1 }, (_, index) => ({
      bit: index + 1,
      share: setAt(index + 1) / count,
    }));
    // At 4,096 draws 40 % is twelve standard deviations away.
    expect(shares.filter(({ share }) => share < 0.4 || share > 0.6)).toEqual([]);
  });

  it("EJBCA: no bit repeats another: any two positions differ in 40 to 60 % of them", () => {
    const bits = Array.from({ length: octets * 8 - 1 }, (_, index) => BigInt(octets * 8 - 2 - index));
    const numbers = serials.map((serial) => BigInt(`0x${serial.toString("hex")}`));
    // One number per position: a binary digit for each serial number.
    const columns = bits.map((bit) => BigInt(`0b${numbers.map((number) => (number >> bit) & 1n).join("")}`));
    const ones = (column: bigint): number => column.toString(2).replaceAll("0", "").length;
    const alike: string[] = [];
    for (const [left, column] of columns.entries()) {
      for (const [right, other] of columns.slice(0, left).entries()) {
        const share = ones(column ^ other) / count;
        if (share < 0.4 || share > 0.6) alike.push(`bits ${right + 1} and ${left + 1}: ${share}`);
      }
    }
    expect(alike).toEqual([]);
  });

  it("are all different", () => {
    expect(new Set(serials.map((serial) => serial.toString("hex"))).size).toBe(count);
  });
});
