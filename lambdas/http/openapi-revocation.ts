/** Room: lambdas/http. What the OpenAPI document says of revocation and of the OCSP responder. */
import * as z from "zod/mini";
import type { RouteIdOf } from "../routes.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import * as answers from "./revocation-answers.ts";
import * as requests from "./revocation-schemas.ts";

const json = (schema: z.core.$ZodType, required = false) => ({ schema, required }) as const;
const soon =
  "Counts at once for every call to this service; lists and answers for others follow within a minute.";

export const revocationOperations = {
  revokeCertificate: {
    status: "200",
    description: `${soon} Final, but for certificateHold. Repeating it with the same reason gives the same answer; without a reason it is \`unspecified\`.`,
    answers: "The revocation.",
    request: json(requests.revocationRequest()),
    response: answers.revocation,
    problems: ["already_revoked"],
  },
  releaseCertificate: {
    status: "200",
    description: "Of a certificate that is on hold. The next list leaves it out.",
    answers: "The certificate's status now.",
    response: answers.release,
    problems: ["not_on_hold"],
  },
  revokeDevice: {
    status: "200",
    description: `${soon} All certificates of the device that are in force or on hold. It may enrol again: suspend or retire it as well where it should not.`,
    answers: "How many were revoked.",
    request: json(requests.deviceRevocationRequest()),
    response: answers.deviceRevocation,
    problems: [],
  },
  revokeOwn: {
    status: "200",
    description: `${soon} A device takes back trust from its own certificate: the presented one, or another one of its own.`,
    answers: "The revocation.",
    request: json(requests.ownRevocationRequest()),
    response: answers.revocation,
    problems: ["already_revoked"],
  },
  previewRevocation: {
    status: "201",
    description:
      "A dry run: it counts the certificates that meet the criteria, were issued up to now and have not expired, says how many of them there are to revoke, and changes nothing. Ask for the job until its state is `counted`; then it may be executed. With `firmware` it is about devices that say so up to now.",
    answers: "The job.",
    request: json(requests.previewRevocationRequest(), true),
    response: answers.revocationJob,
    problems: ["name_not_permitted", "store_condition_failed"],
  },
  listRevocationJobs: {
    status: "200",
    description: "Newest first. There is more as long as a page has a cursor.",
    answers: "A page of jobs.",
    query: requests.listRevocationJobsQuery(),
    response: answers.revocationJobPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getRevocationJob: {
    status: "200",
    description: "State, counts and progress.",
    answers: "The job.",
    response: answers.revocationJob,
    problems: ["request_invalid"],
  },
  executeRevocation: {
    status: "200",
    description:
      "Of a job that was counted in the last 24 hours. The body names the number of certificates that it has counted, so that this is approved; another number is refused. It goes on by itself, also after an interruption, and revokes each certificate once. Where it finds more than that number it stops before them.",
    answers: "The job as it is now.",
    request: json(requests.executeRevocationRequest(), true),
    response: answers.revocationJob,
    problems: ["request_invalid", "store_condition_failed"],
  },
  cancelRevocation: {
    status: "200",
    description: "What was revoked stays revoked. A job that is done or stopped is refused.",
    answers: "The job as it is now.",
    response: answers.revocationJob,
    problems: ["request_invalid", "store_condition_failed"],
  },
} as const satisfies Record<RouteIdOf<"revocation">, OperationDetails>;

const ocsp = {
  status: "200",
  description:
    "RFC 6960 and RFC 9919, with SHA-1 and SHA-256 CertIDs and nonces of RFC 9654. Failures are OCSP's own, with status 200; `unauthorized` for certificates that the fleet's issuing authorities did not issue. docs/ocsp.md has all cases.",
  answers: "An OCSPResponse.",
  response: z.string(),
  problems: [],
} as const satisfies OperationDetails;

export const ocspOperations = {
  postOcsp: { ...ocsp, request: { schema: z.string(), required: true } },
  getOcsp: {
    ...ocsp,
    description: `${ocsp.description} The request is the base64 of an OCSPRequest, percent-encoded; it may hold slashes.`,
    // Only what caches may keep has a tag.
    headers: z.object({ "cache-control": z.string(), etag: z.optional(z.string()) }),
  },
} as const satisfies Record<RouteIdOf<"ocsp">, OperationDetails>;
