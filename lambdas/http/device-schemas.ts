/** Room: lambdas/http. What requests about the inventory, claims and decisions look like. */
import * as z from "zod/mini";
import { accessLimits } from "../../core/standard/access.ts";
import { claimId, deviceId, documented, lazily, profileId, text } from "./schemas.ts";

const { devicesPerUpload, claimQuota } = accessLimits;

const keySha256 = text("must be 64 lowercase hexadecimal digits", /^[0-9a-f]{64}$/, {
  description: "SHA-256 of the device's SubjectPublicKeyInfo (DER), in lowercase hexadecimal.",
});
const manufacturerSerial = text("must be 1 to 128 printable ASCII characters", /^[\x20-\x7e]{1,128}$/, {
  description:
    "The identifier that the maker's certificate gives the device: the subject's serialNumber as it stands; of a hardwareModuleName its type and serial number, as `1.3.6.1.4.1.32473.7:SN-00042`, with octets that are not printable ASCII as `hex:` and lowercase hexadecimal.",
  example: "SN-00042",
});

export const deviceRegistration = lazily(() =>
  documented(
    z.strictObject({
      deviceId: deviceId(),
      profile: z.exactOptional(profileId()),
      publicKeySha256: z.exactOptional(keySha256()),
      manufacturer: z.exactOptional(
        z.strictObject({
          id: text("must be the id of one of the fleet's manufacturers", /^[a-z0-9-]{1,64}$/, {})(),
          serialNumber: manufacturerSerial(),
        }),
      ),
    }),
    { id: "DeviceRegistration" },
  ),
);

export const registerDevicesRequest = lazily(() =>
  documented(
    z.strictObject({
      devices: z.array(deviceRegistration()).check(
        z.minLength(1, { error: `must hold 1 to ${devicesPerUpload} devices` }),
        z.maxLength(devicesPerUpload, {
          error: `must hold 1 to ${devicesPerUpload} devices; split the upload`,
        }),
      ),
    }),
    { id: "RegisterDevicesRequest" },
  ),
);

export const setDeviceStateRequest = lazily(() =>
  documented(
    z.strictObject({
      state: documented(
        z.enum(["active", "suspended", "retired"], { error: "must be active, suspended or retired" }),
        { description: "`active` ends a suspension or a quarantine; `retired` is for good." },
      ),
    }),
    { id: "SetDeviceStateRequest" },
  ),
);

const quotaMessage = `must be a whole number from 1 to ${claimQuota.maximum}`;
export const createClaimRequest = lazily(() =>
  documented(
    z.strictObject({
      claimId: claimId(),
      csr: documented(z.string({ error: "must be a PKCS #10 request: PEM, or base64 of its DER" }), {
        description: "PKCS #10 certification request of the batch's key.",
      }),
      quota: documented(
        z
          .int({ error: quotaMessage })
          .check(
            z.minimum(1, { error: quotaMessage }),
            z.maximum(claimQuota.maximum, { error: quotaMessage }),
          ),
        { description: "How many devices the claim may enrol.", example: 500 },
      ),
      profile: z.exactOptional(profileId()),
    }),
    { id: "CreateClaimRequest" },
  ),
);

export const createBackendCertificateRequest = lazily(() =>
  documented(
    z.strictObject({
      csr: documented(z.string({ error: "must be a PKCS #10 request: PEM, or base64 of its DER" }), {
        description: "PKCS #10 certification request of the backend's key.",
      }),
    }),
    { id: "CreateBackendCertificateRequest" },
  ),
);

export const decisionRequest = lazily(() =>
  documented(
    z.strictObject({ decision: z.enum(["approve", "deny"], { error: "must be approve or deny" }) }),
    { id: "DecisionRequest" },
  ),
);
