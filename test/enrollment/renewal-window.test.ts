/** Room: test. Renewals that people pull forward, and what the holder of a certificate is told (RFC 9773). */
import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enroll } from "../../core/enrollment/enroll.ts";
import { renewalInfo } from "../../core/enrollment/renewal-info.ts";
import {
  endRenewalWindow,
  listRenewalWindows,
  type PullForward,
  pullForward,
} from "../../core/enrollment/renewal-window.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { renewalCertIdOf } from "../../core/formats/x509/renewal-cert-id.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { distributionFunction } from "../../lambdas/distribution/handler.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyStore } from "../support/faulty-store.ts";
import {
  addFleet,
  type FleetApp,
  type FleetPorts,
  testFleet as fleet,
  openFleetApp,
} from "../support/fleet-app.ts";
import { issued } from "./fixtures/configured-fleet.ts";

const actor = "operator:operator-1";
const hour = 3_600_000;
const day = 24 * hour;

let opened: FleetApp;
let app: FleetPorts;
beforeEach(async () => {
  opened = await openFleetApp();
  app = opened.app;
});
afterEach(() => opened.close());

async function enrolledDevice(deviceId: string, own = fleet) {
  const { token } = await createEnrollmentToken(app, { fleet: own, actor, deviceId });
  const answer = issued(await enroll(app, { fleet: own, token, csr: deviceCsr(deviceKey()) }));
  const [der = Buffer.alloc(0)] = decodePem(answer.certificate, "CERTIFICATE");
  return { ...answer, certId: renewalCertIdOf(decodeCertificate(der)) ?? "" };
}

const soon = (changes: Partial<PullForward> = {}): PullForward => {
  const now = app.clock.now();
  return {
    fleet,
    actor,
    from: now + hour,
    until: now + hour + 168 * hour,
    reason: "keyCompromise",
    ...changes,
  };
};

const startOf = async (certId: string): Promise<number> =>
  Date.parse((await renewalInfo(app, { fleet, certId })).info.suggestedWindow.start);

describe("what the holder of a certificate is told", () => {
  it("its own window, of an hour, as the enrolment said", async () => {
    const { certId, renewAfter } = await enrolledDevice("pump-1");
    const { info, retryAfter } = await renewalInfo(app, { fleet, certId });
    expect(info.suggestedWindow.start).toBe(renewAfter);
    expect(Date.parse(info.suggestedWindow.end) - Date.parse(renewAfter)).toBe(hour);
    expect({ retryAfter, members: Object.keys(info) }).toEqual({
      retryAfter: 21_600,
      members: ["suggestedWindow"],
    });
  });

  it("an unknown certificate, another authority's of the same number, another fleet's: not_found alike", async () => {
    await addFleet(app, "other");
    const { certId } = await enrolledDevice("pump-1", "other");
    await expect(renewalInfo(app, { fleet: "other", certId })).resolves.toHaveProperty("info");
    const { certId: own } = await enrolledDevice("pump-1");
    const foreign = `${certId.split(".")[0]}.${own.split(".")[1]}`;
    const unknown = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
    for (const each of [certId, foreign, unknown])
      expect(await codeOf(renewalInfo(app, { fleet, certId: each }))).toBe("not_found");
    expect(await codeOf(renewalInfo(app, { fleet: "nobodys", certId: own }))).toBe("not_found");
  });

  it("RFC 9773 §4.2: a revoked one's window is over", async () => {
    const { certId, serialNumber } = await enrolledDevice("pump-1");
    await revoke(app, { fleet, serialNumber, reason: "keyCompromise", actor });
    const { info } = await renewalInfo(app, { fleet, certId });
    expect(Date.parse(info.suggestedWindow.end)).toBeLessThan(app.clock.now());
  });

  it("OpenSSL's reading of the certificate gives the same name", async () => {
    const { certificate, certId } = await enrolledDevice("pump-1");
    const serial = Buffer.from(new X509Certificate(certificate).serialNumber, "hex");
    const content = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), serial]) : serial;
    expect(certId.split(".")[1]).toBe(content.toString("base64url"));
  });
});

describe("over HTTP", () => {
  const ask = async (certId: string, headers: Record<string, string> = {}, own = fleet) =>
    distributionFunction(app)(gatewayEvent({ path: `/v1/fleets/${own}/renewal-info/${certId}`, headers }));

  it("an answer may be kept for five minutes, says when to ask again, and 304 says so too", async () => {
    const { certId } = await enrolledDevice("pump-1");
    const answer = await ask(certId);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "cache-control": "public, max-age=300", "retry-after": "21600" });
    const again = await ask(certId, { "if-none-match": answer.headers["etag"] ?? "" });
    expect({ status: again.statusCode, body: again.body }).toEqual({ status: 304, body: "" });
    expect(again.headers["retry-after"]).toBe("21600");
    await pullForward(app, soon());
    const moved = await ask(certId, { "if-none-match": answer.headers["etag"] ?? "" });
    expect(moved.statusCode).toBe(200);
    expect(moved.headers["etag"]).not.toBe(answer.headers["etag"]);
  });

  it.each([
    ["nodot", 400, "request_invalid"],
    ["aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE", 400, "request_invalid"],
    ["aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", 404, "not_found"],
  ])("%s: %i", async (certId, status, code) => {
    const { statusCode, body } = await ask(certId);
    expect([statusCode, JSON.parse(body).code]).toEqual([status, code]);
  });
});

describe("pulling renewals forward", () => {
  it("asks every device that has a certificate, and not for what it renews to", async () => {
    const before = await enrolledDevice("pump-1");
    opened.clock.advance(1_000);
    const request = soon();
    const { issuedBefore } = await pullForward(app, request);
    expect(await startOf(before.certId)).toBeGreaterThanOrEqual(Math.floor(request.from / 1000) * 1000);
    expect(await startOf(before.certId)).toBeLessThanOrEqual(request.until);
    opened.clock.advance(1_000);
    const after = await enrolledDevice("pump-2");
    expect(Date.parse(issuedBefore)).toBeLessThan(app.clock.now());
    expect((await renewalInfo(app, { fleet, certId: after.certId })).info.suggestedWindow.start).toBe(
      after.renewAfter,
    );
  });

  it("names its page to whoever is asked, and is on the audit log", async () => {
    const { certId } = await enrolledDevice("pump-1");
    opened.clock.advance(1_000);
    const items = faultyStore(app.items, () => "none");
    const explanationUrl = "https://status.example/2026-11";
    const { windowId } = await pullForward({ ...app, items }, soon({ explanationUrl }));
    expect((await renewalInfo(app, { fleet, certId })).info.explanationURL).toBe(explanationUrl);
    await endRenewalWindow({ ...app, items }, { fleet, actor, windowId });
    const acts = items.kept.filter(({ pk }) => pk.startsWith("AUDIT#")).map(({ attributes }) => attributes);
    expect(acts).toMatchObject([
      { action: "renewal.pulled-forward", actor, subject: windowId, reason: "keyCompromise" },
      { action: "renewal.window-ended", actor, subject: windowId },
    ]);
  });

  it("ended, the certificate's own time counts again", async () => {
    const { certId, renewAfter } = await enrolledDevice("pump-1");
    opened.clock.advance(1_000);
    const { windowId } = await pullForward(app, soon());
    expect(await startOf(certId)).toBeLessThan(Date.parse(renewAfter));
    await endRenewalWindow(app, { fleet, actor, windowId });
    expect(await startOf(certId)).toBe(Date.parse(renewAfter));
    expect(await listRenewalWindows(app, { fleet })).toEqual({ windows: [] });
    expect(await codeOf(endRenewalWindow(app, { fleet, actor, windowId }))).toBe("not_found");
  });

  it("another fleet's window is as nobody's, and asks nobody here", async () => {
    await addFleet(app, "other");
    const { certId, renewAfter } = await enrolledDevice("pump-1");
    opened.clock.advance(1_000);
    const { windowId } = await pullForward(app, soon({ fleet: "other" }));
    expect(await startOf(certId)).toBe(Date.parse(renewAfter));
    expect(await codeOf(endRenewalWindow(app, { fleet, actor, windowId }))).toBe("not_found");
    expect((await listRenewalWindows(app, { fleet: "other" })).windows).toHaveLength(1);
  });

  const refused: readonly [string, () => Partial<PullForward>, string][] = [
    ["167 hours", () => ({ until: app.clock.now() + 168 * hour }), "request_invalid"],
    ["a window that began long ago", () => ({ from: app.clock.now() - 2 * hour }), "request_invalid"],
    [
      "an end before the beginning, in an emergency too",
      () => ({ until: app.clock.now() + 1, emergency: true }),
      "request_invalid",
    ],
    ["a window that is over", () => ({ from: 0, until: 1, emergency: true }), "request_invalid"],
    ["one beyond every certificate's end", () => ({ until: app.clock.now() + 398 * day }), "request_invalid"],
    ["certificates that are to come", () => ({ issuedBefore: app.clock.now() + hour }), "request_invalid"],
    ["half a millisecond", () => ({ from: app.clock.now() + 0.5 }), "request_invalid"],
    ["no time", () => ({ until: Number.NaN }), "request_invalid"],
    ["an authority that there is not", () => ({ authorityId: "issuing-9" }), "not_found"],
    ["a fleet that there is not", () => ({ fleet: "nobodys" }), "not_found"],
    ["a page over http", () => ({ explanationUrl: "http://status.example/" }), "request_invalid"],
    ["a page with a user", () => ({ explanationUrl: "https://jane@status.example/" }), "request_invalid"],
  ];
  it.each(refused)("%s: refused, and nothing is written", async (_name, changes, code) => {
    expect(await codeOf(pullForward(app, soon(changes())))).toBe(code);
    expect(await listRenewalWindows(app, { fleet })).toEqual({ windows: [] });
  });

  it("in an emergency as fast as the devices ask", async () => {
    const { certId } = await enrolledDevice("pump-1");
    opened.clock.advance(1_000);
    const now = app.clock.now();
    await pullForward(
      app,
      soon({ from: now - day, until: now + 1, emergency: true, authorityId: "issuing-1" }),
    );
    expect(await startOf(certId)).toBeLessThanOrEqual(now + 1);
  });

  it("many at once are all kept, to the most that a fleet has", async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => pullForward(app, soon())));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill("fulfilled"));
    for (let more = 6; more < 20; more += 1) await pullForward(app, soon());
    const { windows } = await listRenewalWindows(app, { fleet });
    expect(new Set(windows.map(({ windowId }) => windowId)).size).toBe(20);
    expect(await codeOf(pullForward(app, soon()))).toBe("request_invalid");
    // Those whose last certificate is over make room.
    opened.clock.advance(398 * day);
    await pullForward(app, soon());
    expect((await listRenewalWindows(app, { fleet })).windows).toHaveLength(1);
  });

  it("ended twice at once, one ends it; what was pulled meanwhile stays", async () => {
    const { windowId } = await pullForward(app, soon());
    const [one, other, pulled] = await Promise.allSettled([
      endRenewalWindow(app, { fleet, actor, windowId }),
      endRenewalWindow(app, { fleet, actor, windowId }),
      pullForward(app, soon()),
    ]);
    expect([one.status, other.status].sort()).toEqual(["fulfilled", "rejected"]);
    expect(pulled.status).toBe("fulfilled");
    expect((await listRenewalWindows(app, { fleet })).windows).toHaveLength(1);
  });

  it.each(["unavailable", "committedThenUnavailable"] as const)(
    "a store that is %s: whole or not at all",
    async (fault) => {
      const items = faultyStore(app.items, () => fault);
      expect(await codeOf(pullForward({ ...app, items }, soon()))).toBe("store_unavailable");
      const { windows } = await listRenewalWindows(app, { fleet });
      expect(windows).toHaveLength(fault === "unavailable" ? 0 : 1);
      expect(items.kept.length).toBe(fault === "unavailable" ? 0 : 2);
    },
  );
});
