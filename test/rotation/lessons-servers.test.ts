/** Room: test. What others learned about certificates that a service holds: what is lost in a re-import stays lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemServerKeys } from "../../adapters/system/server-key.ts";
import { AppError } from "../../core/errors.ts";
import { getServerCertificate } from "../../core/rotation/server-certificate.ts";
import { resumeServerCertificate } from "../../core/rotation/server-rollback.ts";
import { tendServerCertificates } from "../../core/rotation/server-tending.ts";
import { testFleet } from "../support/fleet-app.ts";
import { openServerAuthority } from "../support/server-authority.ts";
import { day, openServerWorld, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;
beforeEach(async () => {
  world = await openServerWorld();
  await world.request();
  await tend();
});
afterEach(() => world.close());

const tend = () => tendServerCertificates(world.serverApp);
const view = () => getServerCertificate(world.serverApp, { fleet: testFleet, name: "api" });
const serialAt = async (id = "") => (await world.serverApp.certificates.describe(id))?.serialNumber;
const imports = () => world.acts.filter((act) => act.startsWith("import")).length;

describe("ACM re-import has no rollback: pre-flight check; old material kept", () => {
  it("a pre-flight check refuses another key type before a key is made, a certificate signed or anything imported", async () => {
    const { certificateId = "" } = await view();
    const authority = await openServerAuthority();
    const other = await authority.certify(await systemServerKeys.make("P-384"), "P-384");
    await authority.close();
    const { certificates } = world.serverApp;
    await certificates.remove(certificateId);
    const foreignId = await certificates.import("foreign", other.material);
    const { describe: look } = certificates;
    certificates.describe = (id) => look(id === certificateId ? foreignId : id);
    expect(await tend()).toMatchObject({ drifted: 1 });
    await resumeServerCertificate(world.serverApp, { fleet: testFleet, name: "api", actor: "operator:one" });
    const before = imports();
    expect(await tend()).toMatchObject({ issued: 0, imported: 0, failed: 1 });
    expect(await view()).toMatchObject({ lastFailure: "server_certificate_mismatch" });
    expect(world.keys).toHaveLength(1);
    expect(imports()).toBe(before);
  });

  it("the old material is kept: after a re-import the generation before is held with its key, elsewhere", async () => {
    const before = await view();
    world.clock.advance(20 * day);
    await tend();
    const { previous, certificateId, serialNumber } = await view();
    expect(previous?.serialNumber).toBe(before.serialNumber);
    expect(previous?.certificateId).not.toBe(certificateId);
    expect(await serialAt(previous?.certificateId)).toBe(before.serialNumber);
    expect(await serialAt(certificateId)).toBe(serialNumber);
  });

  it("a re-import that is refused half-way leaves the present one where it is, and its copy too", async () => {
    const before = await view();
    const copyId = (await world.record()).slots[1]?.certificateId;
    world.clock.advance(20 * day);
    const { certificates } = world.serverApp;
    const { import: take } = certificates;
    certificates.import = (name, material, replaces) =>
      replaces === before.certificateId
        ? Promise.reject(new AppError("certificate_manager_refused", "no"))
        : take(name, material, replaces);
    expect(await tend()).toMatchObject({ issued: 1, failed: 1 });
    expect(await serialAt(before.certificateId)).toBe(before.serialNumber);
    expect(await serialAt(copyId)).toBe(before.serialNumber);
  });
});
