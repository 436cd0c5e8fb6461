/** Room: test. Each wall around a client certificate by itself: the signature, the record's octets, state and kind. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateKey,
  type Stored,
} from "../../core/records/certificate-record.ts";
import {
  type AuthorityState,
  authorityItem,
  authorityRecord,
  authorityStates,
  isTrusted,
} from "../../core/records/fleet-record.ts";
import { deviceOf } from "../lambdas/fleet-callers.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";

let house: FleetApp;
/** A service of the same names with other keys. */
let lookAlike: FleetApp;
beforeAll(async () => {
  house = await openFleetApp();
  lookAlike = await openFleetApp();
});
afterAll(async () => {
  await house.close();
  await lookAlike.close();
});

let devices = 0;
async function device({ app }: FleetApp): Promise<string> {
  devices += 1;
  return (await deviceOf(app, fleet, `pump-${devices}`)).certificate;
}

const serialOf = (certificate: string): string => new X509Certificate(certificate).serialNumber.toLowerCase();

async function recordOf({ app }: FleetApp, certificate: string): Promise<Stored<CertificateRecord>> {
  const found = await findCertificate(app, fleet, serialOf(certificate));
  return found ?? expect.fail("no record");
}

const codeFor = (certificate: string): Promise<string> =>
  codeOf(authenticateClientCertificate(house.app, { certificate }));

describe("an authority that is replaced by another", () => {
  it("vouches for its clients while it is trusted, and not a moment longer", async () => {
    const { app } = house;
    const certificate = await device(house);
    const key = { pk: `FLEET#${fleet}`, sk: "AUTHORITY#issuing-1" };
    const put = async (state: AuthorityState): Promise<void> => {
      const item = await app.items.get(key);
      if (item === undefined) expect.fail("no authority");
      const record = { ...authorityRecord(item), state };
      await app.items.transact([{ put: authorityItem(record), when: item.version }]);
    };
    for (const state of authorityStates) {
      await put(state);
      const outcome = authenticateClientCertificate(app, { certificate });
      if (isTrusted({ state })) await expect(outcome, state).resolves.toMatchObject({ kind: "device" });
      else expect(await codeOf(outcome), state).toBe("client_certificate_untrusted");
    }
    await put("active");
  });
});

describe("EJBCA CVE-2021-40088: a look-alike authority's certificate", () => {
  it("is nobody's though its very record lies in the store: the signature does not verify", async () => {
    const certificate = await device(lookAlike);
    const { value } = await recordOf(lookAlike, certificate);
    // Under the fleet's own authority, as whoever forges a record would have it.
    const own = await recordOf(house, await device(house));
    const { authorityId } = own.value;
    await house.app.items.transact([{ put: certificateItem({ ...value, authorityId }), when: "absent" }]);
    expect(await codeFor(certificate)).toBe("client_certificate_untrusted");
  });
});

describe("a certificate that the fleet's own authority has signed", () => {
  it("is its device's, as it stands in the store", async () => {
    const certificate = await device(house);
    await expect(authenticateClientCertificate(house.app, { certificate })).resolves.toMatchObject({
      kind: "device",
      fleet,
    });
  });

  it("is nobody's when the store does not know it", async () => {
    const certificate = await device(house);
    const { version } = await recordOf(house, certificate);
    const key = certificateKey(fleet, serialOf(certificate));
    await house.app.items.transact([{ delete: key, when: version }]);
    expect(await codeFor(certificate)).toBe("client_certificate_untrusted");
  });

  const other = Buffer.from("3003020101", "hex");
  it.each([
    ["has other octets under its serial number", { certificate: other }],
    ["says another authority", { authorityId: "issuing-9" }],
    ["says that it was closed", { state: "closed" }],
    ["says that it was never finished", { state: "intended" }],
    ["says that it is a server's", { subjectKind: "server" }],
    ["says that it is an authority's", { subjectKind: "authority" }],
  ] as const)("is nobody's when its record %s", async (_name, change) => {
    const certificate = await device(house);
    const { value, version } = await recordOf(house, certificate);
    const put = certificateItem({ ...value, ...change } as CertificateRecord);
    await house.app.items.transact([{ put, when: version }]);
    expect(await codeFor(certificate)).toBe("client_certificate_untrusted");
  });
});
