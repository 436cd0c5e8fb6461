/**
 * Room: test. No secret in a log: every kind of credential, good and bad, at calls of every kind, with personal data
 * planted wherever callers write; then everything that was logged and audited is searched. `.ci/run` does the same with
 * what all tests wrote.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handlersOf } from "../../lambdas/handlers.ts";
import { createLog } from "../../lambdas/http/logger.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { canaries } from "../../scripts/secrets/canaries.ts";
import { searchSecrets } from "../../scripts/secrets/search.ts";
import { credentials, type Presented } from "../access/matrix/credentials.ts";
import { fleets, openWorld, type World } from "../access/matrix/world.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const [person = "", email = "", ssn = "", birthDate = "", policy = ""] = canaries;

/** Where the callers of one route may write, filled with what no log may show. */
function planted(route: Route) {
  const path = route.path
    .replace("{fleet}", fleets.own)
    .replace("{deviceId}", "pump-victim")
    .replace("{serialNumber}", world.victim("own"))
    .replaceAll(/\{\w+\}/g, encodeURIComponent(person));
  const body = {
    deviceId: email,
    csr: deviceCsr(deviceKey(), { commonName: person }).toString("base64"),
    operatorId: ssn,
    reason: birthDate,
    claimId: policy,
    [email]: person,
    devices: [{ deviceId: ssn }],
    credential: { id: person, response: { clientDataJSON: email } },
    challenge: person,
  };
  const headers = {
    "content-type": "application/json",
    "user-agent": person,
    accept: "application/json",
    referer: `https://example.org/?${email}`,
    "x-patient": ssn,
    cookie: `name=${person}`,
    "if-match": birthDate,
    "fleetkey-approval": person,
  };
  return {
    path,
    headers,
    body: JSON.stringify(body),
    query: `deviceId=${encodeURIComponent(email)}&dob=${birthDate}`,
  };
}

/** Texts of a credential that are worth something to whoever reads them. */
function secretsOf({ headers = {}, certificate }: Presented): readonly string[] {
  const values = [
    headers["authorization"]?.replace(/^\w+ /, ""),
    headers["dpop"],
    certificate?.split("\n")[1],
  ];
  return values.filter((value): value is string => value !== undefined && value.length > 20);
}

describe("every credential at every route, with personal data wherever callers write", () => {
  it("logs neither, and audits neither", async () => {
    const written: string[] = [];
    const log = createLog({ write: (lines) => void written.push(lines) });
    const handlers = handlersOf({ ...world.house.app, log });
    const secrets = new Set<string>();
    for (const route of [...routes] as readonly Route[]) {
      const { headers, ...rest } = planted(route);
      for (const credential of credentials) {
        const presented = await credential.present(world, { method: route.method, path: rest.path });
        for (const secret of secretsOf(presented)) secrets.add(secret);
        const event = {
          method: route.method,
          ...rest,
          ...presented,
          headers: { ...headers, ...presented.headers },
        };
        await handlers[route.function](gatewayEvent(event));
      }
    }
    const text = written.join("");
    const { logLines, findings } = searchSecrets(text, [...canaries, ...secrets]);
    expect(logLines).toBeGreaterThan(6_000);
    expect(secrets.size).toBeGreaterThan(3_000);
    expect(findings).toEqual([]);
  }, 120_000);

  it("the audit log names opaque ids alone", async () => {
    const day = new Date(world.house.clock.now()).toISOString().slice(0, 10);
    const entries: string[] = [];
    for (const fleet of Object.values(fleets)) {
      for (let shard = 0; shard < 16; shard += 1) {
        const pk = `AUDIT#${fleet}#${day}#${shard.toString(16)}`;
        const { items } = await world.house.app.items.query({ pk, limit: 1_000 });
        entries.push(...items.map(({ attributes }) => JSON.stringify(attributes)));
      }
    }
    expect(entries.length).toBeGreaterThan(10);
    expect(searchSecrets(entries.join("\n"), canaries).findings).toEqual([]);
  });
});

describe("the search finds what is there", () => {
  const line = (members: object): string =>
    JSON.stringify({ time: "2026-03-01T00:00:00.000Z", level: "info", ...members });
  const jws = `eyJhbGciOiJFUzI1NiJ9.${"A".repeat(20)}.${"B".repeat(20)}`;

  it.each([
    ["a planted canary", `anything ${person} anywhere`],
    ["a private key", "-----BEGIN PRIVATE KEY-----"],
    ["a JWS", `token ${jws}`],
    ["an Authorization header", `authorization: Bearer ${"x".repeat(43)}`],
    ["a token or key", line({ event: "x", detail: "x".repeat(43).replace("x", "Q") })],
    ["an e-mail address", line({ event: "x", detail: "to someone@example.com" })],
    ["a social security number", line({ event: "x", subjectId: "078-05-1120" })],
    ["a date", line({ event: "x", deviceId: "born-1970-01-31" })],
    ["a date", line({ event: "x", crlShard: "1970-01-31" })],
    ["a date", line({ event: "x", crlShard: "1970-01-31.7d" })],
  ])("%s", (kind, text) => {
    const { findings } = searchSecrets(text, canaries);
    expect(findings.map((each) => each.kind).join()).toContain(kind);
  });

  it("and nothing in a line as the product writes it", () => {
    const text = line({
      event: "request",
      requestId: "7d1f3c2e-7a1e-4a52-9d84-6f3f5f0f6f50",
      route: "enroll",
      status: 201,
      durationMs: 12,
      decision: "allow",
      caller: "enrollment",
      fleet: "default",
      crlShard: "2026-11-26.7d",
    });
    expect(searchSecrets(text, canaries)).toEqual({ lines: 1, logLines: 1, findings: [] });
  });
});
