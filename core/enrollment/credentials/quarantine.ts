/**
 * Room: core/enrollment. A device that comes back after its certificate's expiry: that certificate, and a request
 * signed by its very key. It gets a quarantine certificate, and is held until an operator releases it.
 * espressif/esp-aws-iot #139: devices that expired on the shelf would otherwise be lost.
 */

import { recognise } from "../../access/client-certificate.ts";
import type { Fleet } from "../../authority/issuer.ts";
import { AppError, isAppError } from "../../errors.ts";
import type { App, WriteOperation } from "../../ports.ts";
import {
  type CertificateRecord,
  certificateRecord,
  subjectPartition,
} from "../../records/certificate-record.ts";
import { holdItem } from "../../records/hold-record.ts";
import { readItems } from "../../records/pages.ts";
import { profiles } from "../../standard/profiles.ts";
import type { EnrollmentContext, EnrollmentCredential } from "../credential.ts";
import { findHold, heldBack } from "../hold.ts";

const day = 86_400_000;

const refused = (reason: string): AppError =>
  new AppError("credential_invalid", `the previous certificate ${reason}`);

async function findPrevious(app: App, fleet: Fleet, pem: string): Promise<CertificateRecord> {
  try {
    return (await recognise(app, fleet, pem)).value;
  } catch (error) {
    if (!isAppError(error, "client_certificate_untrusted")) throw error;
    throw refused("was not issued by this fleet; send the last one that it issued to the device");
  }
}

function assertRevived(app: App, { fleet, csr }: EnrollmentContext, previous: CertificateRecord): void {
  if (previous.subjectKind !== "device") throw refused("is not a device's; send the device's own");
  if (previous.state === "revoked")
    throw new AppError("client_certificate_revoked", "the previous certificate was revoked; enrol again");
  // RFC 5280 §4.1.2.5: the last second belongs to the validity.
  const overdue = app.clock.now() - (previous.notAfter + 999);
  if (overdue <= 0) throw refused("is still in force; renew with it over mutual TLS");
  const { quarantineDays } = fleet.configuration;
  if (overdue > quarantineDays * day) {
    throw new AppError(
      "credential_expired",
      `the previous certificate expired more than ${quarantineDays} d ago, the fleet's limit; enrol with a new credential`,
    );
  }
  if (csr.publicKey.fingerprint !== previous.keyFingerprint)
    throw refused("has another key; sign the request with its key");
  // A request is no secret: whoever saw the one that the certificate answered could send it again.
  if (csr.digest === previous.csrDigest)
    throw refused("was issued for this very request; make a new one with the same key");
}

/** A device that loses answers has a few quarantine certificates; more are more than an hour allows. */
const maximumSuccessors = 50;

/**
 * An old key must not take the place of a newer one, nor get around its revocation: nothing but quarantine
 * certificates of the same key may have come after.
 */
async function assertNewest(app: App, fleet: string, previous: CertificateRecord): Promise<void> {
  const pk = subjectPartition(fleet, "device", previous.subjectId);
  const items = await readItems(app, { index: "byDevice", pk, limit: maximumSuccessors, descending: true });
  for (const { value } of items.map(certificateRecord)) {
    if (value.serialNumber === previous.serialNumber) return;
    if (value.state === "revoked")
      throw new AppError(
        "client_certificate_revoked",
        "a later certificate of the device was revoked; enrol again",
      );
    const sameKey = value.keyFingerprint === previous.keyFingerprint;
    if (value.profile !== "quarantine" || !sameKey)
      throw refused("is not the device's last; send the last one, or renew with it");
  }
  throw refused("is not among the device's last; send the last one");
}

/** Puts the device into quarantine, or finds it there. @throws AppError device_not_active (suspended, retired). */
async function intoQuarantine(
  app: App,
  fleet: string,
  deviceId: string,
  actor: string,
): Promise<WriteOperation> {
  const hold = await findHold(app, fleet, deviceId);
  if (hold !== undefined && hold.value.state !== "quarantined") throw heldBack(hold.value);
  const record = hold?.value ?? { deviceId, state: "quarantined", since: app.clock.now(), actor };
  return { put: holdItem(fleet, record), when: hold?.version ?? "absent" };
}

/** `presented`: PEM of the previous certificate. */
export const quarantineCredential: EnrollmentCredential<string> = {
  method: "quarantine",
  async authorise(app, context, presented) {
    const previous = await findPrevious(app, context.fleet, presented);
    assertRevived(app, context, previous);
    const { fleet, subjectId: deviceId, serialNumber } = previous;
    await assertNewest(app, fleet, previous);
    const credential = `quarantine:${serialNumber}`;
    return {
      credential,
      deviceId,
      profile: profiles.quarantine,
      consume: [],
      taken: () => new AppError("internal", "nothing of a previous certificate is used up"),
      quarantine: await intoQuarantine(app, fleet, deviceId, credential),
    };
  },
};
