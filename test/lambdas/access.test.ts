import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { type Caller, deviceOf, operatorOf, tokenOf } from "./fleet-callers.ts";
import { gatewayEvent, problemOf } from "./gateway-event.ts";

/** Credentials that a caller may present, by name; undefined is a caller with none. */
type Presented =
  | "none"
  | "operator"
  | "device"
  | "revokedOperator"
  | "revokedDevice"
  | "expiredOperator"
  | "expiredDevice"
  | "foreignOperator"
  | "foreignDevice"
  | "tenantOperator"
  | "tenantDevice"
  | "root"
  | "garbage";
const certificates = new Map<Presented, string>();
let house: FleetApp;
let neighbour: FleetApp;
let handlers: Handlers;
const fleet = "default";
/** A fleet in the same store, as the neighbour is in another. */
const tenant = "tenant";

beforeAll(async () => {
  house = await openFleetApp({ fleet });
  neighbour = await openFleetApp({ fleet: "neighbour" });
  handlers = handlersOf(house.app);
  await addFleet(house.app, tenant);
  certificates.set("expiredOperator", (await operatorOf(house.app, fleet, "operator-3")).certificate);
  certificates.set("expiredDevice", (await deviceOf(house.app, fleet, "pump-3")).certificate);
  // Only these two are over; whatever follows is issued now.
  house.clock.advance(91 * 86_400_000);
  const revokedOperator = await operatorOf(house.app, fleet, "operator-2");
  const revokedDevice = await deviceOf(house.app, fleet, "pump-2");
  for (const { serialNumber } of [revokedOperator, revokedDevice]) {
    await revoke(house.app, { fleet, serialNumber, operatorId: "operator-1", reason: "keyCompromise" });
  }
  certificates.set("operator", (await operatorOf(house.app, fleet)).certificate);
  certificates.set("device", (await deviceOf(house.app, fleet, "pump-1")).certificate);
  certificates.set("revokedOperator", revokedOperator.certificate);
  certificates.set("revokedDevice", revokedDevice.certificate);
  certificates.set("foreignOperator", (await operatorOf(neighbour.app, "neighbour")).certificate);
  certificates.set("foreignDevice", (await deviceOf(neighbour.app, "neighbour", "pump-1")).certificate);
  certificates.set("tenantOperator", (await operatorOf(house.app, tenant)).certificate);
  certificates.set("tenantDevice", (await deviceOf(house.app, tenant, "pump-1")).certificate);
  const trust = await handlers.distribution(gatewayEvent({ path: `/v1/fleets/${fleet}/trust.pem` }));
  certificates.set("root", trust.body);
  certificates.set("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
});
afterAll(async () => {
  await house.close();
  await neighbour.close();
});

async function knock(route: Route, presented: Presented, headers: Record<string, string> = {}) {
  const certificate = certificates.get(presented);
  const path = route.path.replace("{fleet}", fleet).replace("{serialNumber}", "4f1c0a9be27d5583");
  const event = gatewayEvent({
    method: route.method,
    path,
    headers,
    ...(certificate === undefined ? {} : { certificate }),
  });
  return handlers[route.function](event);
}

/** Codes with which the door itself answers; any other answer came from beyond it. */
const refusals = new Set([
  "credential_missing",
  "client_certificate_required",
  "client_certificate_untrusted",
  "client_certificate_revoked",
  "client_certificate_expired",
  "access_denied",
]);

const expected: Readonly<Record<Presented, Readonly<Record<"operator" | "device", string>>>> = {
  none: { operator: "client_certificate_required", device: "client_certificate_required" },
  operator: { operator: "let in", device: "access_denied" },
  device: { operator: "access_denied", device: "let in" },
  revokedOperator: { operator: "client_certificate_revoked", device: "client_certificate_revoked" },
  revokedDevice: { operator: "client_certificate_revoked", device: "client_certificate_revoked" },
  expiredOperator: { operator: "client_certificate_expired", device: "client_certificate_expired" },
  expiredDevice: { operator: "client_certificate_expired", device: "client_certificate_expired" },
  foreignOperator: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  foreignDevice: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  tenantOperator: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  tenantDevice: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  root: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  garbage: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
};

const outcomeOf = (body: string): string => {
  const { code } = JSON.parse(body.startsWith("{") ? body : "{}");
  return refusals.has(code) ? code : "let in";
};

describe.each([...routes] as readonly Route[])("$method $path", (route) => {
  it.each(Object.keys(expected) as Presented[])("%s", async (presented) => {
    const [kind] = route.access === "public" ? [undefined] : route.access;
    const outcome = outcomeOf((await knock(route, presented)).body);
    if (kind === undefined) expect(outcome).toBe("let in");
    else if (kind === "enrollmentToken") expect(outcome).toBe("credential_missing");
    else expect(outcome).toBe(expected[presented][kind]);
  });

  it("a Bearer token opens nothing that asks for a certificate", async () => {
    const authorization = `Bearer ${Buffer.alloc(32, 1).toString("base64url")}`;
    const outcome = outcomeOf((await knock(route, "none", { authorization })).body);
    const asksForCertificate = route.access !== "public" && route.access[0] !== "enrollmentToken";
    expect(outcome).toBe(asksForCertificate ? "client_certificate_required" : "let in");
  });

  it("a certificate named in a header is nobody's", async () => {
    const pem = encodeURIComponent(certificates.get("operator") ?? "");
    const headers = { "x-client-cert": pem, "x-amzn-mtls-clientcert": pem, "x-forwarded-client-cert": pem };
    const outcome = outcomeOf((await knock(route, "none", headers)).body);
    expect(outcome).toBe(outcomeOf((await knock(route, "none")).body));
  });
});

describe("API Gateway: however the gateway breaks the lines of the certificate that it verified", () => {
  const listed = (certificate: string) =>
    handlers.distribution(gatewayEvent({ path: `/v1/fleets/${fleet}/certificates`, certificate }));
  const body = () => (certificates.get("operator") ?? "").replaceAll(/-----[A-Z ]+-----|\s/g, "");
  const framed = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;
  const lines = (width: number, end: string) =>
    (body().match(new RegExp(`.{1,${width}}`, "g")) ?? []).join(end);

  it.each([
    ["in lines of 76", () => framed(lines(76, "\n"))],
    ["in one line", () => framed(body())],
    ["in lines that end as on Windows", () => framed(lines(64, "\r\n"))],
    ["with a space for each line end", () => framed(lines(64, " ")).replaceAll("\n", " ")],
  ])("%s, it is the operator's", async (_name, certificate) => {
    expect((await listed(certificate())).statusCode).toBe(200);
  });

  it.each([
    ["with an octet more", () => framed(`${lines(64, "\n")}AAAA`)],
    ["without its frame", () => body()],
    ["twice", () => `${framed(body())}\n${framed(body())}`],
    ["as a key", () => framed(body()).replaceAll("CERTIFICATE", "PUBLIC KEY")],
  ])("%s, it is nobody's", async (_name, certificate) => {
    const problem = problemOf(await listed(certificate()));
    expect(problem).toMatchObject({ status: 403, code: "client_certificate_untrusted" });
  });
});

it("an expired certificate is refused with status 403", async () => {
  const certificate = certificates.get("expiredDevice") ?? expect.fail("no certificate");
  const event = gatewayEvent({ method: "POST", path: `/v1/fleets/${fleet}/certificates/renew`, certificate });
  const problem = problemOf(await handlers.enrollment(event));
  expect(problem).toMatchObject({ code: "client_certificate_expired", status: 403 });
});

it("access is judged before the body is read", async () => {
  const event = gatewayEvent({ method: "POST", path: `/v1/fleets/${fleet}/enrollment-tokens`, body: "{" });
  expect(problemOf(await handlers.enrollment(event))).toMatchObject({ code: "client_certificate_required" });
});

describe("EJBCA CVE-2021-40088, Lemur: an operator asks its own fleet for what is another's", () => {
  const json = { "content-type": "application/json" };
  const own = (path: string) => `/v1/fleets/${fleet}/certificates${path}`;
  let foreign: Caller;
  beforeAll(async () => {
    foreign = await deviceOf(house.app, tenant, "pump-4");
  });

  /** Every way to name a certificate in a path: get, and revoke. */
  const referring = routes.filter(({ path }) => path.includes("{serialNumber}"));

  it.each(referring)("$method $path: not_found, as a serial number that nobody has", async (route) => {
    const certificate = certificates.get("operator") ?? expect.fail("no certificate");
    const ask = async (serialNumber: string) => {
      const path = route.path.replace("{fleet}", fleet).replace("{serialNumber}", serialNumber);
      const body = route.method === "POST" ? { body: '{"reason":"keyCompromise"}', headers: json } : {};
      return problemOf(
        await handlers[route.function](gatewayEvent({ method: route.method, path, certificate, ...body })),
      );
    };
    const nobodys = "4f1c0a9be27d5583";
    const { detail, ...answer } = await ask(foreign.serialNumber);
    const { detail: unknown, ...unknownAnswer } = await ask(nobodys);
    expect(answer).toMatchObject({ code: "not_found", status: 404 });
    expect(answer).toEqual(unknownAnswer);
    expect(String(detail).replace(foreign.serialNumber, nobodys)).toBe(unknown);
    const { status } = await getCertificate(house.app, {
      fleet: tenant,
      serialNumber: foreign.serialNumber,
    });
    expect(status).toBe("active");
  });

  it("the list names none of the tenant's certificates", async () => {
    const certificate = certificates.get("operator") ?? expect.fail("no certificate");
    const { body } = await handlers.distribution(gatewayEvent({ path: own(""), certificate }));
    const { certificates: rows } = JSON.parse(body) as { certificates: { serialNumber: string }[] };
    const serials = rows.map(({ serialNumber }) => serialNumber);
    const theirs = await listCertificates(house.app, { fleet: tenant, limit: 1000 });
    expect(theirs.certificates.map(({ serialNumber }) => serialNumber)).toContain(foreign.serialNumber);
    expect(serials.length).toBeGreaterThan(4);
    for (const { serialNumber } of theirs.certificates) expect(serials).not.toContain(serialNumber);
  });

  it("a token of the tenant's is no credential here", async () => {
    const token = await tokenOf(house.app, tenant, "pump-5");
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/pkcs10" };
    const body = deviceCsr(deviceKey());
    const at = (of: string) =>
      gatewayEvent({ method: "POST", path: `/v1/fleets/${of}/certificates`, headers, body });
    expect(problemOf(await handlers.enrollment(at(fleet)))).toMatchObject({ code: "credential_invalid" });
    expect((await handlers.enrollment(at(tenant))).statusCode).toBe(201);
  });
});
