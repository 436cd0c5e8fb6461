/** Room: lambdas/http. What a fleet's configuration looks like: whom it trusts, and with which limits. */
import * as z from "zod/mini";
import {
  accessLimits,
  dataOperations,
  enrollmentMethodIds,
  pipelineOperations,
} from "../../core/standard/access.ts";
import { revocationStandard } from "../../core/standard/revocation.ts";
import { rotationStandard } from "../../core/standard/rotation.ts";
import { httpsUrl } from "./access-schemas.ts";
import { backendId, deviceId, documented, lazily, profileId, text } from "./schemas.ts";

const shortText = (noun: string, maximum: number) =>
  text(`must be ${noun} of 1 to ${maximum} characters`, new RegExp(`^[\\x21-\\x7e]{1,${maximum}}$`), {});
const opaqueName = text(
  "must be 1 to 64 of a-z, 0-9 and inner hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/,
  {
    description: "An opaque name, unique in the fleet.",
  },
);

const patternText = shortText("a pattern", 256);
const purposeMessage = "must be 1 to 32 of a-z, 0-9 and hyphens, a letter first";
const purposeWord = text(purposeMessage, /^[a-z][a-z0-9-]{0,31}$/, {});
const purposeOrAll = text(`${purposeMessage}, or *`, /^(?:[a-z][a-z0-9-]{0,31}|\*)$/, {});
const permission = () => ({
  id: opaqueName(),
  operations: z
    .array(z.enum(pipelineOperations, { error: `must be among ${pipelineOperations.join(", ")}` }))
    .check(z.minLength(1), z.maxLength(pipelineOperations.length)),
  profiles: z.array(profileId()).check(z.maxLength(8)),
  serverNames: z.exactOptional(
    documented(z.array(shortText("a name", 255)()).check(z.maxLength(64)), {
      description:
        "DNS names for which it may ask server certificates: `api.example.com`, or `*.example.com` for one more label.",
    }),
  ),
  purposes: z.exactOptional(
    documented(z.array(purposeOrAll()).check(z.maxLength(32)), {
      description: `Purposes of the data for which it may do ${dataOperations.join(", ")}: words, or \`*\` alone for all.`,
      example: ["observations"],
    }),
  ),
});

const pipeline = lazily(() =>
  documented(
    z.discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("oidc"),
        ...permission(),
        issuer: httpsUrl(),
        jwksUri: z.exactOptional(httpsUrl()),
        audience: shortText("an audience", 256)(),
        claims: z.record(z.string().check(z.regex(/^[A-Za-z0-9_.:/-]{1,64}$/)), patternText()),
      }),
      z.strictObject({ kind: z.literal("iam"), ...permission(), principal: patternText() }),
      z.strictObject({ kind: z.literal("certificate"), ...permission(), backend: backendId() }),
    ]),
    {
      id: "PipelineTrust",
      description:
        "Whose tokens, which IAM principals, or which backends with a certificate of the fleet, may do what.",
    },
  ),
);

const { crlWindowDays } = revocationStandard;
const { adoptionPercent } = rotationStandard.rollover;
const wholeNumber = (minimum: number, maximum: number) => {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int({ error }).check(z.minimum(minimum, { error }), z.maximum(maximum, { error }));
};

const manufacturer = lazily(() =>
  documented(
    z.strictObject({
      id: opaqueName(),
      certificate: documented(z.string().check(z.maxLength(24_000)), {
        description: "PEM of the authority that signed the devices' own certificates.",
      }),
      identifier: z.enum(["serialNumber", "hardwareModuleName"], {
        error: "must be serialNumber or hardwareModuleName",
      }),
    }),
    { id: "ManufacturerTrust", description: "A device maker's authority (IEEE 802.1AR)." },
  ),
);

const operatorIssuer = lazily(() =>
  documented(
    z.strictObject({
      issuer: httpsUrl(),
      jwksUri: z.exactOptional(httpsUrl()),
      audience: shortText("an audience", 256)(),
      mfa: z.strictObject({
        claim: z.enum(["amr", "acr"], { error: "must be amr or acr" }),
        value: shortText("a value", 128)(),
      }),
    }),
    { id: "OperatorIssuer", description: "Where operators sign in with more than one factor." },
  ),
);

export const fleetConfigurationRequest = lazily(() =>
  documented(
    z.strictObject({
      accepts: documented(
        z
          .array(z.enum(enrollmentMethodIds, { error: `must be among ${enrollmentMethodIds.join(", ")}` }))
          .check(z.maxLength(enrollmentMethodIds.length)),
        { description: "Enrolment credentials that the fleet accepts.", example: ["token", "claim"] },
      ),
      validityDays: z.exactOptional(
        documented(z.partialRecord(profileId(), wholeNumber(1, 397)), {
          description: "Days of validity by profile, where not the profile's own.",
          example: { device: 30 },
        }),
      ),
      deviceIdPrefixes: z.exactOptional(z.array(deviceId()).check(z.maxLength(32))),
      issuancesPerHour: z.exactOptional(wholeNumber(1, accessLimits.issuancesPerHour.maximum)),
      quarantineDays: z.exactOptional(wholeNumber(1, 1_825)),
      crlWindowDays: z.exactOptional(
        documented(wholeNumber(crlWindowDays.minimum, crlWindowDays.maximum), {
          description: `Days of expiry that one part of a CRL covers; ${crlWindowDays.default} when absent.`,
        }),
      ),
      expiryNoticeDays: z.exactOptional(
        documented(z.array(wholeNumber(1, 397)).check(z.maxLength(8)), {
          description: "Days before a certificate's end at which people are told; none: nobody is.",
        }),
      ),
      manufacturers: z.exactOptional(z.array(manufacturer()).check(z.maxLength(16))),
      rolloverAdoptionPercent: z.exactOptional(
        documented(wholeNumber(adoptionPercent.minimum, adoptionPercent.maximum), {
          description: `Percent of active devices that must trust a new authority before it issues; ${adoptionPercent.default} when absent.`,
        }),
      ),
      fleetWrappedPurposes: z.exactOptional(
        documented(z.array(purposeWord()).check(z.maxLength(32)), {
          description:
            "Purposes whose data keys are wrapped under the fleet's own key: every AWS Encryption SDK reads them with rights at KMS alone, and their data cannot be shredded one subject at a time. None when absent.",
        }),
      ),
      pipelines: z.exactOptional(z.array(pipeline()).check(z.maxLength(32))),
      operatorIssuers: z.exactOptional(z.array(operatorIssuer()).check(z.maxLength(8))),
    }),
    { id: "FleetConfiguration", description: "Members left out are at their defaults." },
  ),
);
