import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import { routes } from "../../lambdas/routes.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { addFleet, type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { type Caller, deviceOf, operatorOf, tokenOf } from "./fleet-callers.ts";
import { gatewayEvent, problemOf } from "./gateway-event.ts";

/** Which credential opens which route is the matrix's to tell: test/access/matrix.test.ts. */
const certificates = new Map<"operator" | "expiredDevice", string>();
let house: FleetApp;
let handlers: Handlers;
const fleet = "default";
/** A fleet in the same store. */
const tenant = "tenant";

beforeAll(async () => {
  house = await openFleetApp({ fleet });
  handlers = handlersOf(house.app);
  await addFleet(house.app, tenant);
  certificates.set("expiredDevice", (await deviceOf(house.app, fleet, "pump-3")).certificate);
  // Only this one is over; whatever follows is issued now.
  house.clock.advance(91 * 86_400_000);
  certificates.set("operator", (await operatorOf(house.app, fleet)).certificate);
  for (const deviceId of ["pump-6", "pump-7", "pump-8", "pump-9"]) await deviceOf(house.app, fleet, deviceId);
});
afterAll(() => house.close());

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
  const referring = routes.filter(
    ({ path, id }) => path.includes("{serialNumber}") && id !== "getCertificateByIam",
  );

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
