/**
 * The contract of the CertificateManager port. Nothing here knows an adapter: run it over each. Every test imports
 * certificates of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { isAppError } from "../../core/errors.ts";
import type { CertificateManager, ServerKeyAlgorithm } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";
import { leaks } from "../support/key-leaks.ts";
import {
  type MadeServerCertificate,
  openServerAuthority,
  type ServerAuthority,
} from "../support/server-authority.ts";

export interface CertificateManagerUnderTest {
  readonly manager: CertificateManager;
  /** A `certificateId` of the service's form that nothing has. */
  readonly absentId: string;
  /** What an emulator does not look at: asserted with its gaps. @default it looks at everything */
  readonly blindTo?: readonly ("key types" | "keys")[];
  readonly close: () => Promise<void>;
}

const algorithms: readonly ServerKeyAlgorithm[] = ["P-256", "P-384", "RSA-2048", "RSA-3072", "RSA-4096"];

export function certificateManagerContract(
  name: string,
  make: () => Promise<CertificateManagerUnderTest>,
): void {
  describe(`CertificateManager contract: ${name}`, () => {
    let opened: CertificateManagerUnderTest | undefined;
    let authority: ServerAuthority | undefined;
    beforeAll(async () => {
      [opened, authority] = await Promise.all([make(), openServerAuthority()]);
    });
    afterAll(async () => {
      await Promise.all([opened?.close(), authority?.close()]);
    });
    const underTest = () => opened ?? expect.fail("the manager is open only while its tests run");
    const made = async (algorithm: ServerKeyAlgorithm = "P-256"): Promise<MadeServerCertificate> => {
      if (authority === undefined) expect.fail("the authority is open only while its tests run");
      return authority.certify(await systemServerKeys.make(algorithm), algorithm);
    };

    it.each(algorithms)("takes a certificate of a %s key and tells of it as it is", async (algorithm) => {
      const { manager } = underTest();
      const { material, serialNumber, notAfter } = await made(algorithm);
      const certificateId = await manager.import("contract-api", material);
      const held = await manager.describe(certificateId);
      expect(held).toMatchObject({ certificateId, serialNumber, notAfter, inUse: false });
      expect(held?.keyAlgorithm).toBe(algorithm);
      expect(held?.importedAt).toBeGreaterThan(0);
    });

    it("one that replaces another has its name, and is what is told of from then on", async () => {
      const { manager } = underTest();
      const [first, second] = [await made(), await made()];
      const certificateId = await manager.import("contract-api", first.material);
      expect(await manager.import("contract-api", second.material, certificateId)).toBe(certificateId);
      expect(await manager.describe(certificateId)).toMatchObject({ serialNumber: second.serialNumber });
    });

    it("one that replaces nothing has a name of its own, though ours is the same", async () => {
      const { manager } = underTest();
      const [first, second] = [await made(), await made()];
      const firstId = await manager.import("contract-api", first.material);
      const secondId = await manager.import("contract-api", second.material);
      expect(secondId).not.toBe(firstId);
      expect(await manager.describe(firstId)).toMatchObject({ serialNumber: first.serialNumber });
    });

    it("certificate_not_held: what is to be replaced is gone, and nothing is imported", async () => {
      const { manager, absentId } = underTest();
      const { material } = await made();
      expect(await codeOf(manager.import("contract-api", material, absentId))).toBe("certificate_not_held");
      expect(await manager.describe(absentId)).toBeUndefined();
    });

    it("what was removed is gone, and removing it again changes nothing", async () => {
      const { manager } = underTest();
      const { material } = await made();
      const certificateId = await manager.import("contract-api", material);
      await manager.remove(certificateId);
      expect(await manager.describe(certificateId)).toBeUndefined();
      await manager.remove(certificateId);
    });

    it("another key type does not replace the one that is there", async (context) => {
      const { manager, blindTo = [] } = underTest();
      if (blindTo.includes("key types")) context.skip("the emulator takes it: asserted with its gaps");
      const [first, second] = [await made("P-256"), await made("RSA-2048")];
      const certificateId = await manager.import("contract-api", first.material);
      expect(await codeOf(manager.import("contract-api", second.material, certificateId))).toBe(
        "certificate_manager_refused",
      );
      expect(await manager.describe(certificateId)).toMatchObject({ serialNumber: first.serialNumber });
    });

    it("a key that does not read is refused, and no word of the failure has it", async (context) => {
      const { manager, blindTo = [] } = underTest();
      if (blindTo.includes("keys")) context.skip("the emulator takes it: asserted with its gaps");
      const { material } = await made();
      const broken = Buffer.from(
        material.privateKey.toString().replace("PRIVATE KEY-----\n", "PRIVATE KEY-----\nAAAA"),
      );
      const failure: unknown = await manager
        .import("contract-api", { ...material, privateKey: broken })
        .catch((error: unknown) => error);
      expect(isAppError(failure, "certificate_manager_refused")).toBe(true);
      expect(leaks(failure, [material.privateKey])).toEqual([]);
    });

    it("20 imports at once in the place of one: one of them is there, whole", async () => {
      const { manager } = underTest();
      const first = await made();
      const others = await Promise.all(Array.from({ length: 20 }, () => made()));
      const certificateId = await manager.import("contract-api", first.material);
      await Promise.all(
        others.map(({ material }) => manager.import("contract-api", material, certificateId)),
      );
      const held = await manager.describe(certificateId);
      expect(others.map(({ serialNumber }) => serialNumber)).toContain(held?.serialNumber);
    });
  });
}
