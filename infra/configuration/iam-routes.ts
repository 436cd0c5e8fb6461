/** Room: infra. The routes at which API Gateway itself asks who calls: by SigV4, against the caller's IAM policies. */
import type { PipelineOperation } from "../../core/standard/access.ts";
import { type Route, routes } from "../../lambdas/routes.ts";

/** Whether API Gateway refuses whom no IAM policy lets invoke that route. */
export const isIamRoute = ({ access }: Pick<Route, "access">): boolean =>
  access !== "public" && access.by.includes("iam");

const everyRoute: readonly Route[] = routes;

/**
 * Resources of `execute-api:Invoke` for these routes of one fleet, as they follow the API's id in an ARN. The fleet is spelt
 * out in each; a parameter behind it is a wildcard.
 * @param operations Of which routes. @default all
 */
export function iamRouteResources(fleet: string, operations?: readonly PipelineOperation[]): string[] {
  const isAsked = ({ access }: Route): boolean =>
    operations === undefined ||
    (access !== "public" && access.operation !== undefined && operations.includes(access.operation));
  return everyRoute
    .filter((route) => isIamRoute(route) && isAsked(route))
    .map(
      ({ method, path }) => `$default/${method}${path.replace("{fleet}", fleet).replace(/\{\w+\}/g, "*")}`,
    );
}
