/** Room: test. Failures of others that were failures of access, each with the test that it owes us. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClaim } from "../../core/enrollment/claim.ts";
import type { IdentityVerifier } from "../../core/ports.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { type FunctionId, type Route, routes } from "../../lambdas/routes.ts";
import { register } from "../enrollment/fixtures/configured-fleet.ts";
import { deviceOf } from "../lambdas/fleet-callers.ts";
import { gatewayEvent, problemOf } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { ask, codeAt, named } from "./matrix/caller.ts";
import { credentials } from "./matrix/credentials.ts";
import { type Expectation, expectations } from "./matrix/expectations.ts";
import { fleets, openWorld, subject, type World } from "./matrix/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const base = `/v1/fleets/${fleets.own}`;
const everyRoute = [...routes] as readonly Route[];
const functions = [...new Set(everyRoute.map((route) => route.function))];
const csr = (): string => deviceCsr(deviceKey()).toString("base64");
const now = (): number => Math.floor(world.house.clock.now() / 1000);
const bearer = (token: string) =>
  gatewayEvent({ path: `${base}/certificates`, headers: { authorization: `Bearer ${token}` } });

describe("step-ca CVE-2026-30836: nothing is open that is not in the table", () => {
  const owner = () => world.certificate("owner", "own", "fresh");
  const everyPath = [...new Set(everyRoute.map(({ path }) => path))].map((path) =>
    path.replace("{fleet}", fleets.own).replaceAll(/\{\w+\+?\}/g, "pump-victim"),
  );
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", ""];

  const statusAt = async (duty: FunctionId, method: string, path: string): Promise<number> =>
    (await world.handlers[duty](gatewayEvent({ method, path, certificate: owner() }))).statusCode;

  const pathOf = ({ path }: Route): string =>
    path.replace("{fleet}", fleets.own).replaceAll(/\{\w+\+?\}/g, "pump-victim");

  it.each(everyPath)("%s: an owner is refused with each method that no row has", async (path) => {
    const listed = everyRoute.filter((route) => pathOf(route) === path);
    const taken = new Set(listed.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])));
    for (const method of methods.filter((each) => !taken.has(each))) {
      for (const duty of functions) expect(await statusAt(duty, method, path)).toBe(405);
    }
  });

  it("each path has one spelling", async () => {
    // The rest of an OCSP path is the request itself, in any base64: each is answered as what it says.
    const spelled = everyPath.filter((path) => !path.includes("/ocsp"));
    for (const path of spelled) {
      const spellings = [
        `${path}/`,
        `/${path}`,
        // What no parameter may be: below a list there are rows for its things.
        `${path}/~`,
        `${path}//`,
        path.toUpperCase(),
        path.replace("/v1/", "/v1/./"),
        path.replace("/v1/", "/v1/x/../"),
        path.replace("fleets", "fleet%73"),
        `${path}%2f`,
        `${path};x`,
        path.replace("/v1/", "/v2/"),
      ].filter((each) => each !== path);
      for (const spelling of spellings) {
        for (const duty of functions) {
          const status = await statusAt(duty, "GET", spelling);
          // As a parameter's value, what is there is read as it stands, and refused for its form.
          expect([400, 404, 405], spelling).toContain(status);
        }
      }
    }
  });

  it("no function serves another's route", async () => {
    for (const route of everyRoute) {
      for (const duty of functions.filter((each) => each !== route.function))
        expect(await statusAt(duty, route.method, pathOf(route))).toBe(404);
    }
  });

  it("open to anyone is what is stated by hand, and nothing of it changes a fleet", () => {
    const open = everyRoute.filter(({ access }) => access === "public").map(({ id }) => id);
    const stated = Object.entries<Expectation>(expectations).filter(([, { anyone }]) => anyone === true);
    expect(open.sort()).toEqual(stated.map(([id]) => id).sort());
    const writing = everyRoute.filter(
      ({ access, touches: { items } }) => access === "public" && ["answer", "write"].includes(items),
    );
    // Challenges are forgotten after minutes; an OCSP answer that was signed is kept for whoever asks next.
    expect(writing.map(({ id }) => id)).toEqual(["createChallenge", "postOcsp", "getOcsp"]);
  });

  it("the matrix states who may call every route of the table, and of no other", () => {
    expect(Object.keys(expectations).sort()).toEqual(routes.map(({ id }) => id).sort());
  });
});

describe("step-ca GO-2025-4180, GO-2025-4181: revocation is nobody's but the security roles'", () => {
  const permitted = new Set([
    ...["owner", "securityOfficer"].flatMap((role) => [`certificate of ${role}`, `session of ${role}`]),
    // An owner's session or certificate, with an approval that this needs not.
    "approval",
  ]);

  it.each(
    credentials.map(
      (credential) => [credential.name, credential.state, credential.side, credential] as const,
    ),
  )("%s, %s, %s fleet", async (name, state, side, credential) => {
    const path = `${base}/certificates/${world.victim("other")}/revocation`;
    const body = { reason: "keyCompromise" };
    const { statusCode } = await ask(world, credential, { method: "POST", path, body });
    const mayAsk = name === "approval" || (permitted.has(name) && state === "fresh" && side === "own");
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
          expect(await codeAt(world, credential, { method, path, body })).toMatch(
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
      const call = { method: "POST", path: `${base}/certificates`, body };
      expect(await codeAt(world, credential, call)).toBe("not_found");
    }
  });
});

describe("Lemur 2026: what a token says of itself", () => {
  it("jku, x5u and a foreign iss are fetched from nowhere", async () => {
    const { issuer } = world;
    const claims = {
      sub: subject,
      aud: `https://pki.example.test/${fleets.own}`,
      iat: now(),
      exp: now() + 300,
    };
    const elsewhere = { jku: `${issuer.issuer}/keys?stolen`, x5u: `${issuer.issuer}/stolen` };
    const foreign = await issuer.sign({ ...claims, iss: "https://127.0.0.1:1" });
    const before = await issuer.fetches();
    const forged = await issuer.sign(claims, { header: elsewhere, key: "other" });
    for (const token of [forged, foreign]) {
      const problem = problemOf(await world.handlers.distribution(bearer(token)));
      expect(problem).toMatchObject({ code: "token_invalid", status: 401 });
    }
    const after = await issuer.fetches();
    expect(after.discovery - before.discovery).toBeLessThanOrEqual(1);
    expect(after.keys - before.keys).toBeLessThanOrEqual(1);
  });
});

it("GO-2025-4193: a token of 9,000 characters is refused before anything decodes it", async () => {
  let reads = 0;
  const refuse = async (): Promise<never> => {
    reads += 1;
    throw new Error("nothing may read it");
  };
  const identities: IdentityVerifier = {
    verifyToken: refuse,
    verifyProof: refuse,
    verifyRegistration: refuse,
    verifyAssertion: refuse,
  };
  const handlers = handlersOf({ ...world.house.app, identities });
  const token = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${"A".repeat(9_000)}.AA`;
  const problem = problemOf(await handlers.distribution(bearer(token)));
  expect(problem).toMatchObject({ status: 401, code: "credential_invalid" });
  expect(reads).toBe(0);
});

describe("Vault CVE-2020-16250: what is bound to another audience or host is worth nothing here", () => {
  it("a pipeline token for the other fleet's audience", async () => {
    const credential = named("pipeline token", "fresh", "other");
    expect(await codeAt(world, credential, { path: `${base}/certificates` })).toBe("token_invalid");
  });

  it("a session's proof for another host, also when the request claims that host", async () => {
    const target = { method: "GET", path: base };
    const { headers = {} } = await named("session of owner").present(world, target);
    const { authorization = "" } = headers;
    const accessToken = authorization.replace("DPoP ", "");
    const url = `https://evil.example${base}`;
    const dpop = await world.key.proof({ method: "GET", url, accessToken, now: world.house.clock.now() });
    const event = gatewayEvent({ path: base, headers: { authorization, dpop } });
    const there = { ...event, requestContext: { ...event.requestContext, domainName: "evil.example" } };
    for (const each of [event, there])
      expect(problemOf(await world.handlers.access(each))).toMatchObject({ code: "proof_invalid" });
  });
});

describe("Fulcio CVE-2026-22772: patterns cover the whole claim", () => {
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
    const event = bearer(await world.issuer.sign(claims));
    expect(problemOf(await world.handlers.distribution(event))).toMatchObject({ code: "token_invalid" });
  });
});

describe("AWS IoT claim keys, shared by a fleet: a claim that leaks is worth little", () => {
  const enrol = async (certificate: string, deviceId: string) => {
    const event = gatewayEvent({
      method: "POST",
      path: `${base}/certificates`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ csr: csr(), deviceId }),
      certificate,
    });
    const { statusCode, body } = await world.handlers.enrollment(event);
    return statusCode === 201 ? "let in" : JSON.parse(body).code;
  };
  let claims = 0;
  const claimed = () => {
    claims += 1;
    const claim = { fleet: fleets.own, actor: "operator:x", claimId: `claim-leaked-${claims}`, quota: 2 };
    return createClaim(world.house.app, { ...claim, csr: deviceCsr(deviceKey()) });
  };

  it("quota: it enrols two devices, and no third", async () => {
    const devices = ["pump-quota-1", "pump-quota-2", "pump-quota-3"];
    await register(world.house.app, devices, fleets.own);
    const { certificate } = await claimed();
    const answers = [];
    for (const deviceId of devices) answers.push(await enrol(certificate, deviceId));
    expect(answers).toEqual(["let in", "let in", "quota_exhausted"]);
  });

  it("inventory: it names no device into being, and each of it once", async () => {
    await register(world.house.app, ["pump-once"], fleets.own);
    const { certificate } = await claimed();
    expect(await enrol(certificate, "pump-invented")).toBe("device_unknown");
    expect(await enrol(certificate, "pump-once")).toBe("let in");
    expect(await enrol(certificate, "pump-once")).toBe("credential_spent");
    // Neither does another claim get at a device that one has enrolled.
    expect(await enrol((await claimed()).certificate, "pump-once")).toBe("credential_spent");
  });

  it("expiry and revocation end it", async () => {
    const { certificate, serialNumber } = await claimed();
    const path = `${base}/certificates/${serialNumber}/revocation`;
    const call = { method: "POST", path, body: {} };
    expect((await ask(world, named("certificate of owner"), call)).statusCode).toBe(200);
    expect(await enrol(certificate, "pump-victim")).toBe("client_certificate_revoked");
    const old = world.certificate("claim", "own", "expired");
    expect(await enrol(old, "pump-victim")).toBe("client_certificate_expired");
  });
});

it("API Gateway mutual TLS never checks revocation: the next request after it is refused, by our own word", async () => {
  const { handlers, house } = world;
  const device = await deviceOf(house.app, fleets.own, "pump-revoked-now");
  const event = () => gatewayEvent({ path: `${base}/device`, certificate: device.certificate });
  expect((await handlers.enrollment(event())).statusCode).toBe(200);
  const path = `${base}/certificates/${device.serialNumber}/revocation`;
  const call = { method: "POST", path, body: {} };
  expect((await ask(world, named("certificate of owner"), call)).statusCode).toBe(200);
  expect(problemOf(await handlers.enrollment(event()))).toMatchObject({ code: "client_certificate_revoked" });
});
