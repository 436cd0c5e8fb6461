/**
 * Room: lambdas/http. What requests look like, once: validation and the OpenAPI document read these schemas.
 * zod/mini, because every function loads them (a quarter of zod's size). What answers look like is in
 * answer-schemas.ts, which no function loads.
 */
import * as z from "zod/mini";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { enrollmentTokenStandard } from "../../core/standard/enrollment-token.ts";
import type { ProfileId } from "../../core/standard/profiles.ts";

/** What the OpenAPI document says beside the shape. `id` makes a named component. */
interface Documentation {
  readonly id?: string;
  readonly description?: string;
  readonly example?: unknown;
  /** What the document says instead of what follows from the schema. */
  readonly override?: (context: { jsonSchema: Record<string, unknown> }) => void;
}

/** `schema`, with what the OpenAPI document says of it. */
export function documented<Schema extends z.core.$ZodType>(
  schema: Schema,
  documentation: Documentation,
): Schema {
  z.globalRegistry.add(schema, { ...documentation });
  return schema;
}

/** Made when it is first asked for, and then kept: a function starts without them, and most requests need few. */
export function lazily<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Text of one form; `message` says what it must be. */
export const text = (message: string, pattern: RegExp, documentation: Documentation) =>
  lazily(() =>
    documented(z.string({ error: message }).check(z.regex(pattern, { error: message })), documentation),
  );

export const fleetId = text(
  "must be 1 to 32 of a-z, 0-9 and inner hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
  {
    id: "FleetId",
    description: "A fleet: the tenant that owns authorities, devices and certificates.",
    example: "default",
  },
);
export const serialNumber = text(
  "must be an even number of lowercase hexadecimal digits, 2 to 40; drop colons and use lower case",
  /^(?:[0-9a-f]{2}){1,20}$/,
  {
    id: "SerialNumber",
    description: "Serial number of a certificate in lowercase hexadecimal.",
    example: "4f1c0a9be27d5583a6c1d02b94e7f318",
  },
);
export const deviceId = text(
  "must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, and start with a letter or digit",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  {
    id: "DeviceId",
    description: "An opaque identifier of a device. Never a name, an email address or a number of a person.",
    example: "pump-7f3a91",
  },
);

const opaqueMessage =
  "must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, and start with a letter or digit";
const opaquePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const operatorId = text(opaqueMessage, opaquePattern, {
  id: "OperatorId",
  description: "An opaque identifier of an operator. Never a name or an email address.",
  example: "operator-2",
});
export const claimId = text(opaqueMessage, opaquePattern, {
  id: "ClaimId",
  description: "An opaque identifier of a production batch.",
  example: "batch-2026-11",
});
export const backendId = text(opaqueMessage, opaquePattern, {
  id: "BackendId",
  description: "An opaque identifier of a service of the fleet's owner.",
  example: "observations-store",
});
const randomIdMessage = "must be the id that the service gave, unchanged";
export const approvalId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "ApprovalId",
  description: "Names one approval.",
  example: "0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e",
});
export const enrollmentRequestId = text(randomIdMessage, /^[0-9a-f]{64}$/, {
  id: "EnrollmentRequestId",
  description: "Names one enrolment request: SHA-256 of its CSR in lowercase hexadecimal.",
  example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
});

export const authorityId = text(
  "must be 1 to 31 of A-Z, a-z, 0-9, dot, underscore and hyphen, and start with a letter or digit",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/,
  { id: "AuthorityId", description: "A root or issuing authority of the fleet.", example: "issuing-1" },
);
export const rolloverId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "RolloverId",
  description: "Names one rollover.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6a8",
});
export const ceremonyId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "CeremonyId",
  description: "Names one ceremony.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6a9",
});
export const renewalWindowId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "RenewalWindowId",
  description: "Names one window into which renewals were pulled.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6aa",
});
export const serverName = text(
  "must be 1 to 63 of a-z, 0-9 and inner hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  {
    id: "ServerName",
    description: "What a fleet calls a server's certificate; opaque, and no DNS name of it.",
    example: "ingest-eu",
  },
);
export const revocationJobId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "RevocationJobId",
  description: "Names one bulk revocation.",
  example: "5b1e0f3a5c7e9b1d2f4a6c8e0b2d4f6a",
});
export const decryptionId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "DecryptionId",
  description: "Names one reading of protected data by an operator.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6ab",
});
export const reencryptionId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "ReencryptionId",
  description: "Names one re-encryption.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6ac",
});
export const shredId = text(randomIdMessage, /^[0-9a-f]{32}$/, {
  id: "ShredId",
  description: "Names one destruction of keys.",
  example: "0193f3a5c7e9b1d2f4a6c8e0b2d4f6ad",
});

// Authorities are made by the service itself and never asked for over HTTP.
const subjectProfiles = [
  "device",
  "quarantine",
  "server",
  "operator",
  "claim",
  "backend",
] as const satisfies readonly ProfileId[];
export const profileId = lazily(() =>
  documented(z.enum(subjectProfiles, { error: `must be one of ${subjectProfiles.join(", ")}` }), {
    id: "ProfileId",
    description: "What the certificate may look like.",
    example: "device",
  }),
);

const lifetimeMessage = `must be a whole number of seconds from 1 to ${enrollmentTokenStandard.maximumSeconds}`;
export const createEnrollmentTokenRequest = lazily(() =>
  documented(
    z.strictObject({
      deviceId: deviceId(),
      profile: z.exactOptional(profileId()),
      expiresInSeconds: z.exactOptional(
        documented(
          z
            .int({ error: lifetimeMessage })
            .check(
              z.minimum(1, { error: lifetimeMessage }),
              z.maximum(enrollmentTokenStandard.maximumSeconds, { error: lifetimeMessage }),
            ),
          {
            description: `How long the token is good for; ${enrollmentTokenStandard.defaultSeconds} when absent.`,
            example: 3_600,
          },
        ),
      ),
    }),
    { id: "CreateEnrollmentTokenRequest" },
  ),
);

export const certificationRequest = lazily(() =>
  documented(
    z.strictObject({
      csr: documented(z.string({ error: "must be a PKCS #10 request: PEM, or base64 of its DER" }), {
        description: "PKCS #10 certification request (RFC 2986): PEM, or base64 of its DER.",
        example: "-----BEGIN CERTIFICATE REQUEST-----\nMIHz…\n-----END CERTIFICATE REQUEST-----\n",
      }),
      profile: z.exactOptional(profileId()),
      deviceId: z.exactOptional(
        documented(deviceId(), {
          description: "Which device asks, where the credential does not say: a claim, or none.",
        }),
      ),
      previousCertificate: z.exactOptional(
        documented(z.string({ error: "must be the PEM of one certificate" }), {
          description:
            "The device's expired certificate, whose key signs the CSR: the way back into quarantine, if the fleet allows it.",
        }),
      ),
    }),
    { id: "CertificationRequest" },
  ),
);

export const cursor = text(
  "must be the cursor of the previous page, unchanged",
  /^[A-Za-z0-9_.~=+/-]{1,2048}$/,
  {
    description: "Where the next page starts; from the previous page of the same query.",
  },
);
/** The schemas that name members, so that a stray one can be answered with what is allowed. */
type ObjectSchema = z.ZodMiniObject<Readonly<Record<string, z.core.$ZodType>>>;

/** Whether the last step of the path leads to nothing in `value`. */
function isAbsent(value: unknown, path: readonly PropertyKey[]): boolean {
  const [member, ...rest] = path;
  if (member === undefined || typeof value !== "object" || value === null) return false;
  if (!Object.hasOwn(value, member)) return rest.length === 0;
  return isAbsent((value as Readonly<Record<PropertyKey, unknown>>)[member], rest);
}

function messageOf(issue: z.core.$ZodIssue, schema: ObjectSchema, value: unknown): string {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys" && path === "") {
    // The stray names are the caller's own text and may hold anything: they are not repeated.
    return `has a member that is not known; allowed: ${Object.keys(schema.shape).join(", ")}`;
  }
  if (path === "") return "must be an object";
  return `${path} ${isAbsent(value, issue.path) ? "is required" : issue.message}`;
}

/** Members whose text is wrong in a way that has a code of its own; the same codes that core gives. */
const memberCodes: Readonly<Record<string, ErrorCode>> = {
  profile: "profile_unknown",
  deviceId: "name_not_permitted",
  operatorId: "name_not_permitted",
  claimId: "name_not_permitted",
};

function issueCode(issue: z.core.$ZodIssue): ErrorCode {
  const isWrongText = issue.code === "invalid_value" || issue.code === "invalid_format";
  return (isWrongText ? memberCodes[String(issue.path.at(-1))] : undefined) ?? "request_invalid";
}

/**
 * `value` as the schema describes it.
 * @throws AppError request_invalid, profile_unknown, name_not_permitted; the message names the member and what it must be,
 * and never repeats a value.
 */
export function parse<Schema extends ObjectSchema>(
  schemaOf: () => Schema,
  value: unknown,
  what: "body" | "query",
): z.output<Schema> {
  const schema = schemaOf();
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw new AppError("request_invalid", `${what} is not valid`);
  throw new AppError(issueCode(issue), `${what}: ${messageOf(issue, schema, value)}`);
}
