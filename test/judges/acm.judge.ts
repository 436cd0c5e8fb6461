/**
 * The CertificateManager contract on independent emulators of AWS Certificate Manager, and a server certificate's life
 * there: imported, renewed under the same ARN, throttled, deleted behind our back, of the wrong key type. What an
 * emulator lacks is asserted, so that the day it is mended this file says so.
 */
import { createPublicKey, X509Certificate } from "node:crypto";
import {
  DescribeCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  ListTagsForCertificateCommand,
} from "@aws-sdk/client-acm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { getServerCertificate } from "../../core/rotation/server-certificate.ts";
import { removeServerCertificate } from "../../core/rotation/server-removal.ts";
import { resumeServerCertificate, rollbackServerCertificate } from "../../core/rotation/server-rollback.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { certificateManagerContract } from "../contracts/certificate-manager.ts";
import { openServerWorld, type ServerWorld } from "../rotation/server-world.ts";
import { modelComplaints } from "../support/aws-model.ts";
import { type Emulator, startMinistack, startMoto } from "../support/emulators.ts";
import { testFleet } from "../support/fleet-app.ts";
import { leaks } from "../support/key-leaks.ts";
import { openServerAuthority } from "../support/server-authority.ts";
import { type AcmService, openAcmService } from "./support/acm-service.ts";

const absentId = "arn:aws:acm:eu-central-1:999999999999:certificate/00000000-0000-4000-8000-000000000000";
const act = { fleet: testFleet, name: "api", actor: "operator:operator-1" };
const nothing = { issued: 0, imported: 0, failed: 0, drifted: 0 };
const once = { ...nothing, issued: 1, imported: 1 };

interface EmulatorRow {
  readonly name: string;
  readonly start: () => Promise<Emulator>;
  readonly blindTo: readonly ("key types" | "keys")[];
}

const emulators: readonly EmulatorRow[] = [
  { name: "moto", start: startMoto, blindTo: ["key types"] },
  { name: "ministack", start: startMinistack, blindTo: ["key types", "keys"] },
];

async function foreignMaterial(algorithm: "P-256" | "P-384") {
  const authority = await openServerAuthority();
  try {
    return (await authority.certify(await systemServerKeys.make(algorithm), algorithm)).material;
  } finally {
    await authority.close();
  }
}

for (const { name, start, blindTo } of emulators) {
  certificateManagerContract(`ACM, ${name}`, async () => {
    const { manager, close } = await openAcmService(start);
    return { manager, absentId, blindTo, close };
  });

  describe(`a server certificate's life in ACM, ${name}`, () => {
    let service: AcmService;
    let world: ServerWorld;
    beforeAll(async () => {
      service = await openAcmService(start);
      world = await openServerWorld(service.manager);
    });
    afterAll(async () => {
      await world.close();
      await service.close();
    });
    const tend = () => tendServerCertificates(world.serverApp);
    const view = () => getServerCertificate(world.serverApp, act);
    const pem = async (certificateId = "") =>
      service.plain.send(new GetCertificateCommand({ CertificateArn: certificateId }));

    it("import: ACM has our certificate with its chain, and our tags", async () => {
      await world.request();
      expect(await tend()).toEqual(once);
      const { certificateId = "", serialNumber } = await view();
      const { Certificate: certificate = "", CertificateChain: chain } = await pem(certificateId);
      expect(new X509Certificate(certificate).serialNumber.toLowerCase()).toBe(serialNumber);
      expect(chain).toContain("BEGIN CERTIFICATE");
      const tags = await service.plain.send(
        new ListTagsForCertificateCommand({ CertificateArn: certificateId }),
      );
      expect(tags.Tags).toEqual(
        expect.arrayContaining([
          { Key: "fleetkey:name", Value: "default/api" },
          { Key: "fleetkey:stage", Value: "judged" },
        ]),
      );
    });

    it("renewal: another key under the same ARN, and the one before is held under its own", async () => {
      const before = await view();
      await world.fallDue();
      expect(await tend()).toEqual(once);
      const after = await view();
      expect(after.certificateId).toBe(before.certificateId);
      const [old, fresh] = await Promise.all([
        pem(after.previous?.certificateId),
        pem(after.certificateId),
      ]).then((both) => both.map(({ Certificate = "" }) => new X509Certificate(Certificate)));
      expect(old?.serialNumber.toLowerCase()).toBe(before.serialNumber);
      expect(fresh?.serialNumber.toLowerCase()).toBe(after.serialNumber);
      const spki = (one?: X509Certificate) =>
        one && createPublicKey(one.publicKey.export({ format: "pem", type: "spki" }));
      expect(spki(old)?.equals(spki(fresh) ?? createPublicKey(""))).toBe(false);
    });

    it("throttled: what is held stays, and the next run after the pause succeeds", async () => {
      const before = await view();
      await world.fallDue();
      const made = world.keys.length;
      service.fault = "throttled";
      expect(await tend()).toEqual({ ...nothing, failed: 1 });
      expect(await view()).toMatchObject({
        serialNumber: before.serialNumber,
        lastFailure: "certificate_manager_unavailable",
      });
      // The look before it was throttled: nothing was made for nothing.
      expect(world.keys).toHaveLength(made);
      service.fault = "none";
      await world.fallDue();
      expect(await tend()).toEqual(once);
      expect(await view()).toMatchObject({ certificateId: before.certificateId, state: "current" });
    });

    it("a rollback names an ARN that is held, and resuming renews under the old one", async () => {
      const before = await view();
      await rollbackServerCertificate(world.serverApp, act);
      expect(await tend()).toEqual(nothing);
      const { Certificate: certificate = "" } = await pem(before.previous?.certificateId);
      expect(new X509Certificate(certificate).serialNumber.toLowerCase()).toBe(before.previous?.serialNumber);
      await resumeServerCertificate(world.serverApp, act);
      expect(await tend()).toEqual(once);
      expect(await view()).toMatchObject({ certificateId: before.certificateId, state: "current" });
    });

    it("deleted behind our back: told, and imported under another ARN", async () => {
      const before = await view();
      await service.manager.remove(before.certificateId ?? "");
      expect(await tend()).toEqual({ ...once, drifted: 1 });
      expect((await view()).certificateId).not.toBe(before.certificateId);
      expect(world.notices.map(({ event }) => event)).toContain("server-certificate.missing");
    });

    it("wrong key type: told as replaced; resuming fails before anything is imported", async () => {
      const { certificateId = "" } = await view();
      const { certificate, privateKey } = await foreignMaterial("P-384");
      const Certificate = Buffer.from(certificate);
      await service.plain.send(
        new ImportCertificateCommand({ CertificateArn: certificateId, Certificate, PrivateKey: privateKey }),
      );
      expect(await tend()).toEqual({ ...nothing, drifted: 1 });
      await resumeServerCertificate(world.serverApp, act);
      const imports = world.acts.filter((each) => each.startsWith("import")).length;
      expect(await tend()).toEqual({ ...nothing, failed: 1 });
      expect(await view()).toMatchObject({ lastFailure: "server_certificate_mismatch" });
      expect(world.acts.filter((each) => each.startsWith("import"))).toHaveLength(imports);
    });

    it("removal: ours are gone, what somebody else put there stays", async () => {
      const { certificateId = "", previous } = await view();
      await removeServerCertificate(world.serverApp, act);
      expect(await tend()).toEqual(nothing);
      expect(await service.manager.describe(previous?.certificateId ?? "")).toBeUndefined();
      expect(await service.manager.describe(certificateId)).toMatchObject({ keyAlgorithm: "P-384" });
    });

    it("requests fit AWS's own model of the API", async () => {
      const requests = service.called;
      expect(new Set(requests.map(({ operation }) => operation))).toEqual(
        new Set(["ImportCertificate", "DescribeCertificate", "DeleteCertificate"]),
      );
      const complaints = await modelComplaints("acm", requests);
      expect(complaints.flat()).toEqual([]);
    });

    it("no private key is in what the store, the log and the notices were given", () => {
      expect(leaks([world.received, world.log], world.keys)).toEqual([]);
      expect(world.handedOut.every((buffer) => buffer.every((octet) => octet === 0))).toBe(true);
    });

    it("gap: another key type is taken in place of the one that is there, which ACM refuses", async () => {
      const [first, second] = await Promise.all([foreignMaterial("P-256"), foreignMaterial("P-384")]);
      const id = await service.manager.import("gap", first);
      expect(await service.manager.import("gap", second, id)).toBe(id);
    });

    it("gap: descriptions are not ACM's: a serial number in hexadecimal, parted by colons", async () => {
      const id = await service.manager.import("gap", await foreignMaterial("P-256"));
      const { Certificate: detail } = await service.plain.send(
        new DescribeCertificateCommand({ CertificateArn: id }),
      );
      expect(detail?.Serial ?? "").not.toMatch(/^(?:[0-9a-f]{2}:){7,19}[0-9a-f]{2}$/);
    });
  });
}
