/** Room: lambdas/protection. The wrapping keys of the fleets as the deployment names them: the key in force first. */
import { AppError } from "../../core/errors.ts";

const arn = /^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;

const isKeys = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((each) => typeof each === "string" && arn.test(each));

/**
 * @param json Value of FLEETKEY_WRAPPING_KEYS: `{"fleet": ["arn:…", …]}`.
 * @throws AppError configuration_invalid.
 */
export function wrappingKeyArns(json: string): Readonly<Record<string, readonly string[]>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && Object.values(value).every(isKeys))
    return value as Readonly<Record<string, readonly string[]>>;
  throw new AppError(
    "configuration_invalid",
    "FLEETKEY_WRAPPING_KEYS is no JSON of ARNs of KMS keys by fleet; deploy the function with its stack",
  );
}
