/** Room: lambdas/http. What the OpenAPI document says of certificates of servers. */
import * as z from "zod/mini";
import type { RouteIdOf } from "../routes.ts";
import type { OperationDetails } from "./openapi-operation.ts";
import { listServerCertificatesQuery, serverCertificateRequest } from "./rotation-schemas.ts";
import { serverCertificate, serverCertificatePage } from "./server-answers.ts";

type Servers = Extract<
  RouteIdOf<"rotation">,
  `${string}ServerCertificate` | `${string}ServerCertificateByIam` | "listServerCertificates"
>;

const conflict = "store_condition_failed";
/** The task has it for a minute or two. */
const tended = "issuance_in_progress";
const request = {
  status: "202",
  description:
    "A task makes key and certificate, and puts them where load balancers find them: the key is kept nowhere else. The same request gets the same answer. Its names may be changed by whoever may have both the old and the new; its key type stays. A pipeline may ask for names that the fleet's configuration gives it.",
  answers: "The certificate as it is so far: ask for it until it is held.",
  request: { schema: serverCertificateRequest(), required: true },
  response: serverCertificate,
  headers: z.object({ location: z.string() }),
  problems: [
    "name_not_permitted",
    "server_certificate_mismatch",
    "quota_exhausted",
    "fleet_suspended",
    tended,
    conflict,
  ],
} as const satisfies OperationDetails;

const show = {
  status: "200",
  description: "State, where it is held, and the generation before. Never the key.",
  answers: "The certificate.",
  response: serverCertificate,
  problems: ["request_invalid"],
} as const satisfies OperationDetails;

export const serverOperations = {
  requestServerCertificate: request,
  requestServerCertificateByIam: request,
  listServerCertificates: {
    status: "200",
    description: "In the order of their names. There is more as long as a page has a cursor.",
    answers: "A page of certificates.",
    query: listServerCertificatesQuery(),
    response: serverCertificatePage,
    problems: ["request_invalid", "cursor_invalid"],
  },
  getServerCertificate: show,
  getServerCertificateByIam: show,
  rollBackServerCertificate: {
    status: "200",
    description:
      "Nobody has the key of the generation before, so nothing is imported again: the answer names the certificate that still holds it, to which listeners are pointed. Renewals wait until they are resumed.",
    answers: "The certificate, with `previous`.",
    response: serverCertificate,
    problems: ["request_invalid", "server_certificate_mismatch", tended, conflict],
  },
  resumeServerCertificate: {
    status: "200",
    description:
      "After a rollback, or when somebody else has replaced it: the next run makes another generation.",
    answers: "The certificate as it is now.",
    response: serverCertificate,
    problems: ["request_invalid", "server_certificate_mismatch", tended, conflict],
  },
  removeServerCertificate: {
    status: "202",
    description: "A task takes it from where it is held, once nothing uses it.",
    answers: "The certificate as it is now.",
    response: serverCertificate,
    problems: ["request_invalid", tended, conflict],
  },
} as const satisfies Record<Servers, OperationDetails>;
