/** Room: core/enrollment. A key whose hash was registered: the request's own signature is the proof. It enrols once. */
import { AppError } from "../../errors.ts";
import type { KeylessApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import {
  type RegisteredKeyRecord,
  registeredKeyItem,
  registeredKeyKey,
  registeredKeyRecord,
} from "../../records/registration-record.ts";
import { profiles } from "../../standard/profiles.ts";
import type { EnrollmentCredential } from "../credential.ts";

/** One read, of the fleet's own registrations only. */
export async function findRegisteredKey(
  app: KeylessApp,
  fleet: string,
  keyFingerprint: string,
): Promise<Stored<RegisteredKeyRecord> | undefined> {
  const item = await app.items.get(registeredKeyKey(fleet, keyFingerprint));
  return item === undefined ? undefined : registeredKeyRecord(item);
}

function spent(): AppError {
  return new AppError(
    "credential_spent",
    "the registered key was used for another request; repeat that request byte for byte, or renew",
  );
}

export const keyCredential: EnrollmentCredential<Stored<RegisteredKeyRecord>> = {
  method: "key",
  async authorise(_app, { fleet }, { value: key, version }) {
    const put = registeredKeyItem(fleet.record.fleet, { ...key, state: "spent" });
    return {
      credential: `key:${key.keyFingerprint}`,
      deviceId: key.deviceId,
      profile: profiles[key.profile],
      consume: [{ put, when: version }],
      taken: spent,
      spent: key.state === "spent",
    };
  },
};
