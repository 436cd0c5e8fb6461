/** Room: test. Trust taken back and given again: what the service itself says at once, and what it refuses. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { certificateItem } from "../../core/records/certificate-record.ts";
import { revocationEntryKey } from "../../core/records/revocation-entry.ts";
import { revokeDevice } from "../../core/revocation/device.ts";
import { revocationReasons } from "../../core/revocation/reason.ts";
import { type RevocationRequest, release, revoke } from "../../core/revocation/revoke.ts";
import { countingStore } from "../support/counting-store.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import {
  actor,
  day,
  fleet,
  openPublishingFleet,
  otherFleet,
  type Ports,
  type PublishingFleet,
  withoutStarter,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeAll(async () => {
  house = await openPublishingFleet();
  app = house.app;
});
afterAll(() => house.close());

type Reason = RevocationRequest["reason"];
const ask = (serialNumber: string, reason: Reason = "keyCompromise") => ({
  ...{ fleet, actor, serialNumber, reason },
});
const door = (certificate: string) => authenticateClientCertificate(app, { certificate });

/** Audit entries about one certificate, by their action. */
async function actsOn(subject: string): Promise<readonly unknown[]> {
  const today = new Date(app.clock.now()).toISOString().slice(0, 10);
  const parts = await Promise.all(
    [..."0123456789abcdef"].map((part) =>
      app.items.query({ pk: `AUDIT#${fleet}#${today}#${part}`, limit: 1000 }),
    ),
  );
  const entries = parts.flatMap(({ items }) => items).map(({ attributes }) => attributes);
  return entries
    .filter((entry) => entry["subject"] === subject)
    .sort((left, right) => (String(left["time"]) < String(right["time"]) ? -1 : 1))
    .map((entry) => entry["action"]);
}

async function entryOf(serialNumber: string) {
  const record = await house.record(serialNumber);
  const crlShard = record.crlShard ?? "none";
  return app.items.get(revocationEntryKey({ ...record, crlShard }));
}

describe("a hold", () => {
  it("refuses the certificate at once, and its release lets it in again", async () => {
    const { certificate, serialNumber } = await house.enrol("pump-held");
    await door(certificate);
    expect(await revoke(app, ask(serialNumber, "certificateHold"))).toMatchObject({
      status: "held",
      reason: "certificateHold",
    });
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
    expect(await release(app, { fleet, serialNumber, actor })).toEqual({ serialNumber, status: "active" });
    const client = await door(certificate);
    await renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
    const record = await house.record(serialNumber);
    expect([record.revokedAt, record.revocationReason, record.revokedBy]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await actsOn(serialNumber)).toEqual([
      "certificate.issued",
      "certificate.held",
      "certificate.released",
    ]);
  });

  it("keeps a renewal away that had begun before it", async () => {
    const { certificate, serialNumber } = await house.enrol("pump-renewing");
    const client = await door(certificate);
    await revoke(app, ask(serialNumber, "certificateHold"));
    const renewal = renew(app, { fleet, client, csr: deviceCsr(deviceKey()) });
    expect(await codeOf(renewal)).toBe("client_certificate_revoked");
  });

  it("may become final, and keeps the time at which trust ended", async () => {
    const { serialNumber } = await house.enrol("pump-final");
    const held = await revoke(app, ask(serialNumber, "certificateHold"));
    house.clock.advance(5_000);
    const final = await revoke(app, ask(serialNumber, "keyCompromise"));
    expect(final).toEqual({ ...held, status: "revoked", reason: "keyCompromise" });
    expect(await codeOf(release(app, { fleet, serialNumber, actor }))).toBe("not_on_hold");
    expect(await codeOf(revoke(app, ask(serialNumber, "certificateHold")))).toBe("already_revoked");
  });

  it("may be put on again after a release, any number of times", async () => {
    const { serialNumber } = await house.enrol("pump-again");
    for (let round = 0; round < 3; round += 1) {
      await revoke(app, ask(serialNumber, "certificateHold"));
      await release(app, { fleet, serialNumber, actor });
    }
    expect((await revoke(app, ask(serialNumber))).status).toBe("revoked");
    expect((await entryOf(serialNumber))?.attributes).toMatchObject({
      state: "revoked",
      reason: "keyCompromise",
    });
  });

  it("that is released twice, or was never put on, is not on hold", async () => {
    const { serialNumber } = await house.enrol("pump-twice");
    expect(await codeOf(release(app, { fleet, serialNumber, actor }))).toBe("not_on_hold");
    await revoke(app, ask(serialNumber, "certificateHold"));
    await release(app, { fleet, serialNumber, actor });
    expect(await codeOf(release(app, { fleet, serialNumber, actor }))).toBe("not_on_hold");
    expect(await codeOf(release(app, { fleet, serialNumber: "0011", actor }))).toBe("not_found");
  });

  it("whose certificate expired meanwhile is released to a certificate that has expired", async () => {
    const other = await openPublishingFleet();
    const { serialNumber } = await other.enrol("pump-1");
    await revoke(other.app, ask(serialNumber, "certificateHold"));
    other.clock.advance(91 * day);
    expect((await release(other.app, { fleet, serialNumber, actor })).status).toBe("expired");
    await other.close();
  });
});

describe("a revocation", () => {
  it.each(revocationReasons)(
    "with reason %s stands in the list's entry as RFC 5280 §5.3.1 names it",
    async (reason) => {
      const { serialNumber } = await house.enrol(`pump-${reason}`);
      const first = await revoke(app, ask(serialNumber, reason));
      expect(await revoke(app, ask(serialNumber, reason))).toEqual(first);
      expect((await entryOf(serialNumber))?.attributes).toMatchObject({ state: "revoked", reason });
    },
  );

  it("costs one read and one transaction", async () => {
    const { serialNumber } = await house.enrol("pump-costs");
    const items = countingStore(app.items);
    await revoke({ ...app, items }, ask(serialNumber));
    expect(items.calls).toEqual({ reads: 1, transactions: 1 });
  });

  it("asks for lists to be published, once for each change", async () => {
    const { serialNumber } = await house.enrol("pump-asks");
    const before = house.started.length;
    await revoke(app, ask(serialNumber));
    await revoke(app, ask(serialNumber));
    expect(house.started.slice(before)).toEqual(["publish"]);
  });

  it("holds though nobody can be asked to publish: a warning, and the schedule comes anyhow", async () => {
    const { serialNumber, certificate } = await house.enrol("pump-alone");
    expect((await revoke(withoutStarter(app), ask(serialNumber))).status).toBe("revoked");
    expect(await codeOf(door(certificate))).toBe("client_certificate_revoked");
    expect(house.log).toContainEqual(expect.objectContaining({ level: "warn", event: "task_not_started" }));
  });

  it("of an expired certificate is recorded and listed, until its list has gone", async () => {
    const other = await openPublishingFleet();
    const [first, second] = [await other.enrol("pump-1"), await other.enrol("pump-2")];
    const key = async (serialNumber: string) => {
      const record = await other.record(serialNumber);
      return revocationEntryKey({ ...record, crlShard: record.crlShard ?? "none" });
    };
    other.clock.advance(91 * day);
    await revoke(other.app, ask(first.serialNumber));
    expect(await other.app.items.get(await key(first.serialNumber))).toBeDefined();
    other.clock.advance(15 * day);
    await revoke(other.app, ask(second.serialNumber));
    expect((await other.record(second.serialNumber)).state).toBe("revoked");
    expect(await other.app.items.get(await key(second.serialNumber))).toBeUndefined();
    await other.close();
  });

  it("of a record of an earlier release, which names no list, is listed by the time of its expiry", async () => {
    const { serialNumber } = await house.enrol("pump-earlier");
    const item = await app.items.get({ pk: `CERTIFICATE#${fleet}#${serialNumber}`, sk: "CERTIFICATE" });
    const { crlShard, ...record } = await house.record(serialNumber);
    await app.items.transact([{ put: certificateItem(record), when: item?.version ?? "absent" }]);
    await revoke(app, ask(serialNumber));
    const entry = await app.items.get(revocationEntryKey({ ...record, crlShard: crlShard ?? "none" }));
    expect(entry?.attributes).toMatchObject({ state: "revoked" });
  });

  it("is refused for certificates of the service itself, and for authorities", async () => {
    const { serialNumber } = await house.enrol("pump-service");
    const item = await app.items.get({ pk: `CERTIFICATE#${fleet}#${serialNumber}`, sk: "CERTIFICATE" });
    const record = await house.record(serialNumber);
    for (const subjectKind of ["service", "authority"] as const) {
      const changed = { ...record, serialNumber: `0${subjectKind === "service" ? 1 : 2}aa`, subjectKind };
      await app.items.transact([{ put: certificateItem(changed), when: "absent" }]);
      expect(await codeOf(revoke(app, ask(changed.serialNumber)))).toBe("access_denied");
    }
    expect(item?.attributes["state"]).toBe("issued");
  });

  it("EJBCA CVE-2021-40088: across tenants nothing is found, and nothing changes", async () => {
    const { serialNumber, certificate } = await house.enrol("pump-tenant", otherFleet);
    expect(await codeOf(revoke(app, ask(serialNumber)))).toBe("not_found");
    expect(await codeOf(release(app, { fleet, serialNumber, actor }))).toBe("not_found");
    const device = { fleet, actor, deviceId: "pump-tenant", reason: "superseded" } as const;
    expect(await codeOf(revokeDevice(app, device))).toBe("not_found");
    await door(certificate);
  });
});
