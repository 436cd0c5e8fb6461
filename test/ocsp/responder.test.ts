/** Room: test. The responder's certificates: who signs them, how they follow one another, and what a crash leaves. */
import { X509Certificate } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { decodedExtension } from "../../core/formats/x509/extension.ts";
import {
  authorityInfoAccess,
  crlDistributionPoints,
  extendedKeyUsage,
  keyPurposes,
  keyUsage,
  ocspNoCheck,
} from "../../core/formats/x509/extensions/index.ts";
import { ocspResponder } from "../../core/ocsp/answer.ts";
import { findResponders } from "../../core/ocsp/certified-responders.ts";
import { tendResponders } from "../../core/ocsp/responder.ts";
import type { App } from "../../core/ports.ts";
import { subjectPartition } from "../../core/records/certificate-record.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { readItems } from "../../core/records/pages.ts";
import type { ResponderRecord } from "../../core/records/responder-record.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { opensslInstalled } from "../support/openssl.ts";
import {
  type AnsweringFleet,
  addAuthority,
  askOpenssl,
  openAnsweringFleet,
  plainRequest,
  statusName,
} from "./answering-fleet.ts";

const day = 86_400_000;
const life = profiles.ocspResponder.defaultDays * day;

let opened: FleetApp | undefined;
afterEach(() => opened?.close());

async function open(): Promise<AnsweringFleet> {
  const fleet = await openAnsweringFleet();
  opened = fleet;
  return fleet;
}

async function responderOf(app: App, authorityId = "issuing-1"): Promise<ResponderRecord> {
  const found = (await findResponders(app, testFleet)).get(authorityId);
  return found?.value ?? expect.fail(`no responder for ${authorityId}`);
}

/** Serial numbers of all certificates that were issued to the responder, the oldest first. */
async function issuedToResponder(app: App): Promise<readonly string[]> {
  const pk = subjectPartition(testFleet, "service", "ocsp-1");
  const items = await readItems(app, { index: "byDevice", pk, limit: 100 });
  return items.map((item) => String(item.attributes["serialNumber"]));
}

describe("a responder's certificate", () => {
  it("RFC 6960 §4.2.2.2: is signed by the authority itself, for OCSPSigning alone", async () => {
    const { app } = await open();
    const { certificate, keyId } = await responderOf(app);
    const { authorities } = await getFleet(app, testFleet);
    const issuing = authorities.find(({ record }) => record.authorityId === "issuing-1");
    const x509 = new X509Certificate(certificate);
    expect(x509.verify(issuing?.publicKey.keyObject ?? expect.fail("no authority"))).toBe(true);
    expect(x509.subject).toBe("CN=default ocsp-1");
    const { tbs } = decodeCertificate(certificate);
    expect(decodedExtension(tbs, extendedKeyUsage)).toEqual([keyPurposes.OCSPSigning]);
    expect(decodedExtension(tbs, keyUsage)).toEqual(new Set(["digitalSignature"]));
    expect(tbs.subjectPublicKeyInfo).toEqual((await app.keys.describeKey(keyId)).publicKey);
  });

  it("RFC 6960 §4.2.2.2.1, RFC 9919 §3.2.2: says nocheck, and names no place of its own status", async () => {
    const { tbs } = decodeCertificate((await responderOf((await open()).app)).certificate);
    expect(decodedExtension(tbs, ocspNoCheck)).toBe(true);
    expect(decodedExtension(tbs, authorityInfoAccess)).toBeUndefined();
    expect(decodedExtension(tbs, crlDistributionPoints)).toBeUndefined();
  });

  it("is not made for a fleet without an address, nor for a root, nor for what is retired", async () => {
    const fleet = await openFleetApp();
    opened = fleet;
    expect(await tendResponders(fleet.app, fleet.fleet)).toBe(0);
    const present = { ...fleet.fleet, record: { ...fleet.fleet.record, origin: "https://pki.example.test" } };
    const retired = present.authorities.map((each) => ({
      ...each,
      record: { ...each.record, state: "retired" as const },
    }));
    expect(await tendResponders(fleet.app, { ...present, authorities: retired })).toBe(0);
    expect(await tendResponders(fleet.app, present)).toBe(1);
    expect([...(await findResponders(fleet.app, testFleet)).keys()]).toEqual(["issuing-1"]);
  });

  it("costs one query when nothing is due", async () => {
    const fleet = await open();
    const found = await getFleet(fleet.app, testFleet);
    const { signatures } = fleet.keys;
    const { reads, transactions } = fleet.store.calls;
    expect(await tendResponders(fleet.app, found)).toBe(0);
    expect(fleet.store.calls).toEqual({ reads: reads + 1, transactions });
    expect(fleet.keys.signatures).toBe(signatures);
  });

  it("another authority of the fleet gets its own, for the same key, also while it drains", async () => {
    const { app, tend } = await open();
    await addAuthority(app, await getFleet(app, testFleet), "issuing-2");
    const { authorities } = await getFleet(app, testFleet);
    const second = authorities.find(({ record }) => record.authorityId === "issuing-2");
    if (second === undefined) return expect.fail("no authority");
    const draining = authorityItem({ ...second.record, state: "draining" });
    await app.items.transact([{ put: draining, when: 1 }]);
    expect(await tend()).toBe(1);
    const [one, two] = [await responderOf(app), await responderOf(app, "issuing-2")];
    expect(two.keyId).toBe(one.keyId);
    expect(new X509Certificate(two.certificate).verify(second.publicKey.keyObject)).toBe(true);
  });
});

describe("certificates that follow one another", () => {
  it.runIf(opensslInstalled)("answers verify on every day of a month that is tended daily", async () => {
    const fleet = await open();
    const subject = await fleet.device();
    for (let at = 0; at <= 30; at += 1) {
      await fleet.tend();
      const asking = { at: fleet.clock.now() };
      const output = await askOpenssl(fleet.answer, subject, asking);
      expect(output, `day ${at}`).toMatch(/: good\n[\s\S]*Response verify OK\n/);
      fleet.clock.advance(day);
    }
    expect(await issuedToResponder(fleet.app)).toHaveLength(5);
  });

  it.runIf(opensslInstalled)("after 7, 14 and 30 days without a tender, one run is enough", async () => {
    const fleet = await open();
    const subject = await fleet.device();
    for (const days of [7, 14, 30]) {
      fleet.clock.advance(days * day);
      expect(await fleet.tend()).toBe(1);
      const output = await askOpenssl(fleet.responder(), subject, { at: fleet.clock.now() });
      expect(output, `${days} days later`).toMatch(/: good\n[\s\S]*Response verify OK\n/);
    }
  });

  it("is renewed at half of its life, not before, with the same key", async () => {
    const { app, clock, tend } = await open();
    const first = await responderOf(app);
    expect(first).toMatchObject({ period: 1, renewAt: first.notBefore + Math.floor((life - 1000) / 2) });
    clock.advance(first.renewAt - clock.now() - 60_000);
    expect(await tend()).toBe(0);
    clock.advance(60_001);
    expect(await tend()).toBe(1);
    const second = await responderOf(app);
    expect(second).toMatchObject({ period: 2, keyId: first.keyId });
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it("of ten tenders at once one certificate comes", async () => {
    const { app, clock, tend } = await open();
    clock.advance(life / 2);
    const made = await Promise.all(Array.from({ length: 10 }, () => tend()));
    expect(made.filter((count) => count === 1)).toHaveLength(1);
    expect(await issuedToResponder(app)).toHaveLength(2);
    expect((await responderOf(app)).period).toBe(2);
  });

  it("one that was issued and not recorded for longer than it lives is left behind", async () => {
    const { app, clock, tend } = await open();
    clock.advance(life / 2);
    const deaf = {
      ...app.items,
      get: app.items.get,
      query: app.items.query,
      async transact(operations: Parameters<typeof app.items.transact>[0]) {
        const [first] = operations;
        const isRecord = first !== undefined && "put" in first && first.put.pk.startsWith("RESPONDERS#");
        if (isRecord) throw new Error("killed");
        return app.items.transact(operations);
      },
    };
    const dying = tendResponders({ ...app, items: deaf }, await getFleet(app, testFleet));
    await expect(dying).rejects.toThrow("killed");
    expect(await issuedToResponder(app)).toHaveLength(2);
    clock.advance(2 * life);
    expect(await tend()).toBe(1);
    expect(await issuedToResponder(app)).toHaveLength(3);
    expect((await responderOf(app)).notAfter).toBeGreaterThan(clock.now());
  });
});

describe("at an authority's end", () => {
  it("its last responder certificate ends with it, and there is no other", async () => {
    const fleet = await open();
    const { app, clock, tend } = fleet;
    const { authorities } = await getFleet(app, testFleet);
    const issuing = authorities.find(({ record }) => record.authorityId === "issuing-1");
    const end = issuing?.certificate.tbs.validity.notAfter ?? expect.fail("no authority");
    const subject = await fleet.device();
    clock.advance(end - clock.now() - 3 * day);
    expect(await tend()).toBe(1);
    expect(await responderOf(app)).toMatchObject({ notAfter: end, renewAt: end });
    clock.advance(2 * day);
    expect(await tend()).toBe(0);
    const request = plainRequest(subject);
    const { body, nextUpdate } = await ocspResponder(app)({ fleet: testFleet, request });
    expect(statusName(body)).toBe("successful");
    expect(nextUpdate).toBeLessThanOrEqual(end);
    clock.advance(day);
    expect(await tend()).toBe(0);
    const after = await ocspResponder(app)({ fleet: testFleet, request });
    expect(statusName(after.body)).toBe("unauthorized");
  });
});

describe("a key service that fails", () => {
  it("leaves the certificate that is, and one authority's failure does not keep another's", async () => {
    const { app, clock, keys, tend } = await open();
    await addAuthority(app, await getFleet(app, testFleet), "issuing-2");
    expect(await tend()).toBe(1);
    clock.advance(life / 2);
    const { authorities } = await getFleet(app, testFleet);
    const broken = authorities.find(({ record }) => record.authorityId === "issuing-1")?.record.keyId;
    const failing = {
      createKey: keys.createKey,
      describeKey: keys.describeKey,
      sign(keyId: string, message: Uint8Array) {
        keys.fault = keyId === broken ? "unavailable" : "none";
        return keys.sign(keyId, message);
      },
    };
    const tending = tendResponders({ ...app, keys: failing }, await getFleet(app, testFleet));
    expect(await codeOf(tending)).toBe("key_service_unavailable");
    keys.fault = "none";
    expect(await responderOf(app)).toMatchObject({ period: 1 });
    expect(await responderOf(app, "issuing-2")).toMatchObject({ period: 2 });
    clock.advance(leaseMilliseconds + 1);
    expect(await tend()).toBe(1);
    expect(await responderOf(app)).toMatchObject({ period: 2 });
  });
});
