/** Room: test. A fleet's configuration the whole way: approval, door, use case, store; and what then counts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redeemApproval } from "../../core/access/approval.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { findOperator, operatorCaller } from "../../core/access/operator.ts";
import { getFleet } from "../../core/authority/issuer.ts";
import { configureFleet } from "../../core/fleets/configure.ts";
import { configurationKey, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import {
  approve,
  as,
  auditOf,
  base,
  type CriticalCall,
  execute,
  firstOwner,
  join,
  openTeam,
  type Person,
  perform,
  request,
  type Team,
} from "../access/team.ts";
import { makeAuthority } from "../formats/x509/certificate-maker.ts";
import { codeOf } from "../support/errors.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import { maker, makerPem } from "./makers.ts";

let team: Team;
let owner: Person;
let second: Person;
beforeAll(async () => {
  team = await openTeam();
  owner = await firstOwner(team);
  second = await join(team, [owner], ["owner"]);
});
afterAll(() => team.close());

const call = (body: Readonly<Record<string, unknown>>): CriticalCall => ({
  operation: "configureFleet",
  method: "PUT",
  path: `${base}/configuration`,
  body,
});
const approved = async (person: Person, wanted: CriticalCall): Promise<string> => {
  const { body } = await request(team, person, wanted);
  const approvalId = String(body["approvalId"]);
  for (const each of [person, person === owner ? second : owner])
    expect((await approve(team, each, approvalId)).status).toBe(200);
  return approvalId;
};
const read = async () => (await as(team, owner, { method: "GET", path: base })).body;
const stored = async () => (await getFleet(team.app, testFleet)).configuration;

describe("a configuration", () => {
  it("of a fleet that nobody has configured is the default, at version 0", async () => {
    expect(await read()).toMatchObject({
      fleet: testFleet,
      state: "active",
      configurationVersion: 0,
      configuration: defaultConfiguration,
    });
  });

  it("replaces the whole, answers what counts now, and its version as ETag", async () => {
    const first = await perform(
      team,
      [owner, second],
      call({ accepts: ["token", "claim"], issuancesPerHour: 7 }),
    );
    expect(first.status).toBe(200);
    expect(first.headers["etag"]).toBe('"1"');
    expect(first.body).toEqual(await read());
    expect(await stored()).toEqual({
      ...defaultConfiguration,
      accepts: ["token", "claim"],
      issuancesPerHour: 7,
    });
    const manufacturers = [maker()];
    const next = await perform(team, [owner, second], call({ accepts: ["key"], manufacturers }));
    expect(next.headers["etag"]).toBe('"2"');
    expect(await stored()).toEqual({ ...defaultConfiguration, accepts: ["key"], manufacturers });
  });

  it("leaves one audit entry, which names who, and nothing of what is in it", async () => {
    const before = await auditOf(team, "fleet.configured");
    await perform(team, [owner, second], call({ accepts: ["token"], deviceIdPrefixes: ["canary-prefix"] }));
    const after = await auditOf(team, "fleet.configured");
    expect(after).toHaveLength(before.length + 1);
    expect(after.at(-1)).toMatchObject({
      actor: "operator:operator-1",
      subject: testFleet,
      result: "success",
    });
    expect(JSON.stringify([after, team.log])).not.toContain("canary-prefix");
  });

  it("as large as the schema lets it: 16 makers and 32 pipelines fit into what people can approve", async () => {
    const manufacturers = Array.from({ length: 16 }, (_, index) =>
      maker(`maker-${index}`, makerPem({}, makeAuthority("P-256"))),
    );
    const pipelines = Array.from({ length: 32 }, (_, index) => ({
      kind: "oidc",
      id: `pipeline-${index}`,
      operations: ["createEnrollmentToken", "registerDevices"],
      profiles: ["device"],
      issuer: "https://token.actions.example.test",
      audience: "https://fleet.example.test",
      claims: { sub: `repo:acme/firmware-${index}:ref:refs/heads/*`, environment: "production" },
    }));
    const reply = await perform(
      team,
      [owner, second],
      call({ accepts: ["manufacturer"], manufacturers, pipelines }),
    );
    expect(reply.status).toBe(200);
    expect((await stored()).pipelines).toEqual(pipelines);
    expect((await stored()).manufacturers).toEqual(manufacturers);
  });

  it("is its fleet's alone", async () => {
    await addFleet(team.app, "ward");
    await perform(team, [owner, second], call({ accepts: ["manual"] }));
    const ward = await getFleet(team.app, "ward");
    expect(ward.configuration).toEqual(defaultConfiguration);
    const path = "/v1/fleets/ward/configuration";
    const foreign = await as(team, owner, { method: "PUT", path, body: { accepts: ["token"] } });
    expect(foreign).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("needs an approval of this very configuration", () => {
  it("none: refused, and nothing is written", async () => {
    const before = await read();
    const { path, body } = call({ accepts: [] });
    expect(await as(team, owner, { method: "PUT", path, body })).toMatchObject({ code: "approval_required" });
    expect(await read()).toEqual(before);
  });

  it("one for another configuration: refused", async () => {
    const approvalId = await approved(owner, call({ accepts: ["token"] }));
    const wider = call({ accepts: ["token", "manual"] });
    expect(await execute(team, owner, wider, approvalId)).toMatchObject({ code: "approval_mismatch" });
  });

  it("one counts once", async () => {
    const wanted = call({ accepts: ["token"], quarantineDays: 9 });
    const approvalId = await approved(owner, wanted);
    expect((await execute(team, owner, wanted, approvalId)).status).toBe(200);
    expect(await execute(team, owner, wanted, approvalId)).toMatchObject({
      status: 409,
      code: "approval_spent",
    });
  });

  it("a configuration that is refused leaves the approval good, and the old one in force", async () => {
    const before = await read();
    const wanted = call({ accepts: ["token"], validityDays: { device: 397, claim: 31 } });
    const approvalId = await approved(owner, wanted);
    for (let count = 0; count < 2; count += 1)
      expect(await execute(team, owner, wanted, approvalId)).toMatchObject({
        status: 422,
        code: "validity_not_permitted",
      });
    expect(await read()).toEqual(before);
  });

  it.each([
    ["a member that there is none of", { accepts: ["token"], colour: "blue" }, "request_invalid"],
    ["no `accepts`", { issuancesPerHour: 7 }, "request_invalid"],
    ["a way to enrol that there is none of", { accepts: ["password"] }, "request_invalid"],
    ["issuances beyond the limit", { accepts: [], issuancesPerHour: 1_001 }, "request_invalid"],
    [
      "a maker's expired certificate",
      { accepts: [], manufacturers: [maker("m", makerPem({ validity: { notBefore: 0, notAfter: 1_000 } }))] },
      "request_invalid",
    ],
    [
      "a maker's torn PEM",
      { accepts: [], manufacturers: [maker("m", "-----BEGIN CERTIFICATE-----\nAAAA")] },
      "pem_malformed",
    ],
  ])("%s is refused", async (_name, body, code) => {
    expect(await perform(team, [owner, second], call(body))).toMatchObject({ code });
  });
});

describe("two owners at once", () => {
  it("If-Match: of a version that is no longer there is refused, in words, and the approval is still good", async () => {
    const wanted = call({ accepts: ["token"], quarantineDays: 11 });
    const approvalId = await approved(owner, wanted);
    const { configurationVersion: version } = await read();
    const send = (tag: string) =>
      as(team, owner, {
        method: "PUT",
        path: wanted.path,
        body: wanted.body,
        headers: { "fleetkey-approval": approvalId, "if-match": tag },
      });
    const seen = Number(version) - 1;
    const lost = await send(`"${seen}"`);
    expect(lost).toMatchObject({ status: 409, code: "configuration_changed" });
    expect(lost.body["detail"]).toBe(
      `the configuration has version ${version}, not ${seen}: somebody changed it; read it again and decide anew`,
    );
    expect(lost.headers["retry-after"]).toBeUndefined();
    expect(await send("7")).toMatchObject({ status: 400, code: "request_invalid" });
    expect(await send(`W/"${version}"`)).toMatchObject({ status: 400, code: "request_invalid" });
    expect((await send(`"${version}"`)).status).toBe(200);
  });

  it("one is 409, and nothing of it is written", async () => {
    const [ours, theirs] = [31, 32].map((quarantineDays) => call({ accepts: ["token"], quarantineDays }));
    if (ours === undefined || theirs === undefined) expect.fail("two calls");
    const { configurationVersion: version } = await read();
    const ids = [await approved(owner, ours), await approved(second, theirs)] as const;
    const replies = await Promise.all([
      execute(team, owner, ours, ids[0]),
      execute(team, second, theirs, ids[1]),
    ]);
    const statuses = replies.map(({ status }) => status);
    const now = await read();
    // Whoever came after the other had finished has seen its configuration; both at once never count.
    if (statuses.includes(409)) {
      expect([...statuses].sort()).toEqual([200, 409]);
      expect(now["configurationVersion"]).toBe(Number(version) + 1);
      expect(replies.find(({ status }) => status === 409)?.code).toBe("configuration_changed");
    } else {
      expect(now["configurationVersion"]).toBe(Number(version) + 2);
    }
  });

  it("who read the same version: exactly one of them writes, and the others' approvals stay good", async () => {
    const redeem = async (quarantineDays: number) => {
      const wanted = call({ accepts: ["token"], quarantineDays });
      const approvalId = await approved(owner, wanted);
      const [operator, fleetState] = await Promise.all([
        findOperator(team.app, testFleet, "operator-1"),
        getFleet(team.app, testFleet),
      ]);
      if (operator === undefined) expect.fail("no operator");
      const caller = operatorCaller(operator, fleetState, { by: "session", sessionId: "x" });
      const operation = { fleet: testFleet, operation: "configureFleet", parameters: {}, body: wanted.body };
      const approval = await redeemApproval(team.app, {
        caller,
        critical: "fleetConfiguration",
        approvalId,
        operationDigest: operationDigest(operation),
      });
      const configuration = { ...defaultConfiguration, quarantineDays };
      return { approvalId, run: () => configureFleet(team.app, { caller, approval, configuration }) };
    };
    const [first, other, late] = [await redeem(41), await redeem(42), await redeem(43)];
    const outcome = ({ run }: typeof first) =>
      run().then(
        () => "configured",
        (error: unknown) => codeOf(Promise.reject(error)),
      );
    const atOnce = await Promise.all([outcome(first), outcome(other)]);
    expect([...atOnce].sort()).toEqual(["configuration_changed", "configured"]);
    expect(await outcome(late)).toBe("configuration_changed");
    const path = `${base}/approvals/${late.approvalId}`;
    expect((await as(team, owner, { method: "GET", path })).body["state"]).toBe("approved");
    expect([41, 42]).toContain((await stored()).quarantineDays);
    const item = await team.app.items.get(configurationKey(testFleet));
    expect((await getFleet(team.app, testFleet)).configurationVersion).toBe(item?.version);
  });
});

describe("who may", () => {
  it.each(["securityOfficer", "provisioner", "auditor"] as const)("not a %s", async (role) => {
    const other = await join(team, [owner, second], [role]);
    const { path, body } = call({ accepts: ["token"] });
    expect(await as(team, other, { method: "PUT", path, body })).toMatchObject({
      status: 403,
      code: "role_not_permitted",
    });
    expect((await as(team, other, { method: "GET", path: base })).status).toBe(200);
  });
});
