/** Room: lambdas/http. What requests about operators, sessions, approvals and fleets look like. */
import * as z from "zod/mini";
import { criticalOperations, roleIds } from "../../core/standard/access.ts";
import { documented, lazily, operatorId, text } from "./schemas.ts";

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

export const httpsUrl = text(
  "must be an https URL of at most 512 characters without query or fragment",
  /^https:\/\/[^\s?#]{1,504}$/,
  {
    description: "https only.",
    example: "https://issuer.example.com",
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
  "createBackendCertificate",
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
