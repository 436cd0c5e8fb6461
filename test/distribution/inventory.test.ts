/** Room: test. The list of what was issued: complete, in order, each certificate once, page by page. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateSummary,
  getCertificate,
  listCertificates,
} from "../../core/distribution/inventory.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

const count = 150;
const csr = deviceCsr(deviceKey());
let opened: FleetApp;
let issued: string[];

async function enrolled(deviceId: string): Promise<string> {
  const { token } = await createEnrollmentToken(opened.app, {
    fleet,
    actor: "operator:operator-1",
    deviceId,
  });
  return (await enroll(opened.app, { fleet, token, csr })).serialNumber;
}

beforeAll(async () => {
  opened = await openFleetApp();
  const devices = Array.from({ length: count }, (_, index) => `pump-${index % 50}`);
  issued = await Promise.all(devices.map(enrolled));
});
afterAll(() => opened.close());

async function pages(limit: number, deviceId?: string, between = async (): Promise<unknown> => undefined) {
  const found: CertificateSummary[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const filter = deviceId === undefined ? {} : { deviceId };
    const place = cursor === undefined ? {} : { cursor };
    const page = await listCertificates(opened.app, { fleet, limit, ...filter, ...place });
    found.push(...page.certificates);
    sizes.push(page.certificates.length);
    cursor = page.cursor;
    await between();
  } while (cursor !== undefined);
  return { found, sizes };
}

const devicesOf = (found: readonly CertificateSummary[]) =>
  found.filter(({ subjectKind }) => subjectKind === "device").map(({ serialNumber }) => serialNumber);

describe("the list of a fleet", () => {
  it.each([1, 7, 16, 100, 1000])("in pages of %d: every certificate once, newest first", async (limit) => {
    const { found, sizes } = await pages(limit);
    expect(devicesOf(found).sort()).toEqual([...issued].sort());
    // The two authorities' own certificates are on record too.
    expect(found).toHaveLength(count + 2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limit);
    expect(sizes.slice(0, -1).every((size) => size === limit)).toBe(true);
    const times = found.map(({ issuedAt }) => issuedAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  it("misses nothing and repeats nothing while others are issued", async () => {
    let extra = 0;
    const { found } = await pages(10, undefined, () => enrolled(`late-${extra++}`));
    const serials = devicesOf(found);
    expect(new Set(serials).size).toBe(serials.length);
    expect(issued.every((serial) => serials.includes(serial))).toBe(true);
  });

  it("of one device: its own three, whatever the case it is asked in", async () => {
    const { found } = await pages(2, "PUMP-7");
    expect(found.map(({ subjectId }) => subjectId)).toEqual(["pump-7", "pump-7", "pump-7"]);
  });
});

describe("a request that cannot be answered", () => {
  it.each(["x", "", "AAAA", Buffer.from("2026-01-01T00:00:00.000Z#zz").toString("base64url")])(
    "a cursor that no list gave: %s",
    async (cursor) => {
      expect(await codeOf(listCertificates(opened.app, { fleet, limit: 10, cursor }))).toBe("cursor_invalid");
    },
  );

  it.each([0, 1001, 1.5, Number.NaN])("limit %d", async (limit) => {
    expect(await codeOf(listCertificates(opened.app, { fleet, limit }))).toBe("request_invalid");
  });

  it("an unknown fleet, an unknown serial number", async () => {
    expect(await codeOf(listCertificates(opened.app, { fleet: "nobody", limit: 10 }))).toBe("not_found");
    expect(await codeOf(getCertificate(opened.app, { fleet, serialNumber: "00" }))).toBe("not_found");
  });
});
