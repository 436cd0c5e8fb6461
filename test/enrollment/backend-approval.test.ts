/** Room: test. Break-glass is not got round by one person: a backend's key is certified when two have approved it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redeemApproval } from "../../core/access/approval.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { certifyBackend } from "../../core/enrollment/backend-certificate.ts";
import { encodePem } from "../../core/formats/pem.ts";
import type { App } from "../../core/ports.ts";
import { openPair, type Pair } from "../access/pair.ts";
import {
  approve,
  as,
  auditOf,
  base,
  type CriticalCall,
  callerOf,
  execute,
  type Person,
  perform,
  request,
} from "../access/team.ts";
import { backendOf } from "../lambdas/fleet-callers.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await openPair();
});
afterAll(() => pair.team.close());

const newCsr = (commonName?: string): Buffer =>
  deviceCsr(deviceKey(), commonName === undefined ? {} : { commonName });

const callOf = (backendId: string, csr: string = newCsr().toString("base64")): CriticalCall => ({
  operation: "createBackendCertificate",
  parameters: { backendId },
  path: `${base}/backends/${backendId}/certificates`,
  body: { csr },
});

const certificatesOf = async (backendId: string) => {
  const { certificates } = await listCertificates(pair.team.app, { fleet, limit: 100 });
  return certificates.filter(({ subjectId }) => subjectId === backendId);
};

/** An approval of the owner's for `call`, by so many of the two. */
async function approvedBy(people: readonly Person[], call: CriticalCall): Promise<string> {
  const approvalId = await pair.asked(call);
  for (const person of people) expect((await approve(pair.team, person, approvalId)).status).toBe(200);
  return approvalId;
}

const both = (call: CriticalCall) => approvedBy([pair.owner, pair.officer], call);
const run = (call: CriticalCall, approvalId: string) => execute(pair.team, pair.owner, call, approvalId);

describe("one person alone", () => {
  it.each(["owner", "officer"] as const)("the %s certifies no backend, in a session", async (who) => {
    const { code } = await as(pair.team, pair[who], callOf("alone"));
    expect(code).toBe("approval_required");
    expect(await certificatesOf("alone")).toEqual([]);
  });

  it("certifies none with a certificate of an operator, or of a backend", async () => {
    const { team } = pair;
    const { path, body } = callOf("alone");
    expect((await team.send({ path, body, certificate: team.certificate })).code).toBe("approval_required");
    const { certificate } = await backendOf(team.app, fleet, "alone");
    expect((await team.send({ path, body, certificate })).code).toBe("access_denied");
    expect((await team.send({ path: `${path}/renewal`, body, certificate: team.certificate })).code).toBe(
      "access_denied",
    );
  });

  it("certifies none with an own approval", async () => {
    const call = callOf("half");
    expect((await run(call, await approvedBy([pair.owner], call))).code).toBe("approval_incomplete");
    expect(await certificatesOf("half")).toEqual([]);
  });
});

describe("two people", () => {
  it("certify a backend; the audit log has both acts, and names who executed", async () => {
    const call = callOf("records");
    const approvalId = await both(call);
    expect(await run(call, approvalId)).toMatchObject({ status: 201, body: { chain: expect.any(String) } });
    const certified = await auditOf(pair.team, "backend.certified");
    expect(certified.filter(({ subject }) => subject === "records")).toMatchObject([
      { actor: `operator:${pair.owner.operatorId}` },
    ]);
    const executed = await auditOf(pair.team, "approval.executed");
    expect(executed.filter(({ subject }) => subject === approvalId)).toHaveLength(1);
  });

  it("approve this backend and this request, and no other", async () => {
    const call = callOf("bound");
    const approvalId = await both(call);
    const others = [callOf("other", String(call.body["csr"])), callOf("bound")];
    for (const other of others) expect((await run(other, approvalId)).code).toBe("approval_mismatch");
    const configuration = await both({
      operation: "configureFleet",
      path: `${base}/configuration`,
      body: { accepts: [] },
    });
    expect((await run(call, configuration)).code).toBe("approval_mismatch");
    expect(
      (await as(pair.team, pair.officer, { ...call, headers: { "fleetkey-approval": approvalId } })).code,
    ).toBe("approval_mismatch");
    expect((await run(call, approvalId)).status).toBe(201);
  });

  it("approve once; another approval of the same request gets the same certificate", async () => {
    const call = callOf("repeated");
    const approvalId = await both(call);
    const first = await run(call, approvalId);
    expect((await run(call, approvalId)).code).toBe("approval_spent");
    expect(await run(call, await both(call))).toMatchObject({ status: 201, body: first.body });
    expect(await certificatesOf("repeated")).toHaveLength(1);
  });

  it("and one approval of ten calls at once give one certificate", async () => {
    const call = callOf("burst");
    const approvalId = await both(call);
    const answers = await Promise.all(Array.from({ length: 10 }, () => run(call, approvalId)));
    const codes = answers.filter(({ status }) => status !== 201).map(({ code }) => code);
    for (const code of codes) expect(["approval_spent", "issuance_in_progress"]).toContain(code);
    expect(codes.length).toBeLessThan(10);
    expect(await certificatesOf("burst")).toHaveLength(1);
  });
});

describe("an issuance that fails", () => {
  async function approved(call: CriticalCall, approvalId: string) {
    const { team, owner } = pair;
    const caller = await callerOf(team, owner);
    const { operation, parameters = {}, body } = call;
    const digest = operationDigest({ fleet, operation, parameters, body });
    const wish = { caller, critical: "fleetConfiguration", approvalId, operationDigest: digest } as const;
    const csr = Buffer.from(String(body["csr"]), "base64");
    const { backendId = "" } = parameters;
    const certify = async (on: App) =>
      certifyBackend(on, { caller, approval: await redeemApproval(on, wish), backendId, csr });
    return certify;
  }

  it("before its intent is on record leaves the approval good", async () => {
    const call = callOf("unavailable");
    const approvalId = await both(call);
    const certify = await approved(call, approvalId);
    const { app } = pair.team;
    const broken = { ...app, items: faultyStore(app.items, () => "unavailable") };
    expect(await codeOf(certify(broken))).toBe("store_unavailable");
    expect((await pair.approvalOf(approvalId)).body["state"]).toBe("approved");
    expect((await run(call, approvalId)).status).toBe(201);
  });

  it("after it has spent the approval, and the next one gets the certificate of that intent", async () => {
    const call = callOf("unsigned");
    const approvalId = await both(call);
    const certify = await approved(call, approvalId);
    const { app } = pair.team;
    const broken = { ...app, keys: faultyKeys(app.keys, () => "unavailable") };
    expect(await codeOf(certify(broken))).toBe("key_service_unavailable");
    expect((await run(call, approvalId)).code).toBe("approval_spent");
    pair.team.clock.advance(60_000);
    expect((await run(call, await both(call))).status).toBe(201);
    expect(await certificatesOf("unsigned")).toHaveLength(1);
  });

  it("whose answer is lost has spent it too", async () => {
    const call = callOf("lost");
    const certify = await approved(call, await both(call));
    const { app } = pair.team;
    const lossy = { ...app, items: faultyStore(app.items, () => "committedThenUnavailable") };
    expect(await codeOf(certify(lossy))).toBe("store_unavailable");
    expect(await codeOf(certify(app))).toBe("approval_spent");
    pair.team.clock.advance(60_000);
    expect((await run(call, await both(call))).status).toBe(201);
    expect(await certificatesOf("lost")).toHaveLength(1);
  });

  it("for an approval that was executed since it was read: approval_spent, and no certificate", async () => {
    const [call, other] = [callOf("raced"), callOf("raced-too")];
    const approvalId = await both(call);
    const { team, owner } = pair;
    const caller = await callerOf(team, owner);
    const { operation, parameters = {}, body } = call;
    const digest = operationDigest({ fleet, operation, parameters, body });
    const wish = { caller, critical: "fleetConfiguration", approvalId, operationDigest: digest } as const;
    const approval = await redeemApproval(team.app, wish);
    expect((await run(call, approvalId)).status).toBe(201);
    const csr = Buffer.from(String(other.body["csr"]), "base64");
    const late = certifyBackend(team.app, { caller, approval, backendId: "raced-too", csr });
    expect(await codeOf(late)).toBe("approval_spent");
    expect(await certificatesOf("raced-too")).toEqual([]);
  });
});

/** RFC 7468 §5.2: text around a block is skipped by readers, and an approval is kept for good. */
describe("nobody is asked to approve", () => {
  const pem = (): string => encodePem("CERTIFICATE REQUEST", newCsr());
  it.each([
    { name: "text before a request", csr: () => `of Jane Doe\n${pem()}`, code: "request_invalid" },
    { name: "text behind a request", csr: () => `${pem()}of Jane Doe\n`, code: "request_invalid" },
    {
      name: "a request for another name",
      csr: () => newCsr("jane").toString("base64"),
      code: "csr_subject_mismatch",
    },
    { name: "octets that are no request", csr: () => "MII=", code: "csr_malformed" },
    { name: "a backend like a social security number", id: "078-05-1120", code: "name_not_permitted" },
  ])("$name: $code", async ({ csr = pem, id = "judged", code }) => {
    const call = callOf(id, csr());
    expect((await request(pair.team, pair.owner, call)).code).toBe(code);
  });

  it("but a request in PEM is asked for", async () => {
    expect((await perform(pair.team, [pair.owner, pair.officer], callOf("in-pem", pem()))).status).toBe(201);
  });
});
