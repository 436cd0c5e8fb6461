/** Room: test. Claim certificates: whom they enrol, how often, how many, and when no longer. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClaimRequest, createClaim, getClaim, type IssuedClaim } from "../../core/enrollment/claim.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { claimPartition, claimRecord, isClaimItem } from "../../core/records/claim-record.ts";
import { holdItem } from "../../core/records/hold-record.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { faultyKeys } from "../support/faulty-keys.ts";
import { addFleet, type FleetApp, type FleetPorts, testFleet as fleet } from "../support/fleet-app.ts";
import { actor, configure, enrolled, openConfiguredFleet, register } from "./fixtures/configured-fleet.ts";

const other = "clinic";
let opened: FleetApp;
let app: FleetPorts;
beforeAll(async () => {
  opened = await openConfiguredFleet({ accepts: ["token", "claim"] });
  app = opened.app;
  await addFleet(app, other);
  await configure(app, { accepts: ["claim"] }, other);
});
afterAll(() => opened.close());

let batches = 0;
function newClaim(terms: Partial<ClaimRequest> = {}): Promise<IssuedClaim> {
  batches += 1;
  const own = { fleet, actor, claimId: `batch-${batches}`, quota: 100 };
  return createClaim(app, { ...own, csr: deviceCsr(deviceKey()), ...terms });
}

let devices = 0;
async function newDevice(inFleet = fleet): Promise<string> {
  devices += 1;
  const deviceId = `pump-${devices}`;
  await register(app, [deviceId], inFleet);
  return deviceId;
}

const csrOf = (deviceId: string) => deviceCsr(deviceKey(), { commonName: deviceId });

describe("a claim", () => {
  it("has a certificate of its own, named by claim and fleet, that is no authority's", async () => {
    const claim = await newClaim({ claimId: "batch-A" });
    const certificate = new X509Certificate(claim.certificate);
    expect(certificate.subjectAltName).toBe("URI:spiffe://example.test/fleet/default/claim/batch-A");
    expect(certificate.ca).toBe(false);
    expect(await getClaim(app, fleet, "batch-A")).toMatchObject({
      claimId: "batch-A",
      serialNumber: claim.serialNumber,
      quota: 100,
      used: 0,
      profile: "device",
      status: "active",
    });
  });

  it("is the same for the same request on the same terms, with one signature, whoever repeats it", async () => {
    const keys = faultyKeys(app.keys);
    const request = { fleet, actor, claimId: "batch-B", quota: 7, csr: deviceCsr(deviceKey()) };
    const first = await createClaim({ ...app, keys }, request);
    expect(await createClaim({ ...app, keys }, { ...request, actor: "operator:operator-2" })).toEqual(first);
    expect(keys.signatures).toBe(1);
  });

  it("is one of its id, whatever its spelling: with another key it exists already", async () => {
    await newClaim({ claimId: "batch-C" });
    for (const claimId of ["batch-C", "BATCH-C"])
      expect(await codeOf(newClaim({ claimId }))).toBe("already_exists");
  });

  it("cannot have its quota raised by a repetition", async () => {
    const request = { claimId: "batch-D", csr: deviceCsr(deviceKey()) };
    await newClaim({ ...request, quota: 1 });
    expect(await codeOf(newClaim({ ...request, quota: 2 }))).toBe("already_exists");
    expect(await getClaim(app, fleet, "batch-D")).toMatchObject({ quota: 1 });
  });

  it.each([
    { name: "no quota", terms: { quota: 0 }, expected: "request_invalid" },
    { name: "a quota above the maximum", terms: { quota: 1_000_001 }, expected: "request_invalid" },
    { name: "half a device", terms: { quota: 1.5 }, expected: "request_invalid" },
    {
      name: "a profile that is not for devices",
      terms: { profile: "operator" },
      expected: "profile_not_permitted",
    },
    {
      name: "the profile of those that come back",
      terms: { profile: "quarantine" },
      expected: "profile_not_permitted",
    },
    {
      name: "an id shaped like a datum of a person",
      terms: { claimId: "jane@example.test" },
      expected: "name_not_permitted",
    },
    { name: "a fleet that does not exist", terms: { fleet: "nowhere" }, expected: "not_found" },
  ] as const)("is not made with $name: $expected", async ({ terms, expected }) => {
    expect(await codeOf(newClaim(terms))).toBe(expected);
  });

  it("is not found under another fleet", async () => {
    const { claimId } = await newClaim();
    expect(await codeOf(getClaim(app, other, claimId))).toBe("not_found");
  });
});

describe("a device that a claim enrols", () => {
  it("gets its own key's certificate, in the inventory's spelling, and the quota counts it", async () => {
    const { certificate, claimId } = await newClaim();
    const deviceId = await newDevice();
    const key = deviceKey();
    const csr = deviceCsr(key, { commonName: deviceId.toUpperCase() });
    const leaf = new X509Certificate((await enrolled(app, { fleet, certificate, csr })).certificate);
    expect(leaf.subject).toBe(`CN=${deviceId}`);
    expect(leaf.publicKey.export({ type: "spki", format: "der" })).toEqual(key.spki);
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 1 });
  });

  it("may be named beside the CSR", async () => {
    const { certificate } = await newClaim();
    const deviceId = await newDevice();
    const csr = deviceCsr(deviceKey());
    const answer = await enrolled(app, { fleet, certificate, csr, deviceId });
    expect(new X509Certificate(answer.certificate).subject).toBe(`CN=${deviceId}`);
  });

  it("gets the same certificate for the same request, from a hundred at once, and is counted once", async () => {
    const { certificate, claimId } = await newClaim();
    const request = { fleet, certificate, csr: csrOf(await newDevice()) };
    const answers = await Promise.all(Array.from({ length: 100 }, () => enrolled(app, request)));
    expect(new Set(answers.map((answer) => answer.certificate)).size).toBe(1);
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 1 });
  });

  it("one CSR without a name enrols no second device by the first one's answer", async () => {
    const { certificate } = await newClaim();
    const csr = deviceCsr(deviceKey());
    const [one, two] = [await newDevice(), await newDevice()];
    const first = await enrolled(app, { fleet, certificate, csr, deviceId: one });
    const second = await enrolled(app, { fleet, certificate, csr, deviceId: two });
    expect(new X509Certificate(second.certificate).subject).toBe(`CN=${two}`);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it("is enrolled once: another request, or another claim, is refused and not counted", async () => {
    const { certificate, claimId } = await newClaim();
    const another = await newClaim();
    const deviceId = await newDevice();
    await enrolled(app, { fleet, certificate, csr: csrOf(deviceId) });
    for (const claim of [certificate, another.certificate])
      expect(await codeOf(enroll(app, { fleet, certificate: claim, csr: csrOf(deviceId) }))).toBe(
        "credential_spent",
      );
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 1 });
    expect(await getClaim(app, fleet, another.claimId)).toMatchObject({ used: 0 });
  });

  it("two keys that race for one device: one wins, and one is counted", async () => {
    const { certificate, claimId } = await newClaim();
    const deviceId = await newDevice();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        enroll(app, { fleet, certificate, csr: csrOf(deviceId) }).then(
          () => "issued",
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "issued")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["issued", "credential_spent"]));
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 1 });
  });

  it("is refused while suspended, uses nothing up, and is enrolled once it is released", async () => {
    const { certificate, claimId } = await newClaim();
    const deviceId = await newDevice();
    const request = { fleet, certificate, csr: csrOf(deviceId) };
    const hold = holdItem(fleet, { deviceId, state: "suspended", since: 0, actor });
    await app.items.transact([{ put: hold, when: "absent" }]);
    expect(await codeOf(enroll(app, request))).toBe("device_not_active");
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 0 });
    await app.items.transact([{ delete: { pk: hold.pk, sk: hold.sk }, when: 1 }]);
    await expect(enroll(app, request)).resolves.toHaveProperty("certificate");
  });
});

describe("AWS IoT claim keys shared by a fleet: a claim is refused", () => {
  it("for a device that is in the field already, however it came there, also when its certificate is revoked", async () => {
    const { certificate, claimId } = await newClaim();
    const deviceId = await newDevice();
    const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId });
    const { serialNumber } = await enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) });
    const claim = () => codeOf(enroll(app, { fleet, certificate, csr: csrOf(deviceId) }));
    expect(await claim()).toBe("credential_spent");
    await revoke(app, { fleet, serialNumber, actor, reason: "keyCompromise" });
    expect(await claim()).toBe("credential_spent");
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ used: 0 });
  });

  it("in another fleet, where its path does not exist", async () => {
    const { certificate } = await newClaim();
    const csr = csrOf(await newDevice(other));
    expect(await codeOf(enroll(app, { fleet: other, certificate, csr }))).toBe("not_found");
  });

  it("once it is revoked, and says so", async () => {
    const { certificate, serialNumber, claimId } = await newClaim();
    const csr = csrOf(await newDevice());
    await revoke(app, { fleet, serialNumber, actor, reason: "keyCompromise" });
    expect(await codeOf(enroll(app, { fleet, certificate, csr }))).toBe("client_certificate_revoked");
    expect(await getClaim(app, fleet, claimId)).toMatchObject({ status: "revoked", used: 0 });
  });

  it("once it has expired", async () => {
    const own = await openConfiguredFleet({ accepts: ["claim"] });
    const claim = await createClaim(own.app, {
      fleet,
      actor,
      claimId: "batch-1",
      csr: deviceCsr(deviceKey()),
    });
    await register(own.app, ["pump-1"]);
    own.clock.advance(8 * 86_400_000);
    const request = { fleet, certificate: claim.certificate, csr: csrOf("pump-1") };
    expect(await codeOf(enroll(own.app, request))).toBe("client_certificate_expired");
    expect(await getClaim(own.app, fleet, "batch-1")).toMatchObject({ status: "expired" });
    await own.close();
  });

  it("by a fleet that does not accept claims", async () => {
    const own = await openConfiguredFleet({ accepts: ["token"] });
    const claim = await createClaim(own.app, {
      fleet,
      actor,
      claimId: "batch-1",
      csr: deviceCsr(deviceKey()),
    });
    await register(own.app, ["pump-1"]);
    const request = { fleet, certificate: claim.certificate, csr: csrOf("pump-1") };
    expect(await codeOf(enroll(own.app, request))).toBe("credential_not_accepted");
    await own.close();
  });

  it("with a forged certificate that names the same claim", async () => {
    await newClaim({ claimId: "batch-E" });
    const own = await openConfiguredFleet({ accepts: ["claim"] });
    const forged = await createClaim(own.app, {
      fleet,
      actor,
      claimId: "batch-E",
      csr: deviceCsr(deviceKey()),
    });
    await own.close();
    const csr = csrOf(await newDevice());
    // Not of an authority of this fleet, so it can only be a maker's, and makers are not accepted.
    expect(await codeOf(enroll(app, { fleet, certificate: forged.certificate, csr }))).toBe(
      "credential_not_accepted",
    );
  });

  it("for a request without proof of possession, before anything is read", async () => {
    const { certificate } = await newClaim();
    const csr = Buffer.from(csrOf(await newDevice()));
    csr.writeUInt8(csr.readUInt8(csr.length - 1) ^ 1, csr.length - 1);
    expect(await codeOf(enroll(app, { fleet, certificate, csr }))).toBe("csr_signature_invalid");
  });

  it.each([
    { name: "no name at all", csr: () => deviceCsr(deviceKey()), more: {}, expected: "request_invalid" },
    {
      name: "one name beside the CSR and another in it",
      csr: () => csrOf("pump-1"),
      more: { deviceId: "pump-2" },
      expected: "csr_subject_mismatch",
    },
    {
      name: "another profile than its own",
      csr: () => csrOf("pump-1"),
      more: { profile: "server" },
      expected: "profile_not_permitted",
    },
    {
      name: "a name shaped like a datum of a person",
      csr: () => csrOf("jane@example.test"),
      more: {},
      expected: "name_not_permitted",
    },
  ] as const)("for $name: $expected", async ({ csr, more, expected }) => {
    const own = await openConfiguredFleet({ accepts: ["claim"] });
    await register(own.app, ["pump-1", "pump-2"]);
    const { certificate } = await createClaim(own.app, {
      fleet,
      actor,
      claimId: "batch-1",
      csr: deviceCsr(deviceKey()),
    });
    expect(await codeOf(enroll(own.app, { fleet, certificate, csr: csr(), ...more }))).toBe(expected);
    await own.close();
  });

  it("for devices that are not in the inventory, and after ten of them for a quarter of an hour", async () => {
    const own = await openConfiguredFleet({ accepts: ["claim"] });
    await register(own.app, ["pump-1"]);
    const [one, two] = await Promise.all(
      ["batch-1", "batch-2"].map((claimId) =>
        createClaim(own.app, { fleet, actor, claimId, csr: deviceCsr(deviceKey()) }),
      ),
    );
    const guess = (name: string) =>
      codeOf(enroll(own.app, { fleet, certificate: one?.certificate ?? "", csr: csrOf(name) }));
    for (let count = 0; count < 10; count += 1) expect(await guess(`guess-${count}`)).toBe("device_unknown");
    expect(await guess("pump-1")).toBe("rate_limited");
    // Another claim is another identity, and the window ends.
    const good = { fleet, certificate: two?.certificate ?? "", csr: csrOf("pump-1") };
    await expect(enroll(own.app, good)).resolves.toHaveProperty("certificate");
    own.clock.advance(900_001);
    expect(await guess("guess-11")).toBe("device_unknown");
    await own.close();
  });
});

describe("what is stored of a claim", () => {
  it("is its terms and who made it, and no key", async () => {
    await newClaim({ claimId: "batch-F" });
    const { items } = await app.items.query({ pk: claimPartition(fleet, "batch-F"), limit: 100 });
    expect(items.filter(isClaimItem).map(claimRecord)).toMatchObject([
      { claimId: "batch-F", createdBy: actor },
    ]);
    expect(items).toHaveLength(1);
  });

  it("a claim's certificate is no credential of a device: PEM of anything else is refused", async () => {
    const csr = csrOf(await newDevice());
    const rubbish = encodePem("CERTIFICATE", Buffer.from("300302010a", "hex"));
    expect(await codeOf(enroll(app, { fleet, certificate: rubbish, csr }))).toBe("credential_not_accepted");
  });
});
