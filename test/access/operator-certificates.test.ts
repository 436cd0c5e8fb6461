import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certifyOperator } from "../../core/enrollment/operator-certificate.ts";
import { fleetItem, fleetPartition } from "../../core/records/fleet-record.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import {
  as,
  base,
  callerOf,
  changeCall,
  firstOwner,
  join,
  openTeam,
  type Person,
  perform,
  signIn,
  type Team,
} from "./team.ts";

let team: Team;
let owner: Person;
beforeAll(async () => {
  team = await openTeam();
  owner = await firstOwner(team);
});
afterAll(() => team.close());

const path = `${base}/operator-certificates`;
const csrText = (key = deviceKey(), commonName?: string): string =>
  deviceCsr(key, commonName === undefined ? {} : { commonName }).toString("base64");
const list = { method: "GET", path: `${base}/operators` } as const;

describe("an operator's certificate", () => {
  it("names the calling operator whatever the CSR says, and opens what the operator may", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-cli");
    const { status, body, headers } = await as(team, person, { path, body: { csr: csrText(deviceKey()) } });
    expect(status).toBe(201);
    expect(headers["location"]).toBe(`${base}/certificates/${String(body["serialNumber"])}`);
    const certificate = new X509Certificate(String(body["certificate"]));
    expect(certificate.subject).toBe("CN=operator-cli");
    expect(certificate.subjectAltName).toBe("URI:spiffe://example.test/fleet/default/operator/operator-cli");
    const reply = await team.send({ ...list, certificate: String(body["certificate"]) });
    expect(reply.status).toBe(200);
    const named = await as(team, person, { path, body: { csr: csrText(deviceKey(), "operator-1") } });
    expect([named.status, named.code]).toEqual([422, "csr_subject_mismatch"]);
  });

  it("the same session with the same CSR gets the same one; another session gets another", async () => {
    const body = { csr: csrText() };
    const first = await as(team, owner, { path, body });
    const again = await as(team, owner, { path, body });
    expect(again.body).toEqual(first.body);
    const session = await signIn(team, "operator-1", owner.authenticator);
    const other = await as(team, session, { path, body });
    expect(other.body["serialNumber"]).not.toBe(first.body["serialNumber"]);
  });

  it("a session has eight, and the answer says when it ends", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-many");
    const csrs = Array.from({ length: 9 }, () => ({ csr: csrText() }));
    for (const body of csrs.slice(0, 8)) expect((await as(team, person, { path, body })).status).toBe(201);
    const ninth = await as(team, person, { path, body: csrs[8] });
    expect([ninth.status, ninth.code]).toEqual([429, "rate_limited"]);
    expect(Number(ninth.headers["retry-after"])).toBeGreaterThan(1_700);
    // What was issued is answered again all the same.
    expect((await as(team, person, { path, body: csrs[0] })).status).toBe(201);
  });

  it("of 20 calls with one CSR at once all have the same one", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-burst");
    const body = { csr: csrText() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => as(team, person, { path, body })));
    const issued = answers.filter(({ status }) => status === 201);
    expect(new Set(issued.map((each) => each.body["serialNumber"])).size).toBe(1);
    const others = answers.filter(({ status }) => status !== 201).map(({ code }) => code);
    for (const code of others) expect(code).toBe("issuance_in_progress");
  });

  it("its record names the session as the credential", async () => {
    const { body } = await as(team, owner, { path, body: { csr: csrText() } });
    const serialNumber = String(body["serialNumber"]);
    const item = await team.app.items.get({
      pk: `CERTIFICATE#${testFleet}#${serialNumber}`,
      sk: "CERTIFICATE",
    });
    expect(item?.attributes["credential"]).toMatch(/^session:[0-9a-f]{64}$/);
    expect(JSON.stringify(item?.attributes["credential"])).not.toContain(owner.token.slice(8));
  });

  it("takes a session: a certificate, which is one factor, makes no other", async () => {
    const { status, code } = await team.send({
      path,
      body: { csr: csrText() },
      certificate: team.certificate,
    });
    expect([status, code]).toEqual([401, "session_invalid"]);
  });

  it("is of no other profile", async () => {
    const { code } = await as(team, owner, { path, body: { csr: csrText(), profile: "server" } });
    expect(code).toBe("profile_not_permitted");
  });

  it("dies with its operator's suspension", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-leaver");
    const { body } = await as(team, person, { path, body: { csr: csrText() } });
    const certificate = String(body["certificate"]);
    expect((await team.send({ ...list, certificate })).status).toBe(200);
    await perform(team, [owner], changeCall("operator-leaver", { state: "suspended" }));
    expect((await team.send({ ...list, certificate })).code).toBe("operator_not_active");
    expect((await as(team, person, { path, body: { csr: csrText() } })).code).toBe("operator_not_active");
  });

  it("is not issued to whom was suspended after the door let it in", async () => {
    const person = await join(team, [owner], ["auditor"], "operator-raced");
    const caller = await callerOf(team, person);
    await perform(team, [owner], changeCall("operator-raced", { state: "suspended" }));
    const csr = deviceCsr(deviceKey());
    expect(await codeOf(certifyOperator(team.app, caller, { csr }))).toBe("store_condition_failed");
  });

  it("is not issued by a suspended fleet", async () => {
    const key = { pk: fleetPartition(testFleet), sk: "FLEET" };
    const item = await team.app.items.get(key);
    if (item === undefined) expect.fail("the fleet is stored");
    const { origin } = item.attributes;
    const record = { ...team.fleet.record, ...(typeof origin === "string" ? { origin } : {}) };
    const put = fleetItem({ ...record, state: "suspended" });
    await team.app.items.transact([{ put, when: item.version }]);
    expect((await as(team, owner, { path, body: { csr: csrText() } })).code).toBe("fleet_suspended");
    expect((await as(team, owner, list)).status).toBe(200);
    await team.app.items.transact([{ put: fleetItem(record), when: item.version + 1 }]);
    expect((await as(team, owner, { path, body: { csr: csrText() } })).status).toBe(201);
  });
});
