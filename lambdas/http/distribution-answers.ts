/** Room: lambdas/http. What answers about trust, keys and counts look like, for the OpenAPI document and the client. */
import * as z from "zod/mini";
import { time } from "./answer-schemas.ts";
import { cursor, deviceId, documented, serialNumber } from "./schemas.ts";

const count = (description: string) => documented(z.int(), { description });
const counts = (description: string) => documented(z.record(z.string(), z.int()), { description });

export const trustAcknowledgement = documented(
  z.strictObject({
    version: count("The newest version that the caller has acknowledged."),
    current: count("The newest version that there is."),
  }),
  { id: "TrustAcknowledgement" },
);

export const trustAdoption = documented(
  z.strictObject({
    version: count("The newest version that there is."),
    asOf: time("Acknowledgements up to then are counted."),
    devices: count("Devices that have acknowledged any version."),
    pipelines: count("Pipelines that have."),
    versions: z.array(
      z.strictObject({
        version: z.int(),
        devices: count("Devices whose newest acknowledgement is of this version."),
        pipelines: z.int(),
      }),
    ),
  }),
  { id: "TrustAdoption" },
);

export const deviceKeyPage = documented(
  z.strictObject({
    deviceId: deviceId(),
    keys: documented(
      z.array(
        z.looseObject({
          kty: z.string(),
          kid: documented(z.string(), { description: "RFC 7638 SHA-256 thumbprint." }),
          serialNumber: serialNumber(),
          profile: z.string(),
          notBefore: time("First moment of validity."),
          notAfter: time("Last moment of validity."),
          status: z.enum(["active", "revoked", "held", "expired"]),
          current: documented(z.boolean(), { description: "Of the certificate that was issued last." }),
        }),
      ),
      { description: "JWKs (RFC 7517), the newest first." },
    ),
    cursor: z.exactOptional(cursor()),
  }),
  { id: "DeviceKeys" },
);

export const inventory = documented(
  z.strictObject({
    asOf: time("Certificates issued up to then are counted."),
    total: count("Ever issued."),
    unexpired: count("Not over yet, revoked ones among them."),
    revoked: count("Revoked and not over yet, those on hold among them."),
    expiring: documented(z.array(z.strictObject({ days: z.int(), certificates: z.int() })), {
      description: "Certificates that end within so many days.",
    }),
    byProfile: counts("Unexpired ones by profile."),
    byAuthority: counts("Unexpired ones by issuing authority."),
    byKeyAlgorithm: counts("Unexpired ones by the kind of their key."),
  }),
  { id: "Inventory" },
);

export const renewalInfo = documented(
  z.strictObject({
    suggestedWindow: z.strictObject({
      start: time("From when the certificate is to be renewed."),
      end: time("By when it should be."),
    }),
    explanationURL: z.exactOptional(
      documented(z.string(), { description: "A page about it, where people have pulled renewals forward." }),
    ),
  }),
  { id: "RenewalInfo" },
);
