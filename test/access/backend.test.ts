/** Room: test. Backends at the door: who they are their certificates say, and what they may the configuration says. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BackendTrust } from "../../core/records/fleet-configuration.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { authorize } from "../../lambdas/http/access.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { suspendFleet } from "../enrollment/fixtures/configured-fleet.ts";
import { backendOf, deviceOf, operatorOf } from "../lambdas/fleet-callers.ts";
import { gatewayEvent } from "../lambdas/gateway-event.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { openPipelines, type Pipelines, tenant, trust } from "./pipelines.ts";

let house: Pipelines;
let store: string;
beforeAll(async () => {
  house = await openPipelines();
  store = (await backendOf(house.app, fleet, "records-store")).certificate;
});
afterAll(() => house.close());

const entry = (change: Partial<BackendTrust> = {}): BackendTrust => ({
  kind: "certificate",
  id: "records",
  backend: "records-store",
  operations: ["encryptData", "decryptData"],
  profiles: [],
  purposes: ["observations"],
  ...change,
});
beforeEach(() => trust(house.app, [entry()]));

const all: readonly Route[] = routes;
const route = (id: string): Route => all.find((each) => each.id === id) ?? expect.fail(`no route ${id}`);

interface Knocking {
  readonly certificate?: string;
  readonly token?: string;
  readonly at?: string;
}

/** Who is let in at the route, through the door alone. */
async function knock(id: string, { certificate, token, at = fleet }: Knocking) {
  const event = gatewayEvent({
    method: "POST",
    path: `/v1/fleets/${at}/data`,
    ...(certificate === undefined ? {} : { certificate }),
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  });
  return (await authorize(house.app, route(id), event, { fleet: at })).caller;
}

const refused = (id: string, knocking: Knocking): Promise<string> => codeOf(knock(id, knocking));

describe("a backend with an entry", () => {
  it("is let in with the entry's operations and purposes, and is named as the backend it is", async () => {
    expect(await knock("encryptData", { certificate: store })).toMatchObject({
      kind: "pipeline",
      fleet,
      subjectId: "records",
      actor: "backend:records-store",
      operations: ["encryptData", "decryptData"],
      purposes: ["observations"],
    });
  });

  it("may do nothing else: access_denied", async () => {
    expect(await refused("createDataKey", { certificate: store })).toBe("access_denied");
    expect(await refused("reencryptData", { certificate: store })).toBe("access_denied");
  });

  it("without purposes has none", async () => {
    const { purposes: _, ...bare } = entry();
    await trust(house.app, [bare]);
    expect(await knock("encryptData", { certificate: store })).toMatchObject({ purposes: [] });
  });

  it("a successor of its certificate opens the same; one that was revoked, nothing", async () => {
    const { certificate, serialNumber } = await backendOf(house.app, fleet, "records-store");
    await expect(knock("decryptData", { certificate })).resolves.toBeDefined();
    await revoke(house.app, { fleet, serialNumber, actor: "operator:x", reason: "keyCompromise" });
    expect(await refused("decryptData", { certificate })).toBe("client_certificate_revoked");
  });
});

describe("the entry is what permits", () => {
  it("a backend of no entry is refused, and so is one whose entry has just been taken out", async () => {
    const { certificate } = await backendOf(house.app, fleet, "unlisted");
    expect(await refused("encryptData", { certificate })).toBe("access_denied");
    await expect(knock("encryptData", { certificate: store })).resolves.toBeDefined();
    await trust(house.app, []);
    expect(await refused("encryptData", { certificate: store })).toBe("access_denied");
  });

  it("is of the very backend: neither a part of its name, nor its letters in another case", async () => {
    for (const backend of ["records", "records-store-2", "Records-Store", "*", "records-*"]) {
      await trust(house.app, [entry({ backend })]);
      expect([backend, await refused("encryptData", { certificate: store })]).toEqual([
        backend,
        "access_denied",
      ]);
    }
  });

  it("of an OIDC pipeline or an IAM principal of that id lets no certificate in", async () => {
    await trust(house.app, [
      house.entry({ id: "records-store", operations: ["encryptData"], purposes: ["*"] }),
    ]);
    expect(await refused("encryptData", { certificate: store })).toBe("access_denied");
  });

  it("lets in no device and no operator of the backend's name", async () => {
    const device = await deviceOf(house.app, fleet, "records-store");
    const operator = await operatorOf(house.app, fleet, "records-store");
    for (const { certificate } of [device, operator])
      expect(await refused("encryptData", { certificate })).toBe("access_denied");
  });
});

describe("tenants", () => {
  it("the path of another fleet is one that does not exist, whatever that fleet trusts", async () => {
    await trust(house.app, [entry()], tenant);
    expect(await refused("encryptData", { certificate: store, at: tenant })).toBe("not_found");
    expect(await refused("renewBackendCertificate", { certificate: store, at: tenant })).toBe("not_found");
  });
});

describe("what a backend's certificate opens besides", () => {
  it("its own renewal, without an entry", async () => {
    await trust(house.app, []);
    expect(await knock("renewBackendCertificate", { certificate: store })).toMatchObject({
      actor: "backend:records-store",
      operations: [],
      purposes: [],
      identity: { kind: "backend", subjectId: "records-store" },
    });
  });

  it.each(
    all.filter(({ access }) => access !== "public" && !access.by.includes("backend")).map(({ id }) => id),
  )("not %s", async (id) => {
    // Enrolment judges what it is shown beyond the door.
    if (id === "enroll") return;
    expect(await refused(id, { certificate: store })).toMatch(
      /^(?:access_denied|credential_missing|proof_missing)$/,
    );
  });
});

describe("two credentials at once", () => {
  it("the certificate counts, and a token beside it permits nothing more", async () => {
    await trust(house.app, [entry(), house.entry({ operations: ["createDataKey"], purposes: ["*"] })]);
    const token = await house.sign();
    await expect(knock("createDataKey", { token })).resolves.toMatchObject({ actor: "pipeline:ci" });
    expect(await refused("createDataKey", { certificate: store, token })).toBe("access_denied");
  });
});

it("a refusal for want of a credential names each that would do", async () => {
  const message = await knock("encryptData", {}).catch((error: Error) => error.message);
  expect(message).toBe("this call needs a backend certificate over mutual TLS, or a pipeline's token");
});

it("a suspended fleet lets no backend in", async () => {
  const other = await openPipelines();
  const { certificate } = await backendOf(other.app, fleet, "records-store");
  await trust(other.app, [entry()]);
  await suspendFleet(other.app);
  const event = gatewayEvent({ method: "POST", path: `/v1/fleets/${fleet}/data`, certificate });
  for (const id of ["encryptData", "renewBackendCertificate"])
    expect(await codeOf(authorize(other.app, route(id), event, { fleet }))).toBe("fleet_suspended");
  await other.close();
});
