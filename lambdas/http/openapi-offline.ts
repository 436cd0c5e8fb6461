/** Room: lambdas/http. What the OpenAPI document says of roots whose keys are on a machine without a network. */
import { offlineAnswerImport, offlineRequestView } from "./offline-schemas.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import { rollover } from "./rotation-answers.ts";

export const offlineOperations = {
  getOfflineRequest: {
    status: "200",
    description:
      "A document to carry to the machine that has the root's key, where `fleetkey ceremony sign` reads it. It stays the same, byte for byte, until it is answered or over; people compare its digest on both machines.",
    answers: "The request and its digest.",
    response: offlineRequestView(),
    problems: ["rollover_state_invalid", "ceremony_state_invalid", "authority_unavailable", "key_offline"],
  },
  importOfflineAnswer: {
    status: "200",
    description:
      "Every signature is verified, every certificate and list compared with the request octet for octet, and the transcript must have two participants at least. Then the successor is trusted; a root below the key service's own waits for that one's word, which follows under the same approval.",
    answers: "The rollover as it is now.",
    request: { schema: offlineAnswerImport(), required: true },
    response: rollover,
    problems: [
      "ceremony_invalid",
      "ceremony_state_invalid",
      "rollover_state_invalid",
      "authority_unavailable",
      "key_offline",
    ],
  },
} as const satisfies Readonly<Record<"getOfflineRequest" | "importOfflineAnswer", OperationDetails>>;
