/** Room: test. Pipelines through the door: events of the gateway in, answers out. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { requestServerCertificate } from "../../core/rotation/server-request.ts";
import { type PipelineOperation, pipelineOperations } from "../../core/standard/access.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { deviceOf, operatorOf } from "../lambdas/fleet-callers.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { testFleet } from "../support/fleet-app.ts";
import { publishTrustOf } from "../support/published-trust.ts";
import { audienceOf, iamEntry, openPipelines, type Pipelines, subject, tenant, trust } from "./pipelines.ts";

let house: Pipelines;
let handlers: Handlers;
let serialNumber: string;
beforeAll(async () => {
  house = await openPipelines();
  handlers = handlersOf(house.app);
  ({ serialNumber } = await deviceOf(house.app, testFleet, "pump-1"));
  await publishTrustOf(house.app, testFleet);
  const server = { name: "ingest", dnsNames: ["ingest.example.test"], keyAlgorithm: "P-256" } as const;
  const caller = { actor: "operator:x", namePatterns: "any" } as const;
  await requestServerCertificate(house.app, { fleet: testFleet, caller, ...server });
});
afterAll(() => house.close());
beforeEach(() => trust(house.app, [house.entry(), iamEntry()]));

const principal = "arn:aws:sts::123456789012:assumed-role/ci-role/session";
const context = { purpose: "observations", subject: "s-1" };
/** By the id of the route, which the one for IAM shares but for its end; absent: it takes none. */
const bodies: Readonly<Record<string, object>> = {
  createEnrollmentToken: { deviceId: "pump-7" },
  registerDevices: { devices: [{ deviceId: "pump-8" }] },
  acknowledgeTrust: { version: 1 },
  requestServerCertificate: { name: "ingest", dnsNames: ["ingest.example.test"] },
  createDataKey: { context },
  createDataKeyPair: { context },
  getSubjectKey: { subject: "s-1" },
  encryptData: { context, plaintext: Buffer.from("120/80").toString("base64") },
};

/** What was made before with another operation: a data key and a message to open. */
async function bodyOf({ id }: Route): Promise<object | undefined> {
  const name = id.replace(/ByIam$/, "");
  const made = async (maker: string) => {
    const operations = ["createDataKey", "encryptData"] as const;
    await trust(house.app, [house.entry({ operations, purposes })]);
    const { answer } = await call(
      routeOf(maker),
      { token: await house.sign() },
      { body: bodies[maker] ?? {} },
    );
    return answer;
  };
  if (name === "unwrapDataKey") return { context, wrapped: (await made("createDataKey"))["wrapped"] };
  if (name === "decryptData" || name === "reencryptData")
    return { context, message: (await made("encryptData"))["message"] };
  return bodies[name];
}

const id = "0123456789abcdef0123456789abcdef";
const parameters = {
  deviceId: "pump-1",
  operatorId: "operator-1",
  claimId: "claim-1",
  approvalId: id,
  requestId: `${id}${id}`,
  rolloverId: id,
  ceremonyId: id,
  windowId: id,
  decryptionId: id,
  reencryptionId: id,
  shredId: id,
  backendId: "records",
  serverName: "ingest",
};

type Credentials = { readonly token?: string; readonly principal?: string; readonly certificate?: string };

async function call(route: Route, credentials: Credentials, options: { fleet?: string; body?: object } = {}) {
  const { fleet = testFleet, body } = options;
  const { token, ...presented } = credentials;
  const values: Readonly<Record<string, string>> = { fleet, serialNumber, ...parameters };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
  const event = gatewayEvent({
    method: route.method,
    path,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...presented,
  });
  const { statusCode, body: text } = await handlers[route.function](event);
  const answer = JSON.parse(text) as Record<string, unknown>;
  return { status: statusCode, code: answer["code"], answer };
}

const all: readonly Route[] = routes;
const operationOf = ({ access }: Route) => (access === "public" ? undefined : access.operation);
const opens = ({ access }: Route, kind: "pipeline" | "iam") =>
  access !== "public" && access.by.includes(kind);
const routeOf = (id: string): Route => all.find((route) => route.id === id) ?? expect.fail(`no route ${id}`);
const profiles = ["device"] as const;
const serverNames = ["*.example.test"];
const purposes = ["*"];

describe.each([
  { kind: "pipeline" as const, present: async () => ({ token: await house.sign() }) },
  { kind: "iam" as const, present: async () => ({ principal }) },
])("$kind: an entry's operations, and no other", ({ kind, present }) => {
  const own = all.filter((route) => opens(route, kind));

  it("every operation that an entry can name has a route", () => {
    expect([...new Set(own.map(operationOf))].sort()).toEqual([...pipelineOperations].sort());
  });

  it.each(own)("$method $path opens with its own operation only", async (route) => {
    const operation = operationOf(route) ?? expect.fail("no operation");
    const others = pipelineOperations.filter((each) => each !== operation);
    const body = await bodyOf(route);
    const knock = async (operations: readonly PipelineOperation[]) => {
      const entry =
        kind === "iam"
          ? iamEntry({ operations, profiles, serverNames, purposes })
          : house.entry({ operations, profiles, serverNames, purposes });
      await trust(house.app, [entry]);
      return call(route, await present(), body === undefined ? {} : { body });
    };
    expect(await knock(others)).toMatchObject({ status: 403, code: "access_denied" });
    const { status, answer } = await knock([operation]);
    expect([200, 201, 202], JSON.stringify(answer)).toContain(status);
  });

  // An enrolment asks for no credential at the door: whatever it is worth, its use case says.
  const others = all.filter(
    ({ access }) => access !== "public" && !access.by.includes(kind) && !access.by.includes("enrollment"),
  );
  it.each(others)("$method $path is not for it", async (route) => {
    const { status } = await call(route, await present(), route.method === "GET" ? {} : { body: {} });
    expect([401, 403, 404]).toContain(status);
  });
});

describe("an entry's profiles", () => {
  const create = routeOf("createEnrollmentToken");

  it("a token for another profile is refused", async () => {
    const body = { deviceId: "pump-9", profile: "quarantine" };
    const { code, answer } = await call(create, { token: await house.sign() }, { body });
    expect({ code, detail: answer["detail"] }).toEqual({
      code: "profile_not_permitted",
      detail: "the fleet lets this pipeline ask for device",
    });
  });

  it("with IAM too", async () => {
    const body = { deviceId: "pump-9", profile: "quarantine" };
    const route = routeOf("createEnrollmentTokenByIam");
    expect(await call(route, { principal }, { body })).toMatchObject({ code: "profile_not_permitted" });
  });

  it("an entry without profiles asks for no token, the default's neither", async () => {
    await trust(house.app, [house.entry({ profiles: [] })]);
    const answer = await call(create, { token: await house.sign() }, { body: { deviceId: "pump-9" } });
    expect(answer).toMatchObject({ code: "profile_not_permitted" });
  });

  it("a device registered for another profile is refused", async () => {
    await trust(house.app, [house.entry({ operations: ["registerDevices"] })]);
    const body = { devices: [{ deviceId: "pump-10", profile: "quarantine" }] };
    const { status, answer } = await call(
      routeOf("registerDevices"),
      { token: await house.sign() },
      { body },
    );
    expect(JSON.stringify([status, answer])).toContain("profile_not_permitted");
  });

  it("the audit log names the entry, and nothing of the token", async () => {
    await call(create, { token: await house.sign() }, { body: { deviceId: "pump-11" } });
    const day = new Date(house.clock.now()).toISOString().slice(0, 10);
    const shards = Array.from({ length: 16 }, (_, index) => index.toString(16));
    const pages = await Promise.all(
      shards.map((shard) =>
        house.app.items.query({ pk: `AUDIT#${testFleet}#${day}#${shard}`, limit: 1_000 }),
      ),
    );
    const entries = pages.flatMap(({ items }) => items.map(({ attributes }) => attributes));
    const entry = entries.find((each) => each["subject"] === "pump-11");
    expect(entry).toMatchObject({ action: "enrollment-token.created", actor: "pipeline:ci" });
    expect(JSON.stringify(entries)).not.toContain("acme");
  });
});

describe("whose credential it is", () => {
  const list = routeOf("listCertificates");
  const reader = () => house.entry({ operations: ["listCertificates"] });

  it("a token for one fleet at another's path: as an unknown token", async () => {
    await trust(house.app, [reader()]);
    await trust(
      house.app,
      [house.entry({ operations: ["listCertificates"], audience: audienceOf(tenant) })],
      tenant,
    );
    expect(await call(list, { token: await house.sign() })).toMatchObject({ status: 200 });
    const foreign = await call(list, { token: await house.sign() }, { fleet: tenant });
    const unknown = await call(list, { token: await house.sign() }, { fleet: "nobody" });
    expect(foreign).toMatchObject({ status: 401, code: "token_invalid" });
    expect(unknown).toEqual(foreign);
    await trust(house.app, [], tenant);
  });

  it("one fleet's IAM principal at another's path: as an unknown principal", async () => {
    const route = routeOf("listCertificatesByIam");
    await trust(house.app, [iamEntry({ operations: ["listCertificates"] })]);
    expect(await call(route, { principal })).toMatchObject({ status: 200 });
    const foreign = await call(route, { principal }, { fleet: tenant });
    expect(foreign).toMatchObject({ status: 403, code: "access_denied" });
    expect(await call(route, { principal }, { fleet: "nobody" })).toEqual(foreign);
  });

  it("a principal opens IAM's paths only, and a token none of them", async () => {
    await trust(house.app, [reader(), iamEntry({ operations: ["listCertificates"] })]);
    expect((await call(list, { principal })).status).toBe(401);
    const token = await house.sign();
    expect((await call(routeOf("listCertificatesByIam"), { token })).status).toBe(401);
  });

  it("a principal that a header names is nobody", async () => {
    const event = gatewayEvent({
      path: `/v1/iam/fleets/${testFleet}/certificates`,
      headers: { "x-amzn-iam-arn": principal, "x-amz-user-arn": principal },
    });
    expect((await handlers.distribution(event)).statusCode).toBe(401);
  });

  it("a bad token beside a good operator certificate: the certificate counts, and the token adds nothing", async () => {
    const { certificate } = await operatorOf(house.app, testFleet);
    const token = await house.sign({ sub: "repo:evil/x" });
    expect((await call(list, { certificate, token })).status).toBe(200);
    expect((await call(list, { token })).status).toBe(401);
  });

  it("a device's certificate beside a good token is refused: no credential hides another", async () => {
    await trust(house.app, [reader()]);
    const { certificate } = await deviceOf(house.app, testFleet, "pump-20");
    const token = await house.sign();
    expect(await call(list, { certificate, token })).toMatchObject({ status: 403, code: "access_denied" });
  });
});

describe("a suspended fleet", () => {
  const suspend = async (state: "active" | "suspended") => {
    const key = fleetItem(house.fleet.record);
    const stored = await house.app.items.get({ pk: key.pk, sk: key.sk });
    const put = fleetItem({ ...house.fleet.record, state });
    await house.app.items.transact([{ put, when: stored?.version ?? 0 }]);
  };

  it("lets no pipeline in, by token or IAM, until it is active again", async () => {
    const create = routeOf("createEnrollmentToken");
    const byIam = routeOf("createEnrollmentTokenByIam");
    const token = await house.sign();
    const body = { deviceId: "pump-30" };
    await suspend("suspended");
    expect(await call(create, { token }, { body })).toMatchObject({ status: 403, code: "fleet_suspended" });
    expect(await call(byIam, { principal }, { body })).toMatchObject({ code: "fleet_suspended" });
    const stranger = await house.sign({ sub: `${subject}-evil` });
    expect(await call(create, { token: stranger }, { body })).toMatchObject({ code: "token_invalid" });
    await suspend("active");
    expect(await call(create, { token }, { body })).toMatchObject({ status: 201 });
  });
});
