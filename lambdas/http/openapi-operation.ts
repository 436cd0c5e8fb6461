/** Room: lambdas/http. The form of what the OpenAPI document says of a route beyond the route's own row. */
import type * as z from "zod/mini";
import type { ZodOpenApiParameters } from "zod-openapi";
import type { ErrorCode } from "../../core/errors.ts";

export interface OperationDetails {
  readonly status: "200" | "201" | "202";
  readonly description: string;
  /** What the success response is. */
  readonly answers: string;
  readonly request?: { readonly schema: z.core.$ZodType; readonly required: boolean };
  readonly query?: ZodOpenApiParameters["query"];
  readonly response: z.core.$ZodType;
  readonly headers?: z.ZodMiniObject;
  /** What a 202 with Retry-After is, where the operation may have to wait for somebody. */
  readonly pending?: { readonly answers: string; readonly response: z.core.$ZodType };
  /** Codes of the use case itself; those of transport and access are added for every route. */
  readonly problems: readonly ErrorCode[];
}
