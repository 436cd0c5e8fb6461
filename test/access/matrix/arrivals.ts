/**
 * Room: test. Devices that have no certificate of the fleet in force: those that only their maker has certified, those
 * whose key was registered, and those that were away past their certificate's end.
 */
import { hash } from "node:crypto";
import { enroll } from "../../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../../core/enrollment/token.ts";
import { name } from "../../../core/formats/name.ts";
import type { App } from "../../../core/ports.ts";
import { revoke } from "../../../core/revocation/revoke.ts";
import { register } from "../../enrollment/fixtures/configured-fleet.ts";
import { forever, type Maker, makeMaker, serialNumberSubject } from "../../enrollment/fixtures/maker.ts";
import { type DeviceKey, deviceCsr, deviceKey } from "../../support/device.ts";
import type { FleetPorts } from "../../support/fleet-app.ts";

/** Makers whose authorities have one name and three keys: the fleet's, the other fleet's, and nobody's. */
export const makers = { own: acme(), other: acme(), nobody: acme() };

function acme(): Maker {
  return makeMaker({ subject: name([["commonName", "Acme Device Authority"]]) });
}

export interface MakerState {
  readonly serialNumber?: string;
  readonly isOver?: true;
}

/** A certificate as `maker` puts it into a device; the inventory has `SN-1`. */
export function makerCertificate(maker: Maker, { serialNumber = "SN-1", isOver }: MakerState = {}): string {
  const validity = isOver === true ? { notBefore: 0, notAfter: 1_000 } : forever;
  return maker.certify({ subject: serialNumberSubject(serialNumber), validity });
}

/** A device with its last certificate of the fleet, and the key of it. */
export interface Returning {
  readonly certificate: string;
  readonly key: DeviceKey;
  /** The request that the certificate answered, DER. */
  readonly csr: Buffer;
}

export async function certifiedDevice(app: FleetPorts, fleet: string, deviceId: string): Promise<Returning> {
  const key = deviceKey();
  const { token } = await createEnrollmentToken(app, { fleet, actor: "operator:x", deviceId });
  const csr = deviceCsr(key);
  const { certificate, serialNumber } = await enroll(app, { fleet, token, csr });
  if (deviceId.includes("revoked"))
    await revoke(app, { fleet, serialNumber, actor: "operator:x", reason: "keyCompromise" });
  return { certificate, key, csr };
}

/** Keys whose hashes the inventory has: one that enrols, and one that does so twice. */
export interface RegisteredKeys {
  readonly fresh: DeviceKey;
  readonly replayed: DeviceKey;
}

const keyHash = ({ spki }: DeviceKey): string => hash("sha256", spki);

/** The inventory of the matrix. */
export async function fillInventory(app: App, fleet: string): Promise<RegisteredKeys> {
  const keys = { fresh: deviceKey(), replayed: deviceKey() };
  await register(
    app,
    [
      "pump-claimed",
      "pump-unclaimed",
      { deviceId: "pump-made", manufacturer: { id: "acme", serialNumber: "SN-1" } },
      { deviceId: "pump-key", publicKeySha256: keyHash(keys.fresh) },
      { deviceId: "pump-key-again", publicKeySha256: keyHash(keys.replayed) },
    ],
    fleet,
  );
  return keys;
}
