/** Room: lambdas/http. What the OpenAPI document says of the routes about access, fleets and devices. */
import * as z from "zod/mini";
import type { RouteIdOf } from "../routes.ts";
import * as answers from "./access-answers.ts";
import * as requests from "./access-schemas.ts";
import { fleetConfigurationRequest } from "./configuration-schemas.ts";
import * as devices from "./device-schemas.ts";
import type { OperationDetails } from "./openapi-operation.ts";

const json = (schema: z.core.$ZodType) => ({ schema, required: true });

export const accessOperations = {
  getFleet: {
    status: "200",
    description: "The ETag is the configuration's version; a change sends it back as If-Match.",
    answers: "The fleet.",
    response: answers.fleetDetails,
    headers: z.object({ etag: z.string() }),
    problems: [],
  },
  configureFleet: {
    status: "200",
    description:
      "Replaces the whole configuration. With `If-Match` it is refused when somebody else changed it meanwhile.",
    answers: "The fleet as it is now.",
    request: json(fleetConfigurationRequest()),
    response: answers.fleetDetails,
    headers: z.object({ etag: z.string() }),
    problems: [
      "configuration_changed",
      "certificate_malformed",
      "pem_malformed",
      "name_not_permitted",
      "validity_not_permitted",
    ],
  },
  setFleetState: {
    status: "200",
    description: "A suspended fleet issues nothing and lets in its operators only.",
    answers: "The fleet as it is now.",
    request: json(requests.fleetStateRequest()),
    response: answers.fleetDetails,
    problems: ["store_condition_failed"],
  },
  listOperators: {
    status: "200",
    description: "All operators of the fleet.",
    answers: "The operators.",
    response: answers.operatorList,
    problems: [],
  },
  inviteOperator: {
    status: "201",
    description: "The invitation is shown once. For an operator who exists it adds a passkey.",
    answers: "The invitation.",
    request: json(requests.inviteOperatorRequest()),
    response: answers.invitation,
    problems: ["name_not_permitted", "already_exists", "store_condition_failed"],
  },
  changeOperator: {
    status: "200",
    description: "Takes effect with the operator's next request. A fleet keeps at least one active owner.",
    answers: "The operator as it is now.",
    request: json(requests.changeOperatorRequest()),
    response: answers.operator,
    problems: ["store_condition_failed"],
  },
  inviteFirstPasskey: {
    status: "201",
    description:
      "For the operator that came with the fleet and has no passkey yet; later ones are invited by `inviteOperator`.",
    answers: "The invitation.",
    request: json(requests.noMembers()),
    response: answers.invitation,
    problems: [],
  },
  createChallenge: {
    status: "201",
    description: "For a registration or a sign-in. An approval has a challenge of its own.",
    answers: "The challenge.",
    request: { schema: requests.noMembers(), required: false },
    response: answers.challengeAnswer,
    problems: ["rate_limited"],
  },
  registerPasskey: {
    status: "201",
    description: "User verification is demanded (WebAuthn Level 3). The invitation is spent.",
    answers: "The passkey.",
    request: json(requests.registerPasskeyRequest()),
    response: answers.registeredPasskey,
    problems: [
      "passkey_invalid",
      "challenge_invalid",
      "operator_not_active",
      "access_denied",
      "already_exists",
      "store_condition_failed",
    ],
  },
  createSession: {
    status: "201",
    description: "The session is bound to the key of the DPoP proof (RFC 9449) and ends after half an hour.",
    answers: "The session.",
    request: json(requests.createSessionRequest()),
    response: answers.session,
    problems: [
      "passkey_invalid",
      "challenge_invalid",
      "token_invalid",
      "token_expired",
      "issuer_unavailable",
      "operator_not_active",
      "rate_limited",
    ],
  },
  endSession: {
    status: "200",
    description: "The session is refused from now on.",
    answers: "The session has ended.",
    response: answers.ended,
    problems: [],
  },
  createApproval: {
    status: "201",
    description:
      "Names the very operation; nothing is done yet. Assertions over it follow, then the operation is called with the header `Fleetkey-Approval`.",
    answers: "The approval.",
    request: json(requests.createApprovalRequest()),
    response: answers.approval,
    problems: ["name_not_permitted"],
  },
  listApprovals: {
    status: "200",
    description: "The 100 newest.",
    answers: "The approvals.",
    response: answers.approvalList,
    problems: [],
  },
  getApproval: {
    status: "200",
    description: "With the operation that it is for.",
    answers: "The approval.",
    response: answers.approval,
    problems: [],
  },
  assertApproval: {
    status: "200",
    description:
      "One assertion of each person counts, and for five minutes. The one who asked must be among those who assert.",
    answers: "The approval as it is now.",
    request: json(requests.assertApprovalRequest()),
    response: answers.approval,
    problems: [
      "passkey_invalid",
      "token_invalid",
      "token_expired",
      "issuer_unavailable",
      "approval_spent",
      "approval_stale",
      "approval_repeated",
      "rate_limited",
      "store_condition_failed",
    ],
  },
  getPasskeyPage: {
    status: "200",
    description: "A static page; what it does, it does through this API.",
    answers: "The page.",
    response: z.string(),
    problems: [],
  },
} as const satisfies Record<RouteIdOf<"access">, OperationDetails>;

const registerDevices = {
  status: "200",
  description:
    "Each row stands alone: what is there already and the same is unchanged, what is refused is told by its index.",
  answers: "What became of the rows.",
  request: json(devices.registerDevicesRequest()),
  response: answers.registrations,
  problems: ["name_not_permitted", "profile_not_permitted"],
} as const satisfies OperationDetails;

/** Of the enrolment function, but for those that issue to devices. */
export const deviceOperations = {
  registerDevices,
  registerDevicesByIam: registerDevices,
  getDevice: {
    status: "200",
    description: "State, and the certificate that was issued last.",
    answers: "The device.",
    response: answers.device,
    problems: [],
  },
  setDeviceState: {
    status: "200",
    description: "Counts at once, for every call and every issuance. `retired` is for good.",
    answers: "The device as it is now.",
    request: json(devices.setDeviceStateRequest()),
    response: answers.device,
    problems: ["device_not_active", "store_condition_failed"],
  },
  getOwnDevice: {
    status: "200",
    description: "For a device that asks how it stands.",
    answers: "The device.",
    response: answers.device,
    problems: ["device_not_active"],
  },
  createClaim: {
    status: "201",
    description:
      "A certificate for a factory's key. It enrols devices that are in the inventory, each once, as many as the quota says; revoking it ends the claim.",
    answers: "The claim and its certificate.",
    request: json(devices.createClaimRequest()),
    response: answers.issuedClaim,
    problems: ["name_not_permitted", "already_exists", "profile_not_permitted"],
  },
  getClaim: {
    status: "200",
    description: "How much of the quota is used.",
    answers: "The claim.",
    response: answers.claim,
    problems: [],
  },
  listEnrollmentRequests: {
    status: "200",
    description: "Those that wait for a decision, and decided ones whose device has not come back yet.",
    answers: "The requests.",
    response: answers.enrollmentRequestList,
    problems: [],
  },
  decideEnrollmentRequest: {
    status: "200",
    description: "The device learns it when it repeats its request.",
    answers: "The request as it is now.",
    request: json(devices.decisionRequest()),
    response: answers.enrollmentRequest,
    problems: ["already_exists"],
  },
} as const;
