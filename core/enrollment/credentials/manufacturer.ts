/**
 * Room: core/enrollment. Certificate that the device's maker put into it. It outlives every reset, so it enrols its
 * device again with a new request; how often, the limit of an hour says.
 */
import { limitFailures } from "../../access/attempts.ts";
import { decodePresented } from "../../access/client-certificate.ts";
import { AppError } from "../../errors.ts";
import { makerIdentityKey, makerIdentityRecord } from "../../records/registration-record.ts";
import { profiles } from "../../standard/profiles.ts";
import type { EnrollmentCredential } from "../credential.ts";
import { identifyManufacturer } from "../manufacturer-certificate.ts";

/** `presented`: PEM of the certificate whose key the TLS peer has proved to hold. */
export const manufacturerCredential: EnrollmentCredential<string> = {
  method: "manufacturer",
  async authorise(app, { fleet: { record, configuration } }, presented) {
    const certificate = decodePresented(presented);
    const { manufacturer, identifier } = await identifyManufacturer(
      app,
      configuration.manufacturers,
      certificate,
    );
    const { fleet } = record;
    // Only the module's own key can use these attempts up: TLS has proved it.
    const identity = `manufacturer:${manufacturer}/${identifier}`;
    return limitFailures(app, { fleet, identity, codes: ["device_unknown"] }, async () => {
      const item = await app.items.get(makerIdentityKey(fleet, manufacturer, identifier));
      if (item === undefined) {
        throw new AppError(
          "device_unknown",
          "the manufacturer's identifier is not in the fleet's inventory; register it first",
        );
      }
      const { deviceId, profile } = makerIdentityRecord(item).value;
      return {
        credential: `manufacturer:${manufacturer}/${deviceId}`,
        deviceId,
        profile: profiles[profile],
        consume: [],
        taken: () => new AppError("internal", "nothing of a manufacturer's certificate is used up"),
      };
    });
  },
};
