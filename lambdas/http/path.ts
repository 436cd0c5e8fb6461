/** Room: lambdas/http. Path parameters, checked before anything is looked up with them. */
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { fleetId, serialNumber } from "./schemas.ts";

export interface CheckedParameters {
  readonly fleet?: string;
  readonly serialNumber?: string;
}

/**
 * @throws AppError not_found for what cannot be a fleet, so that a misspelt name and an absent one look the
 * same; request_invalid for what cannot be a serial number.
 */
export function pathParameters(parameters: Readonly<Record<string, string>>): CheckedParameters {
  const { fleet, serialNumber: serial, ...others } = parameters as Record<string, string | undefined>;
  if (Object.keys(others).length > 0) throw new AppError("internal", "a path parameter has no check");
  if (fleet !== undefined && !z.safeParse(fleetId(), fleet).success) {
    throw new AppError("not_found", "no such fleet; names are 1 to 32 of a-z, 0-9 and inner hyphens");
  }
  if (serial !== undefined) {
    const result = z.safeParse(serialNumber(), serial);
    if (!result.success) {
      throw new AppError(
        "request_invalid",
        `serial number ${result.error.issues[0]?.message ?? "is not valid"}`,
      );
    }
  }
  return {
    ...(fleet === undefined ? {} : { fleet }),
    ...(serial === undefined ? {} : { serialNumber: serial }),
  };
}
