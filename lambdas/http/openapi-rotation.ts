/** Room: lambdas/http. What the OpenAPI document says of keys, rollovers, ceremonies and windows of renewal. */
import * as z from "zod/mini";
import type { RouteIdOf } from "../routes.ts";
import { offlineOperations } from "./openapi-offline.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import { serverOperations } from "./openapi-servers.ts";
import { renewalWindow, renewalWindowList } from "./renewal-answers.ts";
import * as answers from "./rotation-answers.ts";
import * as requests from "./rotation-schemas.ts";

const json = (schema: z.core.$ZodType) => ({ schema, required: true }) as const;
const location = z.object({ location: z.string() });
const conflict = "store_condition_failed";

const keyOperations = {
  listAuthorities: {
    status: "200",
    description: "All of them, whatever their state, with their certificates.",
    answers: "The authorities.",
    response: answers.authorityList,
    problems: [],
  },
  getKeyReport: {
    status: "200",
    description:
      "Of each key its age, its cryptoperiod, how its service has it, and what comes next. What keys wrap or sign is not in it.",
    answers: "The report.",
    response: answers.keyReport,
    problems: [],
  },
  listRotationTasks: {
    status: "200",
    description: "The most severe first. A task is closed by itself when its reason is gone.",
    answers: "The tasks.",
    query: requests.listRotationTasksQuery(),
    response: answers.rotationTaskList,
    problems: ["request_invalid"],
  },
  rotateDataKey: {
    status: "202",
    description:
      "A wrapping key rotates by itself; this is for when it must be sooner. A key service does it 25 times in the life of a key at most. A task does it; the key report shows that it has.",
    answers: "What was asked for.",
    request: json(requests.rotateDataKeyRequest()),
    response: answers.dataKeyRotation,
    problems: ["key_rotation_exhausted", "key_disabled", conflict],
  },
} as const satisfies Partial<Record<RouteIdOf<"rotation">, OperationDetails>>;

const rolloverOperations = {
  previewRollover: {
    status: "200",
    description:
      "The steps with their earliest dates and gates, the keys that must be there, and whom it is about.",
    answers: "The plan. Nothing is decided.",
    query: requests.previewRolloverQuery(),
    response: answers.rolloverPlan,
    problems: ["request_invalid", "authority_unavailable"],
  },
  planRollover: {
    status: "201",
    description:
      "Nothing is made yet: a ceremony certifies the successor. From then on a task moves it on, as soon as its gates hold.",
    answers: "The rollover.",
    request: json(requests.planRolloverRequest()),
    response: answers.rollover,
    headers: location,
    problems: ["authority_unavailable", "rollover_state_invalid", conflict],
  },
  listRollovers: {
    status: "200",
    description: "Newest first. There is more as long as a page has a cursor.",
    answers: "A page of rollovers.",
    query: requests.listRolloversQuery(),
    response: answers.rolloverPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getRollover: {
    status: "200",
    description: "Its state, and which gates of the next one hold.",
    answers: "The rollover.",
    response: answers.rollover,
    problems: ["request_invalid"],
  },
  advanceRollover: {
    status: "200",
    description:
      "What the task does by itself once the gates hold, and, in an emergency, what waits for people. Gates that do not hold are named.",
    answers: "The rollover as it is now.",
    request: json(requests.advanceRolloverRequest()),
    response: answers.rollover,
    problems: ["rollover_gate_closed", "rollover_state_invalid", conflict],
  },
  rollBackRollover: {
    status: "200",
    description:
      "From planned, published and active. The predecessor issues again; what the successor has issued stays trusted until it ends.",
    answers: "The rollover as it is now.",
    request: json(requests.rollBackRolloverRequest()),
    response: answers.rollover,
    problems: ["rollover_state_invalid", conflict],
  },
  destroyAuthorityKey: {
    status: "200",
    description: "Of a retired authority. The key can be kept after all for thirty days.",
    answers: "The rollover as it is now.",
    request: json(requests.keyDestructionRequest()),
    response: answers.rollover,
    problems: ["rollover_gate_closed", "rollover_state_invalid", conflict],
  },
  cancelKeyDestruction: {
    status: "200",
    description: "While the key is not gone. The authority stays retired.",
    answers: "The rollover as it is now.",
    request: json(requests.keyDestructionRequest()),
    response: answers.rollover,
    problems: ["rollover_state_invalid", conflict],
  },
} as const satisfies Partial<Record<RouteIdOf<"rotation">, OperationDetails>>;

const ceremonyOperations = {
  openCeremony: {
    status: "201",
    description:
      "Two people have approved; a task lends the roots, another signs, and the roots go back: within an hour, or nothing is signed. A transcript is kept for good.",
    answers: "The ceremony.",
    request: json(requests.openCeremonyRequest()),
    response: answers.ceremony,
    headers: location,
    problems: ["ceremony_state_invalid", "rollover_state_invalid", "key_offline", conflict],
  },
  listCeremonies: {
    status: "200",
    description: "Newest first. There is more as long as a page has a cursor.",
    answers: "A page of ceremonies.",
    query: requests.listCeremoniesQuery(),
    response: answers.ceremonyPage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getCeremony: {
    status: "200",
    description: "Its state, and why it failed if it did.",
    answers: "The ceremony.",
    response: answers.ceremony,
    problems: ["request_invalid"],
  },
} as const satisfies Partial<Record<RouteIdOf<"rotation">, OperationDetails>>;

const renewalOperations = {
  pullRenewalForward: {
    status: "201",
    description:
      "Devices whose certificates it is about find an earlier window when they ask (RFC 9773), each with its own time in it. A window is a week long at least, so that a fleet does not renew at once; an emergency may have a shorter one.",
    answers: "The window.",
    request: json(requests.pullRenewalForwardRequest()),
    response: renewalWindow,
    problems: [conflict],
  },
  listRenewalWindows: {
    status: "200",
    description: "Those that are not over.",
    answers: "The windows.",
    response: renewalWindowList,
    problems: [],
  },
  endRenewalWindow: {
    status: "200",
    description: "What was renewed stays renewed.",
    answers: "The window that was ended.",
    response: renewalWindow,
    problems: ["request_invalid", conflict],
  },
} as const satisfies Partial<Record<RouteIdOf<"rotation">, OperationDetails>>;

export const rotationOperations = {
  ...keyOperations,
  ...rolloverOperations,
  ...ceremonyOperations,
  ...renewalOperations,
  ...offlineOperations,
  ...serverOperations,
} as const satisfies Record<RouteIdOf<"rotation">, OperationDetails>;
