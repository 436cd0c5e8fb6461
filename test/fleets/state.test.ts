/** Room: test. A fleet is suspended and active again, the whole way; what stands still meanwhile and what goes on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redeemApproval } from "../../core/access/approval.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { findOperator, operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { setFleetState } from "../../core/fleets/state.ts";
import {
  approve,
  as,
  auditOf,
  base,
  type CriticalCall,
  execute,
  firstOwner,
  host,
  join,
  openTeam,
  type Person,
  perform,
  request,
  setOrigin,
  type Team,
} from "../access/team.ts";
import { deviceOf, tokenOf } from "../lambdas/fleet-callers.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import { publishTrustOf } from "../support/published-trust.ts";

let team: Team;
let owner: Person;
let second: Person;
let device: string;
beforeAll(async () => {
  team = await openTeam();
  owner = await firstOwner(team);
  second = await join(team, [owner], ["owner"]);
  device = (await deviceOf(team.app, testFleet, "pump-1")).certificate;
  await publishTrustOf(team.app, testFleet);
});
afterAll(() => team.close());

const call = (state: string): CriticalCall => ({
  operation: "setFleetState",
  path: `${base}/state`,
  body: { state },
});
const stateNow = async () => (await getFleet(team.app, testFleet)).record.state;

async function post(path: string, credentials: { certificate?: string; token?: string }) {
  const { certificate, token } = credentials;
  const event = gatewayEvent({
    method: "POST",
    path,
    headers: {
      "content-type": "application/pkcs10",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: deviceCsr(deviceKey()),
    ...(certificate === undefined ? {} : { certificate }),
  });
  const { statusCode: status, body } = await team.handlers.enrollment(event);
  return { status, code: (JSON.parse(body) as Record<string, unknown>)["code"] };
}
const enrol = (token: string, fleet = testFleet) => post(`/v1/fleets/${fleet}/certificates`, { token });
const renew = () => post(`${base}/certificates/renew`, { certificate: device });

describe("suspension", () => {
  it("is for two people: one of two owners alone is refused", async () => {
    const wanted = call("suspended");
    const { body } = await request(team, owner, wanted);
    const approvalId = String(body["approvalId"]);
    await approve(team, owner, approvalId);
    expect(await execute(team, owner, wanted, approvalId)).toMatchObject({ code: "approval_incomplete" });
    expect(await stateNow()).toBe("active");
  });

  it("is for owners: a security officer is refused", async () => {
    const officer = await join(team, [owner, second], ["securityOfficer"]);
    const { path, body } = call("suspended");
    expect(await as(team, officer, { path, body })).toMatchObject({ code: "role_not_permitted" });
  });

  it("is one of two words", async () => {
    expect(await perform(team, [owner, second], call("retired"))).toMatchObject({ code: "request_invalid" });
  });

  it("another fleet's path does not exist", async () => {
    await addFleet(team.app, "ward");
    const { body } = call("suspended");
    expect(await as(team, owner, { path: "/v1/fleets/ward/state", body })).toMatchObject({ status: 404 });
    expect((await getFleet(team.app, "ward")).record.state).toBe("active");
  });

  it("counts with the next request: no certificate for a device, while operators and readers go on", async () => {
    const token = await tokenOf(team.app, testFleet, "pump-2");
    const reply = await perform(team, [owner, second], call("suspended"));
    expect(reply).toMatchObject({ status: 200, body: { state: "suspended", fleet: testFleet } });
    expect(await stateNow()).toBe("suspended");
    expect(await enrol(token)).toEqual({ status: 403, code: "fleet_suspended" });
    expect(await renew()).toEqual({ status: 403, code: "fleet_suspended" });
    const own = gatewayEvent({ path: `${base}/device`, certificate: device });
    const devices = await team.handlers.enrollment(own);
    expect(devices.statusCode).toBe(403);
    expect((await as(team, owner, { method: "GET", path: base })).body["state"]).toBe("suspended");
    expect((await as(team, owner, { method: "GET", path: `${base}/certificates` })).status).toBe(200);
    const trust = await team.handlers.distribution(gatewayEvent({ path: `${base}/trust.pem` }));
    expect(trust.statusCode).toBe(200);
    const configured = await perform(team, [owner, second], {
      operation: "configureFleet",
      method: "PUT",
      path: `${base}/configuration`,
      body: { accepts: ["token"], quarantineDays: 12 },
    });
    expect(configured).toMatchObject({ status: 200, body: { state: "suspended" } });
  });

  it("is another fleet's no more than its devices are", async () => {
    expect((await enrol(await tokenOf(team.app, "ward", "pump-1"), "ward")).status).toBe(201);
  });

  it("ends: the very token that was refused is good, for it was not spent", async () => {
    const token = await tokenOf(team.app, testFleet, "pump-3");
    expect((await enrol(token)).code).toBe("fleet_suspended");
    expect((await perform(team, [second, owner], call("active"))).body["state"]).toBe("active");
    expect((await enrol(token)).status).toBe(201);
    expect((await renew()).status).toBe(201);
  });

  it("leaves audit entries that say to which state, and who", async () => {
    const entries = await auditOf(team, "fleet.state-changed");
    expect(entries.map(({ reason, actor }) => ({ reason, actor }))).toEqual(
      expect.arrayContaining([
        { reason: "suspended", actor: "operator:operator-1" },
        { reason: "active", actor: `operator:${second.operatorId}` },
      ]) as unknown,
    );
    expect(entries).toHaveLength(2);
  });

  it("a deployment that moves the origin meanwhile is kept, and the suspension too", async () => {
    const wanted = call("suspended");
    const { body } = await request(team, owner, wanted);
    const approvalId = String(body["approvalId"]);
    for (const person of [owner, second]) await approve(team, person, approvalId);
    const operator = await findOperator(team.app, testFleet, "operator-1");
    if (operator === undefined) expect.fail("no operator");
    const fleetState = await getFleet(team.app, testFleet);
    const caller = operatorCaller(operator, fleetState, { by: "session", sessionId: "x" });
    const approval = await redeemApproval(team.app, {
      caller,
      critical: "fleetSuspension",
      approvalId,
      operationDigest: operationDigest({
        fleet: testFleet,
        operation: "setFleetState",
        parameters: {},
        body: wanted.body,
      }),
    });
    await moveOrigin(team.app, testFleet, `https://${host}:8443`);
    await setFleetState(team.app, { caller, approval, state: "suspended" });
    const { record } = await getFleet(team.app, testFleet);
    expect(record).toMatchObject({ state: "suspended", origin: `https://${host}:8443` });
    await setOrigin({ app: team.app, fleet: await getFleet(team.app, testFleet) });
    expect(await execute(team, owner, wanted, approvalId)).toMatchObject({ code: "approval_spent" });
  });
});
