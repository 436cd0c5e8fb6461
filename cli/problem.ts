/** Room: cli. An answer that is no success, as a Failure. */
import { type ProblemBody, problem } from "../lambdas/http/answer-schemas.ts";
import { Failure, type Transience } from "./failure.ts";
import type { HttpResponse } from "./https-client.ts";
import { parseJsonText } from "./json-text.ts";
import { type RemedyTable, remedyFor } from "./remedies.ts";
import { parseRetryAfter } from "./retry.ts";

const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Something in front of the service may answer in its own words; then only the status counts. */
function parseProblem(response: HttpResponse): Pick<ProblemBody, "code" | "title" | "detail"> {
  const parsed = problem.safeParse(parseJsonText(response.body.toString("utf8")));
  if (parsed.success) return parsed.data;
  return { code: `http_${response.status}`, title: `the service answered with status ${response.status}` };
}

/** What a person reads once the attempts are used up, or the wait is longer than they are meant for. */
function comeBack(retryAfter: number | undefined): string {
  const when = retryAfter === undefined ? "in a moment" : `in ${Math.ceil(retryAfter / 1000)} s`;
  return `run the same command again ${when}`;
}

/** `response` (status outside 200–299) as a Failure; `now` anchors a Retry-After that is a date. */
export function problemFailure(
  response: HttpResponse,
  now: number,
  remedyOf: RemedyTable = remedyFor,
): Failure {
  const { code, title, detail } = parseProblem(response);
  const isBusy = busyStatuses.has(response.status) || code === "issuance_in_progress";
  const transience: Transience | undefined = isBusy ? "busy" : undefined;
  const retryAfter = parseRetryAfter(response.headers["retry-after"], now);
  const remedy = remedyOf(code) ?? (isBusy ? comeBack(retryAfter) : undefined);
  return new Failure("refused", code, detail ?? title, { remedy, transience, retryAfter });
}
