import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { revoke } from "../../core/revocation/revoke.ts";
import { type Handlers, handlersOf } from "../../lambdas/handlers.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { deviceOf, operatorOf } from "./fleet-callers.ts";
import { gatewayEvent, problemOf } from "./gateway-event.ts";

/** Credentials that a caller may present, by name; undefined is a caller with none. */
type Presented =
  | "none"
  | "operator"
  | "device"
  | "revokedOperator"
  | "revokedDevice"
  | "foreignOperator"
  | "foreignDevice"
  | "root"
  | "garbage";
const certificates = new Map<Presented, string>();
let house: FleetApp;
let neighbour: FleetApp;
let handlers: Handlers;
const fleet = "default";

beforeAll(async () => {
  house = await openFleetApp({ fleet });
  neighbour = await openFleetApp({ fleet: "neighbour" });
  handlers = handlersOf(house.app);
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
  foreignOperator: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
  foreignDevice: { operator: "client_certificate_untrusted", device: "client_certificate_untrusted" },
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

it("an expired certificate is refused with its own code", async () => {
  const late = await openFleetApp({ fleet: "late" });
  const { certificate } = await operatorOf(late.app, "late");
  late.clock.advance(91 * 86_400_000);
  const event = gatewayEvent({ path: "/v1/fleets/late/certificates", certificate });
  const result = await handlersOf(late.app).distribution(event);
  expect(problemOf(result)).toMatchObject({ code: "client_certificate_expired", status: 403 });
  await late.close();
});

it("access is judged before the body is read", async () => {
  const event = gatewayEvent({ method: "POST", path: `/v1/fleets/${fleet}/enrollment-tokens`, body: "{" });
  expect(problemOf(await handlers.enrollment(event))).toMatchObject({ code: "client_certificate_required" });
});
