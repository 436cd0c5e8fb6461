import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import type { DeployedFleet } from "../../core/bootstrap/deployment.ts";
import { AppError } from "../../core/errors.ts";
import { encodePem } from "../../core/formats/pem.ts";
import type { KeyService } from "../../core/ports.ts";
import { parseFleetPlans } from "../../lambdas/bootstrap/fleet-plans.ts";
import { bootstrapFunction } from "../../lambdas/bootstrap/handler.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

const algorithms = { rootAlgorithm: "P-384", issuingAlgorithm: "P-256" };
const configuration = {
  clinic: { trustDomain: "clinic.example.test", ...algorithms },
  ward: { trustDomain: "ward.example.test", ...algorithms },
};
const plans = parseFleetPlans(JSON.stringify(configuration));

let fixture: DeploymentFixture;
beforeEach(async () => {
  fixture = await openDeploymentApp();
});
afterEach(() => fixture.close());

const task = (event: unknown) => bootstrapFunction(fixture.app, plans)(event);
/** Of an event that makes a fleet. */
async function run(event: unknown): Promise<DeployedFleet> {
  const answer = await task(event);
  if ("gateway" in answer) throw new Error("it confirmed a gateway");
  return answer;
}
const csrPem = () => encodePem("CERTIFICATE REQUEST", deviceCsr(deviceKey()));

describe("task bootstrapFleet", () => {
  it("makes a configured fleet as it is configured, and certifies an operator's PEM request", async () => {
    const result = await run({ fleet: "clinic", operator: { operatorId: "operator-1", csr: csrPem() } });
    expect(Object.keys(result).sort()).toEqual([
      "fleet",
      "operator",
      "root",
      "rootFingerprint",
      "trustStore",
    ]);
    expect(Object.keys(result.operator ?? {}).sort()).toEqual([
      "certificate",
      "chain",
      "notAfter",
      "serialNumber",
    ]);
    expect(result.trustStore.key).toBe("mutual-tls/clients.pem");
  });

  it("answers a run too many with the same", async () => {
    const event = { fleet: "clinic", operator: { operatorId: "operator-1", csr: csrPem() } };
    expect(await run(event)).toEqual(await run(event));
  });

  it("has the fleet follow the origin at which operators use their passkeys", async () => {
    const event = { fleet: "clinic", origin: "https://keys.example.test" };
    expect(await run(event)).toEqual(await run({ fleet: "clinic" }));
    expect((await getFleet(fixture.app, "clinic")).record.origin).toBe("https://keys.example.test");
  });

  it("has certificates name the host from which others read, where there is one besides the API's", async () => {
    const artifacts = "https://trust.example.test";
    await run({ fleet: "clinic", origin: "https://keys.example.test", artifacts });
    const { artifactBases } = (await getFleet(fixture.app, "clinic")).record;
    expect(artifactBases?.[0]).toBe("https://trust.example.test/fleets/clinic");
  });

  it("refuses a fleet that is not configured, and says which are", async () => {
    await expect(run({ fleet: "lab" })).rejects.toMatchObject({
      name: "configuration_invalid",
      message: expect.stringContaining('"lab" is not configured (there are: clinic, ward)') as string,
    });
    expect(fixture.artifacts.keys).toEqual([]);
  });

  it.each([
    { name: "no fleet", event: {}, code: "request_invalid", text: "fleet is required" },
    { name: "no object", event: "clinic", code: "request_invalid", text: "must be an object" },
    {
      name: "a stray member",
      event: { fleet: "clinic", jane: 1 },
      code: "request_invalid",
      text: "not known",
    },
    {
      name: "a stray member of the operator",
      event: { fleet: "clinic", operator: { operatorId: "operator-1", csr: "x", jane: 1 } },
      code: "request_invalid",
      text: "operator must be an object of operatorId and csr",
    },
    {
      name: "an operator without a CSR",
      event: { fleet: "clinic", operator: { operatorId: "operator-1" } },
      code: "request_invalid",
      text: "operator.csr is required",
    },
    {
      name: "an origin with a path",
      event: { fleet: "clinic", origin: "https://keys.example.test/jane" },
      code: "configuration_invalid",
      text: "without a path",
    },
    {
      name: "an origin that is no text",
      event: { fleet: "clinic", origin: 1 },
      code: "request_invalid",
      text: "origin must be https://HOST or https://HOST:PORT",
    },
    {
      name: "a private key for a CSR",
      event: {
        fleet: "clinic",
        operator: {
          operatorId: "operator-1",
          csr: deviceKey().privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        },
      },
      code: "pem_malformed",
      text: "CERTIFICATE REQUEST",
    },
  ])("refuses $name: $code", async ({ event, code, text }) => {
    const failure = await run(event).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ name: code, message: expect.stringContaining(text) as string });
    expect(String(failure)).not.toContain("jane");
    expect(fixture.artifacts.keys).toEqual([]);
  });
});

describe("a root that was lent", () => {
  const event = { fleet: "clinic", grantTokens: ["token-1", "token-2"] };

  it("signs through a key service that shows the tokens of the loans; without tokens the app's own does", async () => {
    const shown: (readonly string[])[] = [];
    const keysOnLoan = (grantTokens: readonly string[]) => {
      shown.push(grantTokens);
      return fixture.app.keys;
    };
    await bootstrapFunction(fixture.app, plans, { keysOnLoan })(event);
    await bootstrapFunction(fixture.app, plans, { keysOnLoan })({ fleet: "clinic" });
    expect(shown).toEqual([event.grantTokens]);
  });

  it("is waited for by nobody: a list that is due is left to a ceremony, and a pipeline deploys", async () => {
    const place = { fleet: "clinic", origin: "https://keys.example.test" };
    const { keys } = fixture.app;
    const keysOnLoan = () => keys;
    await bootstrapFunction(fixture.app, plans, { keysOnLoan })({ ...place, ...event });
    const [root] = (await getFleet(fixture.app, "clinic")).authorities.filter(
      ({ record }) => record.kind === "root",
    );
    fixture.clock.advance(100 * 86_400_000);
    const onlyOnLoan: KeyService = {
      createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
      describeKey: (keyId) => keys.describeKey(keyId),
      sign: async (keyId, message) => {
        if (keyId === root?.record.keyId) throw new AppError("key_service_unavailable", "nobody lent it");
        return keys.sign(keyId, message);
      },
    };
    const [path = "there is none"] = fixture.artifacts.keys.filter((key) => key.includes("/crl/root-1/"));
    const list = () => fixture.artifacts.text(path);
    const before = list();
    const unattended = bootstrapFunction({ ...fixture.app, keys: onlyOnLoan }, plans, { keysOnLoan });
    await unattended(place);
    expect(list()).toBe(before);
    await unattended({ ...place, ...event });
    expect(list()).not.toBe(before);
  });

  it.each([
    { name: "more tokens than KMS takes", grantTokens: Array.from({ length: 11 }, () => "token") },
    { name: "an empty token", grantTokens: [""] },
    { name: "a token longer than KMS makes", grantTokens: ["t".repeat(8_193)] },
    { name: "one token for many", grantTokens: "token" },
  ])("by $name is refused before anything is made", async ({ grantTokens }) => {
    await expect(task({ fleet: "clinic", grantTokens })).rejects.toMatchObject({ name: "request_invalid" });
    expect(fixture.artifacts.keys).toEqual([]);
  });
});

describe("a gateway that was told of a trust store", () => {
  it("is on record: what it reads, and for which fleet", async () => {
    const { trustStore } = await run({ fleet: "clinic" });
    const { versionId = "" } = trustStore;
    const answer = await task({ fleet: "clinic", gateway: { versionId } });
    expect(answer).toMatchObject({ fleet: "clinic", gateway: { versionId } });
    expect((await getFleet(fixture.app, "clinic")).gateway?.versionId).toBe(versionId);
  });

  it.each([
    { name: "without a version", gateway: {}, code: "request_invalid" },
    { name: "with an empty version", gateway: { versionId: "" }, code: "request_invalid" },
    {
      name: "of a fleet that is not configured",
      fleet: "lab",
      gateway: { versionId: "1" },
      code: "configuration_invalid",
    },
    { name: "of a fleet that is not made", gateway: { versionId: "1" }, code: "not_found" },
    {
      name: "that would make a fleet too",
      gateway: { versionId: "1" },
      origin: "https://x.test",
      code: "request_invalid",
    },
  ])("$name is refused: $code", async ({ name: _, code, ...event }) => {
    await expect(task({ fleet: "clinic", ...event })).rejects.toMatchObject({ name: code });
  });
});

describe("FLEETKEY_FLEETS", () => {
  it("is a plan for each fleet", () => {
    expect([...plans.values()]).toEqual([
      { fleet: "clinic", ...configuration.clinic },
      { fleet: "ward", ...configuration.ward },
    ]);
  });

  it.each([
    { name: "is not JSON", text: "{", says: "not JSON" },
    { name: "is not an object", text: "[]", says: "the whole" },
    { name: "names a fleet badly", text: JSON.stringify({ "A b": configuration.ward }), says: "A b" },
    {
      name: "has an algorithm that authorities do not have",
      text: JSON.stringify({ ward: { ...configuration.ward, rootAlgorithm: "P-192" } }),
      says: "ward.rootAlgorithm must be one of P-256",
    },
    { name: "leaves a member out", text: JSON.stringify({ ward: algorithms }), says: "ward.trustDomain" },
  ])("that $name is refused: configuration_invalid", ({ text, says }) => {
    const parse = () => parseFleetPlans(text);
    expect(parse).toThrow(expect.objectContaining({ code: "configuration_invalid" }));
    expect(parse).toThrow(says);
  });
});
