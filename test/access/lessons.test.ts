/** Room: test. Failures of others that were failures of access, each with the test that it owes us. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import type { ItemStore } from "../../core/ports.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { gatewayEvent, problemOf } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type Credential, credentials } from "./matrix/credentials.ts";
import { fleets, openWorld, subject, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const json = { "content-type": "application/json" };
const base = `/v1/fleets/${fleets.own}`;
const everyRoute = [...routes] as readonly Route[];
const routeOf = (id: string): Route =>
  everyRoute.find((each) => each.id === id) ?? expect.fail(`no route ${id}`);

function named(name: string, state = "fresh", side = "own"): Credential {
  const found = credentials.find((each) => each.name === name && each.state === state && each.side === side);
  return found ?? expect.fail(`no credential ${name}, ${state}, ${side}`);
}

async function ask(credential: Credential, method: string, path: string, body?: unknown) {
  const presented = await credential.present(world, { method, path });
  const match = everyRoute.find((each) => {
    const pattern = new RegExp(`^${each.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return each.method === method && pattern.test(path);
  });
  if (match === undefined) expect.fail(`no route for ${method} ${path}`);
  const { headers = {}, ...rest } = presented;
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const event = gatewayEvent({ method, path, headers: { ...json, ...headers }, ...rest, ...sent });
  return world.handlers[match.function](event);
}

const codeAt = async (...call: Parameters<typeof ask>): Promise<unknown> =>
  problemOf(await ask(...call))["code"];

describe("step-ca GO-2025-4180, GO-2025-4181: revocation is nobody's but the security roles'", () => {
  const permitted = new Set(
    ["owner", "securityOfficer"].flatMap((role) => [`certificate of ${role}`, `session of ${role}`]),
  );

  it.each(
    credentials.map(
      (credential) => [credential.name, credential.state, credential.side, credential] as const,
    ),
  )("%s, %s, %s fleet", async (name, state, side, credential) => {
    const path = `${base}/certificates/${world.victim("other")}/revocation`;
    const { statusCode } = await ask(credential, "POST", path, { reason: "keyCompromise" });
    const mayAsk = permitted.has(name) && state === "fresh" && side === "own";
    // Whoever may ask is told that this fleet has no such certificate: it is the other's.
    if (mayAsk) expect(statusCode).toBe(404);
    else expect([401, 403, 404]).toContain(statusCode);
  });

  it("and the other fleet's certificate is as it was", async () => {
    const path = `/v1/fleets/${fleets.other}/certificates/${world.victim("other")}`;
    const certificate = world.certificate("auditor", "other", "fresh");
    const answer = await world.handlers.distribution(gatewayEvent({ path, certificate }));
    expect(JSON.parse(answer.body)).toMatchObject({ status: "active" });
  });
});

describe("EJBCA CVE-2020-25276, CVE-2021-40088: a revoked, expired or other fleet's certificate", () => {
  const csr = () => deviceCsr(deviceKey()).toString("base64");

  it.each(["revoked", "expired", "wrongKey"] as const)(
    "%s: never enrols, renews, revokes or reads",
    async (state) => {
      for (const holder of ["device", "claim", "owner"] as const) {
        const credential = named(`certificate of ${holder}`, state);
        for (const [method, path, body] of [
          ["POST", `${base}/certificates`, { csr: csr(), deviceId: "pump-victim" }],
          ["POST", `${base}/certificates/renew`, { csr: csr() }],
          ["POST", `${base}/certificates/${world.victim("own")}/revocation`, {}],
          ["GET", `${base}/certificates`, undefined],
        ] as const) {
          expect(await codeAt(credential, method, path, body)).toMatch(
            /^client_certificate_(?:revoked|expired|untrusted)$/,
          );
        }
      }
    },
  );

  it("another fleet's: the path does not exist for it", async () => {
    for (const holder of ["device", "claim", "owner"] as const) {
      const credential = named(`certificate of ${holder}`, "fresh", "other");
      const body = { csr: csr(), deviceId: "pump-victim" };
      expect(await codeAt(credential, "POST", `${base}/certificates`, body)).toBe("not_found");
    }
  });
});

describe("Lemur 2026", () => {
  it("a token's own alg, key and URLs count for nothing: jku, x5u and a foreign iss are fetched from nowhere", async () => {
    const now = Math.floor(world.house.clock.now() / 1000);
    const claims = { sub: subject, aud: `https://pki.example.test/${fleets.own}`, iat: now, exp: now + 300 };
    const { issuer } = world;
    const elsewhere = { jku: `${issuer.issuer}/keys?stolen`, x5u: `${issuer.issuer}/stolen` };
    const foreign = await issuer.sign({ ...claims, iss: "https://127.0.0.1:1" });
    const before = await issuer.fetches();
    const forged = await issuer.sign(claims, { header: elsewhere, key: "other" });
    for (const token of [forged, foreign]) {
      const event = gatewayEvent({
        path: `${base}/certificates`,
        headers: { authorization: `Bearer ${token}` },
      });
      expect(problemOf(await world.handlers.distribution(event))).toMatchObject({
        code: "token_invalid",
        status: 401,
      });
    }
    const after = await issuer.fetches();
    expect(after.discovery - before.discovery).toBeLessThanOrEqual(1);
    expect(after.keys - before.keys).toBeLessThanOrEqual(1);
  });

  it.each([
    ["a certificate", "GET", (): string => `${base}/certificates/${world.victim("other")}`],
    ["a device", "GET", (): string => `${base}/devices/pump-only-there`],
    ["a claim", "GET", (): string => `${base}/claims/claim-only-there`],
    ["an approval", "GET", (): string => `${base}/approvals/${"1".repeat(32)}`],
  ] as const)("IDOR: %s of another fleet is as one that nobody has", async (_name, method, path) => {
    const { statusCode, body } = await ask(named("certificate of owner"), method, path());
    expect(statusCode).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ code: "not_found" });
  });

  it("an operator of another fleet is not changed through one's own", async () => {
    const body = {
      operation: "changeOperator",
      parameters: { operatorId: "operator-nobody" },
      body: { state: "suspended" },
    };
    const { statusCode } = await ask(named("session of owner"), "POST", `${base}/approvals`, body);
    expect([201, 404]).toContain(statusCode);
    const theirs = world.certificate("owner", "other", "fresh");
    const path = `/v1/fleets/${fleets.other}/operators`;
    const { body: list } = await world.handlers.access(gatewayEvent({ path, certificate: theirs }));
    expect(JSON.parse(list).operators.every(({ state }: { state: string }) => state === "active")).toBe(true);
  });
});

/** A store whose n-th read fails, and every one after it. */
function failing(items: ItemStore, from: number): ItemStore {
  let reads = 0;
  const read = <Result>(call: () => Promise<Result>): Promise<Result> => {
    reads += 1;
    if (reads >= from) throw new AppError("store_unavailable", "the store does not answer");
    return call();
  };
  return {
    get: async (key) => read(() => items.get(key)),
    query: async (query) => read(() => items.query(query)),
    transact: (operations) => items.transact(operations),
  };
}

describe("flags that fail open: a door that cannot look lets nobody in", () => {
  const doors = [
    ["certificate of owner", "getFleet", `${base}`],
    ["session of owner", "getFleet", `${base}`],
    ["certificate of device", "getOwnDevice", `${base}/device`],
    ["pipeline token", "listCertificates", `${base}/certificates`],
    ["IAM principal", "listCertificatesByIam", `/v1/iam/fleets/${fleets.own}/certificates`],
  ] as const;

  it.each(doors)("%s at %s", async (name, id, path) => {
    const route = routeOf(id);
    let refusals = 0;
    for (let from = 1; ; from += 1) {
      const handlers = handlersOf({ ...world.house.app, items: failing(world.house.app.items, from) });
      const target = { method: "GET", path };
      const presented = await named(name).present(world, target);
      const { statusCode } = await handlers[route.function](gatewayEvent({ ...target, ...presented }));
      if (statusCode === 200) break;
      expect(statusCode).toBe(503);
      refusals += 1;
    }
    expect(refusals).toBeGreaterThan(0);
  });
});

it("GO-2025-4193: a token of 9,000 characters is refused before anything decodes it", async () => {
  const token = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${"A".repeat(9_000)}.AA`;
  const event = gatewayEvent({ path: `${base}/certificates`, headers: { authorization: `Bearer ${token}` } });
  expect(problemOf(await world.handlers.distribution(event))).toMatchObject({ status: 401 });
});

describe("Vault CVE-2020-16250: what is bound to another audience or host is worth nothing here", () => {
  it("a pipeline token for the other fleet's audience", async () => {
    expect(await codeAt(named("pipeline token", "fresh", "other"), "GET", `${base}/certificates`)).toBe(
      "token_invalid",
    );
  });

  it("a session's proof for another host, also when the request claims that host", async () => {
    const credential = named("session of owner");
    const { headers = {} } = await credential.present(world, { method: "GET", path: base });
    const { authorization = "" } = headers;
    const token = authorization.replace("DPoP ", "");
    const url = `https://evil.example${base}`;
    const dpop = await world.key.proof({
      method: "GET",
      url,
      accessToken: token,
      now: world.house.clock.now(),
    });
    const event = gatewayEvent({ path: base, headers: { authorization, dpop } });
    const there = { ...event, requestContext: { ...event.requestContext, domainName: "evil.example" } };
    for (const each of [event, there])
      expect(problemOf(await world.handlers.access(each))).toMatchObject({ code: "proof_invalid" });
  });
});

describe("Fulcio CVE-2026-22772: patterns cover the whole claim", () => {
  const now = (): number => Math.floor(world.house.clock.now() / 1000);

  it.each([
    `${subject}-evil`,
    `evil/${subject}`,
    subject.toUpperCase(),
    ` ${subject}`,
    `${subject}\n`,
    subject.replace("acme", "аcme"),
    "repo:acme/firmware:*",
  ])("%j is not the trusted subject", async (sub) => {
    const claims = { sub, aud: `https://pki.example.test/${fleets.own}`, iat: now(), exp: now() + 300 };
    const headers = { authorization: `Bearer ${await world.issuer.sign(claims)}` };
    const event = gatewayEvent({ path: `${base}/certificates`, headers });
    expect(problemOf(await world.handlers.distribution(event))).toMatchObject({ code: "token_invalid" });
  });
});

it("API Gateway mutual TLS never checks revocation: the next request after it is refused, by our own word", async () => {
  const { handlers, house } = world;
  const { app } = house;
  const { deviceOf } = await import("../lambdas/fleet-callers.ts");
  const device = await deviceOf(app, fleets.own, "pump-revoked-now");
  const event = () => gatewayEvent({ path: `${base}/device`, certificate: device.certificate });
  expect((await handlers.enrollment(event())).statusCode).toBe(200);
  const path = `${base}/certificates/${device.serialNumber}/revocation`;
  expect((await ask(named("certificate of owner"), "POST", path, {})).statusCode).toBe(200);
  expect(problemOf(await handlers.enrollment(event()))).toMatchObject({ code: "client_certificate_revoked" });
});
