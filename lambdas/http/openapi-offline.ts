/** Room: lambdas/http. What the OpenAPI document says of roots without a network. */
import type { RouteIdOf } from "../routes.ts";
import { offlineAnswerImport, offlineRequestView } from "./offline-schemas.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import { ceremony, rollover } from "./rotation-answers.ts";

type Offline = Extract<
  RouteIdOf<"rotation">,
  "getOfflineRequest" | "importOfflineAnswer" | "getFleetOfflineRequest" | "importFleetOfflineAnswer"
>;

export const offlineOperations = {
  getOfflineRequest: {
    status: "200",
    description:
      "A document for the offline machine, and its digest, which people compare there. docs/ceremony.md has the steps.",
    answers: "The request.",
    response: offlineRequestView(),
    problems: [
      "request_invalid",
      "rollover_state_invalid",
      "ceremony_state_invalid",
      "authority_unavailable",
      "key_offline",
    ],
  },
  importOfflineAnswer: {
    status: "200",
    description:
      "Everything in the answer is verified and judged again before it counts: signatures, profiles, names, and that two people at least have signed its transcript. An answer is taken once.",
    answers: "The rollover as it is now.",
    request: { schema: offlineAnswerImport(), required: true },
    response: rollover,
    problems: [
      "ceremony_invalid",
      "ceremony_state_invalid",
      "rollover_state_invalid",
      "store_condition_failed",
    ],
  },
  getFleetOfflineRequest: {
    status: "200",
    description:
      "As getOfflineRequest, for what the root in force signs besides authorities: the next signer of trust manifests, when the present one is due or stands below a root that goes, and its own list.",
    answers: "The request.",
    response: offlineRequestView(),
    problems: ["request_invalid", "ceremony_state_invalid"],
  },
  importFleetOfflineAnswer: {
    status: "200",
    description:
      "As importOfflineAnswer. The signer that was certified is named by the next trust manifest, and signs from then on.",
    answers: "The ceremony, as it was held elsewhere.",
    request: { schema: offlineAnswerImport(), required: true },
    response: ceremony,
    problems: ["ceremony_invalid", "ceremony_state_invalid", "store_condition_failed"],
  },
} as const satisfies Record<Offline, OperationDetails>;
