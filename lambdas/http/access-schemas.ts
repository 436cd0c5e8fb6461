/** Room: lambdas/http. What requests about operators, sessions, approvals and fleets look like. */
import * as z from "zod/mini";
import {
  accessLimits,
  criticalOperations,
  enrollmentMethodIds,
  pipelineOperations,
  roleIds,
} from "../../core/standard/access.ts";
import { revocationStandard } from "../../core/standard/revocation.ts";
import { rotationStandard } from "../../core/standard/rotation.ts";
import { deviceId, documented, lazily, operatorId, profileId, text } from "./schemas.ts";

const roleList = lazily(() =>
  documented(
    z
      .array(z.enum(roleIds, { error: `must be among ${roleIds.join(", ")}` }))
      .check(
        z.minLength(1, { error: "must name 1 to 4 roles" }),
        z.maxLength(4, { error: "must name 1 to 4 roles" }),
      ),
    { id: "Roles", description: "What an operator may do.", example: ["securityOfficer"] },
  ),
);

export const challenge = text("must be the challenge that the service gave", /^[A-Za-z0-9_-]{43}$/, {
  description: "As `POST …/challenges` gave it.",
});

const httpsUrl = text(
  "must be an https URL of at most 512 characters without query or fragment",
  /^https:\/\/[^\s?#]{1,504}$/,
  {
    description: "https only.",
    example: "https://issuer.example.com",
  },
);
const shortText = (noun: string, maximum: number) =>
  text(`must be ${noun} of 1 to ${maximum} characters`, new RegExp(`^[\\x21-\\x7e]{1,${maximum}}$`), {});
const opaqueName = text(
  "must be 1 to 64 of a-z, 0-9 and inner hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/,
  {
    description: "An opaque name, unique in the fleet.",
  },
);

/** A credential as PublicKeyCredential.toJSON() gives it; the verifier reads what is in it. */
const passkeyCredential = lazily(() =>
  documented(z.record(z.string(), z.unknown()), {
    id: "PasskeyCredential",
    description: "What PublicKeyCredential.toJSON() gives (WebAuthn Level 3 §5.1).",
  }),
);

const oidcSubject = lazily(() =>
  documented(
    z.strictObject({
      issuer: httpsUrl(),
      subjectSha256: text("must be 64 lowercase hexadecimal digits", /^[0-9a-f]{64}$/, {
        description: "SHA-256 of the subject's UTF-8 text: the text itself may be a name or an address.",
      })(),
    }),
    { id: "OidcSubject", description: "Who the operator is at an identity provider." },
  ),
);

export const inviteOperatorRequest = lazily(() =>
  documented(
    z.strictObject({
      operatorId: operatorId(),
      roles: roleList(),
      oidcSubject: z.exactOptional(oidcSubject()),
    }),
    { id: "InviteOperatorRequest" },
  ),
);

export const changeOperatorRequest = lazily(() =>
  documented(
    z.strictObject({
      roles: z.exactOptional(roleList()),
      state: z.exactOptional(z.enum(["active", "suspended"], { error: "must be active or suspended" })),
    }),
    { id: "ChangeOperatorRequest" },
  ),
);

export const noMembers = lazily(() => documented(z.strictObject({}), { id: "Nothing" }));

export const registerPasskeyRequest = lazily(() =>
  documented(z.strictObject({ challenge: challenge(), credential: passkeyCredential() }), {
    id: "RegisterPasskeyRequest",
  }),
);

export const createSessionRequest = lazily(() =>
  documented(
    z.strictObject({
      challenge: challenge(),
      credential: z.exactOptional(passkeyCredential()),
      idToken: z.exactOptional(
        documented(z.string().check(z.maxLength(8_192, { error: "must be at most 8192 characters" })), {
          description: "An ID token of one of the fleet's operator issuers, whose `nonce` is the challenge.",
        }),
      ),
    }),
    { id: "CreateSessionRequest", description: "Either `credential` or `idToken`." },
  ),
);

export const criticalRouteIds = [
  "configureFleet",
  "setFleetState",
  "inviteOperator",
  "changeOperator",
  "executeRevocation",
  "planRollover",
  "advanceRollover",
  "rollBackRollover",
  "destroyAuthorityKey",
  "cancelKeyDestruction",
  "rotateDataKey",
  "openCeremony",
  "importOfflineAnswer",
  "importFleetOfflineAnswer",
  "readAsOperator",
  "shredData",
] as const;

export const createApprovalRequest = lazily(() =>
  documented(
    z.strictObject({
      operation: documented(
        z.enum(criticalRouteIds, { error: `must be one of ${criticalRouteIds.join(", ")}` }),
        {
          description: `The operation, by its operationId. Critical are: ${Object.keys(criticalOperations).join(", ")}.`,
        },
      ),
      parameters: z.exactOptional(
        documented(z.record(z.string(), z.string()), {
          description: "The operation's path parameters but the fleet.",
          example: { operatorId: "operator-2" },
        }),
      ),
      body: documented(z.record(z.string(), z.unknown()), {
        description: "The very body that the operation will be called with.",
      }),
    }),
    { id: "CreateApprovalRequest" },
  ),
);

export const assertApprovalRequest = lazily(() =>
  documented(
    z.strictObject({
      credential: z.exactOptional(passkeyCredential()),
      idToken: z.exactOptional(
        z.string().check(z.maxLength(8_192, { error: "must be at most 8192 characters" })),
      ),
    }),
    {
      id: "AssertApprovalRequest",
      description:
        "Either `credential`, made over the approval's challenge, or `idToken` with it as `nonce`.",
    },
  ),
);

export const fleetStateRequest = lazily(() =>
  documented(
    z.strictObject({ state: z.enum(["active", "suspended"], { error: "must be active or suspended" }) }),
    { id: "FleetStateRequest" },
  ),
);

const patternText = shortText("a pattern", 256);
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
    ]),
    { id: "PipelineTrust", description: "Whose tokens, or which IAM principals, may do what." },
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
      pipelines: z.exactOptional(z.array(pipeline()).check(z.maxLength(32))),
      operatorIssuers: z.exactOptional(z.array(operatorIssuer()).check(z.maxLength(8))),
    }),
    { id: "FleetConfiguration", description: "Members left out are at their defaults." },
  ),
);
