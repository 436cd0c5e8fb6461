/**
 * Room: test. The routes of the rotation over HTTP: each answers what the API's description says of it, and whoever may
 * not, or asks for what is not there, gets a problem.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signOffline } from "../../core/rotation/offline/signing.ts";
import { rotationRoutes } from "../../lambdas/rotation/routes.ts";
import { base, type CriticalCall } from "../access/team.ts";
import { offlineKey, rootCsr } from "../rotation/offline-house.ts";
import { addFleet, testFleet } from "../support/fleet-app.ts";
import { operatorOf } from "./fleet-callers.ts";
import { expectProblem, get, openRotationHouse, type RotationHouse } from "./rotation-house.ts";

const day = 86_400_000;
const nobody = "0".repeat(32);
let house: RotationHouse;
beforeAll(async () => {
  house = await openRotationHouse();
});
afterAll(() => house.close());

const planOf = (body: Readonly<Record<string, unknown>>): CriticalCall => ({
  operation: "planRollover",
  path: `${base}/rollovers`,
  body,
});
const ofRollover = (
  operation: string,
  rolloverId: string,
  end: string,
  body: Readonly<Record<string, unknown>>,
): CriticalCall => ({
  operation,
  parameters: { rolloverId },
  path: `${base}/rollovers/${rolloverId}/${end}`,
  body,
});
const ceremonyOf = (body: Readonly<Record<string, unknown>>): CriticalCall => ({
  operation: "openCeremony",
  path: `${base}/ceremonies`,
  body,
});
const dataKeyOf = (name: string): CriticalCall => ({
  operation: "rotateDataKey",
  path: `${base}/data-key-rotations`,
  body: { name },
});

describe("keys", () => {
  it("authorities, the report of every key, tasks, and a wrapping key before its time", async () => {
    await house.rotate();
    const { authorities } = await house.call(get("/authorities"));
    expect(authorities).toHaveLength(2);
    expect((await house.call(get("/key-report")))["conditionsAsOf"]).toBeDefined();
    await house.call(get("/rotation-tasks"));
    await house.call(get("/rotation-tasks", "closed=true"));
    await house.decide(dataKeyOf("default-protection"));
    expectProblem(await house.decision(dataKeyOf("default-other")), 404, "not_found");
    expectProblem(await house.decision(dataKeyOf("other-protection")), 404, "not_found");
    expectProblem(await house.try(get("/rotation-tasks", "closed=perhaps")), 400, "request_invalid");
  });
});

describe("rollovers and ceremonies", () => {
  it("an issuing rollover is previewed, planned, shown, and taken back", async () => {
    await house.call(get("/rollover-plan", "kind=issuing"));
    const { rolloverId } = await house.decide(planOf({ kind: "issuing" }));
    await house.call(get("/rollovers", "limit=10"));
    await house.call(get(`/rollovers/${String(rolloverId)}`));
    const id = String(rolloverId);
    expectProblem(
      await house.decision(ofRollover("rollBackRollover", id, "rollback", { from: "active" })),
      409,
      "rollover_state_invalid",
    );
    const taken = await house.decide(ofRollover("rollBackRollover", id, "rollback", { from: "planned" }));
    expect(taken["state"]).toBe("rolledBack");
  });

  it("an emergency goes through its ceremony to the destruction of a key, which is called off", async () => {
    const { rolloverId } = await house.decide(planOf({ kind: "issuing", emergency: true }));
    const id = String(rolloverId);
    const { ceremonyId } = await house.decide(ceremonyOf({ purpose: "rollover", rolloverId: id }));
    await house.call(get(`/ceremonies/${String(ceremonyId)}`));
    await house.settle();
    const { state } = await house.call(get(`/ceremonies/${String(ceremonyId)}`));
    expect(state).toBe("done");
    await house.call(get("/ceremonies", "limit=10"));
    const { authorities } = await house.call(get("/authorities"));
    expect(authorities).toHaveLength(3);
    await house.decide(ofRollover("advanceRollover", id, "advance", { to: "retired" }));
    await house.settle();
    const from = String((await house.call(get(`/rollovers/${id}`)))["from"]);
    const destroy = ofRollover("destroyAuthorityKey", id, "destruction", { authorityId: from });
    expectProblem(
      await house.decision({ ...destroy, body: { authorityId: "root-1" } }),
      409,
      "rollover_state_invalid",
    );
    // While lists of what it issued are relied on, its key signs them.
    expectProblem(await house.decision(destroy), 409, "rollover_gate_closed");
    const { next } = await house.call(get(`/rollovers/${id}`));
    const [gate] = (next as { gates: { at: string }[] }).gates;
    await house.later(Date.parse(gate?.at ?? "") - house.team.app.clock.now() + 1_000);
    await house.decide(destroy);
    await house.settle();
    const { keys } = await house.call(get("/key-report"));
    expect(keys).toContainEqual(expect.objectContaining({ name: from }));
    const cancel = ofRollover("cancelKeyDestruction", id, "destruction/cancellation", { authorityId: from });
    await house.decide(cancel);
    await house.settle();
    expect((await house.call(get(`/rollovers/${id}`)))["state"]).toBe("retired");
  });

  it("a root whose key is offline: its request is handed out, and its answer taken", async () => {
    const { rolloverId, to } = await house.decide(planOf({ kind: "root", custody: "offline" }));
    const id = String(rolloverId);
    expectProblem(await house.try(get(`/rollovers/${id}/offline-request`)), 409, "ceremony_state_invalid");
    await house.settle();
    const view = await house.call(get(`/rollovers/${id}/offline-request`));
    const key = offlineKey("P-256");
    const answer = await signOffline({
      request: view["request"] as Parameters<typeof signOffline>[0]["request"],
      csr: await rootCsr(String(to), key),
      roots: [key],
      participants: [offlineKey(), offlineKey()],
      time: new Date(house.team.clock.now()).toISOString().replace(/\.\d+/, ""),
    });
    const bring = (requestSha256: string) =>
      ofRollover("importOfflineAnswer", id, "offline-answer", { requestSha256, answer });
    expectProblem(await house.decision(bring("0".repeat(64))), 422, "ceremony_invalid");
    await house.decide(bring(String(view["sha256"])));
  });

  it("a gate that does not hold, a rollover that is not there, and a second one of a kind are told", async () => {
    expectProblem(await house.try(get(`/rollovers/${nobody}`)), 404, "not_found");
    expectProblem(await house.try(get(`/ceremonies/${nobody}`)), 404, "not_found");
    expectProblem(await house.decision(planOf({ kind: "root" })), 409, "rollover_state_invalid");
    const { rolloverId } = await house.decide(planOf({ kind: "issuing" }));
    await house.decide(ceremonyOf({ purpose: "rollover", rolloverId: String(rolloverId) }));
    await house.settle();
    const early = ofRollover("advanceRollover", String(rolloverId), "advance", { to: "active" });
    expectProblem(await house.decision(early), 409, "rollover_gate_closed");
  });
});

describe("renewals that are pulled forward", () => {
  it("a window is made, listed and ended; one that is too short is refused", async () => {
    const at = (days: number) => new Date(house.team.clock.now() + days * day).toISOString();
    const path = `${base}/renewal-windows`;
    const body = { from: at(0), until: at(8), reason: "superseded" };
    const { windowId } = await house.call({ path, body });
    const { windows } = await house.call(get("/renewal-windows"));
    expect(windows).toContainEqual(expect.objectContaining({ windowId, reason: "superseded" }));
    await house.call({ method: "DELETE", path: `${path}/${String(windowId)}` });
    const short = await house.try({ path, body: { ...body, until: at(0.1) } });
    expect(short.status).toBeGreaterThanOrEqual(400);
    expect(short.headers["content-type"]).toBe("application/problem+json");
    expectProblem(await house.try({ path, body: { ...body, reason: "boredom" } }), 400, "request_invalid");
  });
});

describe("certificates of servers", () => {
  const path = `${base}/server-certificates`;
  const wish = { name: "api", dnsNames: ["api.example.test"] };

  it("asked for, made, renewed, rolled back, resumed and removed", async () => {
    expect(await house.call({ path, body: wish })).toMatchObject({ state: "requested" });
    await house.call(get("/server-certificates/api"));
    await house.tend();
    expect(await house.call(get("/server-certificates/api"))).toMatchObject({ state: "current" });
    expectProblem(await house.try({ path: `${path}/api/rollback` }), 404, "not_found");
    await house.later(21 * day);
    await house.tend();
    expect(await house.call({ path: `${path}/api/rollback` })).toMatchObject({
      state: "rolledBack",
      previous: { certificateId: expect.any(String) },
    });
    expect(await house.call({ path: `${path}/api/resumption` })).toMatchObject({ state: "requested" });
    await house.call(get("/server-certificates", "limit=10"));
    expect(await house.call({ method: "DELETE", path: `${path}/api` })).toMatchObject({ state: "removing" });
    expectProblem(await house.try({ path, body: wish }), 409, "server_certificate_mismatch");
    await house.tend();
    expectProblem(await house.try(get("/server-certificates/api")), 404, "not_found");
    expect((await house.call(get("/server-certificates")))["serverCertificates"]).toEqual([]);
  });

  it("a pipeline has the names that the fleet gives it, and sees no others", async () => {
    const byIam = path.replace("/v1/", "/v1/iam/");
    await house.callByIam({ path: byIam, body: { ...wish, name: "ci" } });
    await house.callByIam({ method: "GET", path: `${byIam}/ci` });
    await house.call({ path, body: { name: "private", dnsNames: ["private.example.org"] } });
    const { team } = house;
    const principal = "arn:aws:sts::123456789012:assumed-role/ci/run-1";
    const foreign = { ...wish, name: "other", dnsNames: ["private.example.org"] };
    expectProblem(await team.send({ path: byIam, body: foreign, principal }), 422, "name_not_permitted");
    expectProblem(await team.send({ method: "GET", path: `${byIam}/private`, principal }), 404, "not_found");
    const stranger = "arn:aws:sts::123456789012:assumed-role/other/run-1";
    const refused = await team.send({ path: byIam, body: wish, principal: stranger });
    expect(refused.status).toBe(403);
    expect(refused.headers["content-type"]).toBe("application/problem+json");
  });

  it.each([
    { why: "another member", body: { ...wish, key: "x" } },
    { why: "no names", body: { ...wish, dnsNames: [] } },
    { why: "an unknown key type", body: { ...wish, keyAlgorithm: "DSA" } },
    { why: "no object", body: [] },
  ])("a body with $why is refused", async ({ body }) => {
    expectProblem(await house.try({ path, body }), 400, "request_invalid");
  });
});

describe("whoever may not", () => {
  const critical = [
    planOf({ kind: "issuing" }),
    ofRollover("advanceRollover", nobody, "advance", { to: "active" }),
    ofRollover("rollBackRollover", nobody, "rollback", { from: "active" }),
    ofRollover("destroyAuthorityKey", nobody, "destruction", { authorityId: "issuing-1" }),
    ofRollover("cancelKeyDestruction", nobody, "destruction/cancellation", { authorityId: "issuing-1" }),
    ceremonyOf({ purpose: "rootList" }),
    dataKeyOf("default-protection"),
  ];

  it.each(critical)("$operation without an approval is refused, whatever it is about", async (call) => {
    const { path, body } = call;
    expectProblem(await house.try({ path, body }), 403, "approval_required");
    const foreign = { path, body, headers: { "fleetkey-approval": nobody } };
    const answer = await house.try(foreign);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  });

  it("another fleet's path is one that does not exist", async () => {
    await addFleet(house.team.app, "other");
    const elsewhere = (path: string) => path.replace("/fleets/default", "/fleets/other");
    for (const path of ["/authorities", "/rollovers", "/ceremonies", "/server-certificates", "/key-report"]) {
      const call = get(path);
      expectProblem(await house.try({ ...call, path: elsewhere(call.path) }), 404, "not_found");
    }
  });

  it("an operator's certificate alone decides nothing", async () => {
    const { team } = house;
    const { certificate } = await operatorOf(team.app, testFleet);
    const reply = await team.send({ path: `${base}/rollovers`, body: { kind: "issuing" }, certificate });
    expectProblem(reply, 403, "approval_required");
  });
});

it("the answer of every route was held against the API's description", () => {
  // Of roots that are offline already: see test/rotation/offline.
  const elsewhere = ["getFleetOfflineRequest", "importFleetOfflineAnswer"];
  const ids = rotationRoutes.map(({ id }) => id).filter((id) => !elsewhere.includes(id));
  expect([...house.read].sort()).toEqual([...ids].sort());
});
