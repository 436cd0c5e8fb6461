/** The CertificateManager contract on sealed files, and what only files have. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SealedCertificates, sealedCertificates } from "../../../adapters/local/sealed-certificates.ts";
import { systemServerKeys } from "../../../adapters/system/server-key.ts";
import { certificateManagerContract } from "../../contracts/certificate-manager.ts";
import { codeOf } from "../../support/errors.ts";
import { leaks } from "../../support/key-leaks.ts";
import { openServerAuthority, type ServerAuthority } from "../../support/server-authority.ts";

const absentId = `certificate-${"0".repeat(32)}`;

async function open(directory: string): Promise<SealedCertificates> {
  const masterKey = { keyFile: join(directory, "master.key") };
  return sealedCertificates({ directory: join(directory, "certificates"), masterKey });
}

certificateManagerContract("sealed files", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-certificates-"));
  return {
    manager: await open(directory),
    absentId,
    close: () => rm(directory, { recursive: true, force: true }),
  };
});

describe("sealed files", () => {
  let directory: string;
  let authority: ServerAuthority;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleetkey-certificates-"));
    authority = await openServerAuthority();
  });
  afterEach(async () => {
    await authority.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function imported() {
    const manager = await open(directory);
    const { material } = await authority.certify(await systemServerKeys.make("P-256"), "P-256");
    const certificateId = await manager.import("default/api/copy-1", material);
    const path = join(directory, "certificates", `${certificateId}.json`);
    return { manager, material, certificateId, path };
  }

  it("no file has the key in the clear, and only their owner reads them", async () => {
    const { material, path } = await imported();
    const names = await readdir(join(directory, "certificates"));
    const contents = await Promise.all(names.map((name) => readFile(join(directory, "certificates", name))));
    expect(leaks(contents, [material.privateKey])).toEqual([]);
    expect(leaks([material.privateKey], [material.privateKey])).not.toEqual([]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("after a restart the key opens, and is the certificate's", async () => {
    const { certificateId } = await imported();
    const material = await (await open(directory)).material(certificateId);
    if (material === undefined) expect.fail("nothing is held");
    const key = createPrivateKey(material.privateKey);
    expect(new X509Certificate(material.certificate).checkPrivateKey(key)).toBe(true);
  });

  it.each(["certificate", "chain", "name", "importedAt", "sealed"])(
    "a file whose %s was changed does not open",
    async (member) => {
      const { manager, certificateId, path } = await imported();
      const stored = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
      const value = stored[member];
      stored[member] = typeof value === "number" ? value + 1 : `x${String(value)}`;
      expect(stored[member]).not.toBe(value);
      await writeFile(path, JSON.stringify(stored));
      expect(await codeOf(manager.material(certificateId))).toBe("key_store_locked");
    },
  );

  it("another certificate's key is refused", async () => {
    const { manager, material } = await imported();
    const other = await systemServerKeys.make("P-256");
    const wrong = { ...material, privateKey: other.privateKey };
    expect(await codeOf(manager.import("default-api", wrong))).toBe("certificate_manager_refused");
  });

  it.each(["../../etc/passwd", "certificate-../x", "", "certificate-00"])(
    "the id %j never becomes a path",
    async (certificateId) => {
      const { manager, material } = await imported();
      expect(await manager.describe(certificateId)).toBeUndefined();
      expect(await manager.material(certificateId)).toBeUndefined();
      await manager.remove(certificateId);
      expect(await codeOf(manager.import("default-api", material, certificateId))).toBe(
        "certificate_not_held",
      );
    },
  );
});
