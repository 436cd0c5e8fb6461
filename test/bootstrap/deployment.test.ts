import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  clientTrustKey,
  type DeploymentRequest,
  deployFleet,
  trustBundleKey,
} from "../../core/bootstrap/deployment.ts";
import type { FleetPlan } from "../../core/bootstrap/fleet.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import { maker, makerPem } from "../fleets/makers.ts";
import { makeAuthority } from "../formats/x509/certificate-maker.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";

const planOf = (fleet: string): FleetPlan => ({
  fleet,
  trustDomain: "example.test",
  rootAlgorithm: "P-384",
  issuingAlgorithm: "P-256",
});
const fleets = ["ward", "clinic"];
const requestFor = (fleet: string): DeploymentRequest => ({ plan: planOf(fleet), fleets });
const operatorRequest = (operatorId = "operator-1", csr = deviceCsr(deviceKey())): DeploymentRequest => ({
  ...requestFor("clinic"),
  operator: { operatorId, csr },
});

let fixture: DeploymentFixture;
beforeEach(async () => {
  fixture = await openDeploymentApp();
});
afterEach(() => fixture.close());

interface CeremonyRecord {
  readonly time: string;
  readonly signatures: readonly Record<string, string>[];
}

const ceremonies = (): readonly CeremonyRecord[] =>
  fixture.records.keys.map((key) => JSON.parse(fixture.records.text(key)) as CeremonyRecord);

/** Subjects of what API Gateway reads, in its order. */
function clientTrust(): readonly string[] {
  const pems = fixture.trustStores
    .text(clientTrustKey)
    .match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----/g);
  return (pems ?? []).map((pem) => new X509Certificate(pem).subject);
}
const authoritiesOf = (fleet: string) => [`CN=${fleet} root-1`, `CN=${fleet} issuing-1`];

describe("a fleet's deployment", () => {
  it("publishes the very trust bundle that the API answers, for caches to keep as long", async () => {
    const { root } = await deployFleet(fixture.app, requestFor("clinic"));
    const key = "fleets/clinic/trust.pem";
    expect(trustBundleKey("clinic")).toBe(key);
    expect(fixture.artifacts.text(key)).toBe(root);
    expect(fixture.artifacts.text(key)).toBe(await trustBundlePem(fixture.app, { fleet: "clinic" }));
    expect(fixture.artifacts.versions(key)).toMatchObject([
      { contentType: "application/pem-certificate-chain", cacheControl: "public, max-age=300" },
    ]);
  });

  it("answers the fingerprint of its root as node:crypto computes it", async () => {
    const { root, rootFingerprint } = await deployFleet(fixture.app, requestFor("clinic"));
    const expected = new X509Certificate(root).fingerprint256.replaceAll(":", "").toLowerCase();
    expect(rootFingerprint).toBe(expected);
  });

  it("API Gateway, mutual TLS: the trust store holds each existing fleet's chain, root and issuer of clients", async () => {
    const ward = await deployFleet(fixture.app, requestFor("ward"));
    expect(clientTrustKey).toBe("mutual-tls/clients.pem");
    expect(clientTrust()).toEqual(authoritiesOf("ward"));
    const clinic = await deployFleet(fixture.app, requestFor("clinic"));
    expect(clientTrust()).toEqual([...authoritiesOf("clinic"), ...authoritiesOf("ward")]);
    expect(ward.trustStore).toEqual({ key: clientTrustKey, versionId: "version-1" });
    expect(clinic.trustStore).toEqual({ key: clientTrustKey, versionId: "version-2" });
  });

  it("certifies an operator whose certificate node:crypto verifies up to the root", async () => {
    const key = deviceKey();
    const { root, operator } = await deployFleet(fixture.app, operatorRequest("operator-1", deviceCsr(key)));
    const [leaf, issuing, top] = [operator?.certificate, operator?.chain, root].map(
      (pem) => new X509Certificate(pem ?? ""),
    );
    expect(leaf?.checkIssued(issuing!)).toBe(true);
    expect(leaf?.verify(issuing!.publicKey)).toBe(true);
    expect(issuing?.checkIssued(top!)).toBe(true);
    expect(issuing?.verify(top!.publicKey)).toBe(true);
    expect(top?.verify(top.publicKey)).toBe(true);
    expect(leaf?.checkPrivateKey(key.privateKey)).toBe(true);
    expect(leaf?.subject).toBe("CN=operator-1");
    expect(leaf?.serialNumber.toLowerCase()).toBe(operator?.serialNumber);
  });

  it("records which key signed what, and when", async () => {
    const { operator } = await deployFleet(fixture.app, operatorRequest());
    const [created, certified] = ceremonies();
    expect(fixture.records.keys).toEqual([
      `ceremonies/clinic/${created?.time}-fleet-created.json`,
      `ceremonies/clinic/${certified?.time}-operator-certified-${operator?.serialNumber}.json`,
    ]);
    const bySubject = new Map(created?.signatures.map((one) => [one["subjectId"], one]));
    const [root, issuing] = [bySubject.get("root-1"), bySubject.get("issuing-1")];
    expect(created?.signatures).toHaveLength(2);
    expect(root).toMatchObject({ signedBy: "root-1", algorithm: "P-384" });
    expect(issuing).toMatchObject({ signedBy: "root-1", algorithm: "P-384", keyId: root?.["keyId"] });
    const { certificates } = await listCertificates(fixture.app, { fleet: "clinic", limit: 10 });
    expect(
      [...(created?.signatures ?? []), ...(certified?.signatures ?? [])]
        .map((one) => one["serialNumber"])
        .sort(),
    ).toEqual(certificates.map(({ serialNumber }) => serialNumber).sort());
    expect(certified?.signatures).toMatchObject([
      { subjectKind: "operator", subjectId: "operator-1", signedBy: "issuing-1", algorithm: "P-256" },
    ]);
    expect(certified?.signatures[0]?.["keyId"]).not.toBe(root?.["keyId"]);
  });

  it("tells people of the fleet and of its operator, once each", async () => {
    const { operator } = await deployFleet(fixture.app, operatorRequest());
    expect(fixture.notices).toEqual([
      { event: "fleet.created", severity: "information", fleet: "clinic", measures: { authorities: 2 } },
      { event: "operator.certified", severity: "warning", fleet: "clinic", subject: operator?.serialNumber },
    ]);
  });
});

describe("a run too many", () => {
  it("answers the same, writes no new version, signs nothing and tells nobody", async () => {
    const request = operatorRequest();
    const first = await deployFleet(fixture.app, request);
    let signatures = 0;
    const { keys } = fixture.app;
    const sign: typeof keys.sign = (keyId, message) => {
      signatures += 1;
      return keys.sign(keyId, message);
    };
    fixture.clock.advance(3_600_000);
    const again = await deployFleet({ ...fixture.app, keys: { ...keys, sign } }, request);
    expect(again).toEqual(first);
    expect(signatures).toBe(0);
    expect(fixture.notices).toHaveLength(2);
    for (const store of [fixture.artifacts, fixture.trustStores, fixture.records]) {
      expect(store.keys.map((key) => store.versions(key).length)).toEqual(store.keys.map(() => 1));
    }
  });

  it("with a second operator certifies that one, and tells of nothing else", async () => {
    const first = await deployFleet(fixture.app, operatorRequest());
    const second = await deployFleet(fixture.app, operatorRequest("operator-2"));
    expect(second.rootFingerprint).toBe(first.rootFingerprint);
    expect(fixture.notices.map(({ event }) => event)).toEqual([
      "fleet.created",
      "operator.certified",
      "operator.certified",
    ]);
    expect(fixture.records.keys).toHaveLength(3);
  });

  it("mends a trust store that someone else has changed", async () => {
    await deployFleet(fixture.app, requestFor("clinic"));
    const body = Buffer.from("nothing of ours");
    await fixture.trustStores.put(clientTrustKey, { body, contentType: "text/plain" });
    const { trustStore } = await deployFleet(fixture.app, requestFor("clinic"));
    expect(clientTrust()).toEqual(authoritiesOf("clinic"));
    expect(trustStore.versionId).toBe("version-3");
  });
});

describe("API Gateway, mutual TLS: device makers whom fleets trust", () => {
  const makers = ["P-256", "P-384"].map((id) => makerPem({}, makeAuthority(id as "P-256" | "P-384")));
  const trustMakers = (fleet: string, pems: readonly string[]) => {
    const manufacturers = pems.map((pem, index) => maker(`maker-${index}`, pem));
    const item = configurationItem(fleet, { ...defaultConfiguration, manufacturers });
    return fixture.app.items.transact([{ put: item, when: "absent" }]);
  };

  it("stand in the trust store with the next deployment of any fleet, each once, after the fleets' own", async () => {
    for (const fleet of fleets) await deployFleet(fixture.app, requestFor(fleet));
    const own = [...authoritiesOf("clinic"), ...authoritiesOf("ward")];
    expect(clientTrust()).toEqual(own);
    const [first = "", second = ""] = makers;
    await trustMakers("clinic", [first]);
    // One fleet wrote it with the line ends of another system.
    await trustMakers("ward", [second, first.replaceAll("\n", "\r\n")]);
    await deployFleet(fixture.app, requestFor("clinic"));
    expect(clientTrust()).toEqual([...own, "CN=maker root 1", "CN=maker root 1"]);
    expect(fixture.trustStores.text(clientTrustKey)).toContain(first);
    expect(fixture.trustStores.text(clientTrustKey)).toContain(second);
  });

  it("that a fleet trusts no longer are gone with the next deployment", async () => {
    await deployFleet(fixture.app, requestFor("clinic"));
    await trustMakers("clinic", makers);
    await deployFleet(fixture.app, requestFor("clinic"));
    expect(clientTrust()).toHaveLength(4);
    const put = configurationItem("clinic", defaultConfiguration);
    await fixture.app.items.transact([{ put, when: 1 }]);
    await deployFleet(fixture.app, requestFor("clinic"));
    expect(clientTrust()).toEqual(authoritiesOf("clinic"));
  });

  it("are in no fleet's own trust bundle: devices do not trust one another's makers", async () => {
    await deployFleet(fixture.app, requestFor("clinic"));
    await trustMakers("clinic", makers);
    const { root } = await deployFleet(fixture.app, requestFor("clinic"));
    expect(fixture.artifacts.text(trustBundleKey("clinic"))).toBe(root);
    expect(root.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });
});

describe("what is refused before anything is made", () => {
  it("45 CFR 164.514(b): a fleet named like a date, which no notice could name", async () => {
    const dated = { ...requestFor("clinic"), plan: planOf("mi-1990-01-01") };
    expect(await codeOf(deployFleet(fixture.app, dated))).toBe("name_not_permitted");
    expect(fixture.artifacts.keys).toEqual([]);
    expect(fixture.notices).toEqual([]);
  });
});

describe("runs at once", () => {
  it("of one request: one fleet, one operator, one version of everything", async () => {
    const request = operatorRequest();
    const runs = await Promise.all(Array.from({ length: 4 }, () => deployFleet(fixture.app, request)));
    expect(new Set(runs.map((run) => JSON.stringify(run.operator))).size).toBe(1);
    expect(new Set(runs.map((run) => run.root)).size).toBe(1);
    expect(fixture.trustStores.versions(clientTrustKey)).toHaveLength(1);
    expect(fixture.records.keys).toHaveLength(2);
    const { certificates } = await listCertificates(fixture.app, { fleet: "clinic", limit: 10 });
    expect(certificates.map(({ profile }) => profile).sort()).toEqual(["issuing", "operator", "root"]);
  });

  it("for two fleets: the trust store ends with the authorities of both", async () => {
    await Promise.all(["clinic", "ward"].map((fleet) => deployFleet(fixture.app, requestFor(fleet))));
    expect(clientTrust()).toEqual([...authoritiesOf("clinic"), ...authoritiesOf("ward")]);
  });
});

describe("what is refused", () => {
  it("a CSR that does not verify: no fleet is made for it", async () => {
    const csr = deviceCsr(deviceKey());
    csr.writeUInt8(csr.readUInt8(csr.length - 1) ^ 1, csr.length - 1);
    expect(await codeOf(deployFleet(fixture.app, operatorRequest("operator-1", csr)))).toMatch(/^csr_/);
    expect(await codeOf(trustBundlePem(fixture.app, { fleet: "clinic" }))).toBe("not_found");
    expect(fixture.artifacts.keys).toEqual([]);
  });

  it("one operator's key for another: it is not answered with the first one's certificate", async () => {
    const csr = deviceCsr(deviceKey());
    await deployFleet(fixture.app, operatorRequest("operator-1", csr));
    expect(await codeOf(deployFleet(fixture.app, operatorRequest("operator-2", csr)))).toBe("key_reused");
    expect(fixture.notices).toHaveLength(2);
  });

  it("an operator id that reads like a person", async () => {
    expect(await codeOf(deployFleet(fixture.app, operatorRequest("jane@example.test")))).toBe(
      "name_not_permitted",
    );
  });
});
