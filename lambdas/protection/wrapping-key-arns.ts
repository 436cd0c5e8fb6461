/** Room: lambdas/protection. The wrapping keys of the fleets as the deployment names them: the key in force first. */
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";

const prefix = /^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\/$/;
const keyId = /^[A-Za-z0-9-]+$/;

const keys = z.object({
  prefix: z.string().check(z.regex(prefix)),
  fleets: z.record(z.string(), z.array(z.string().check(z.regex(keyId))).check(z.minLength(1))),
});

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param text Value of FLEETKEY_WRAPPING_KEYS: `{"prefix": "arn:…:key/", "fleets": {"<fleet>": ["<key id>", …]}}`. A
 * function's environment has no room for the same prefix thirty times.
 * @returns ARNs by fleet. @throws AppError configuration_invalid.
 */
export function wrappingKeyArns(text: string): Readonly<Record<string, readonly string[]>> {
  const result = z.safeParse(keys, read(text));
  if (!result.success)
    throw new AppError(
      "configuration_invalid",
      "FLEETKEY_WRAPPING_KEYS is no JSON of ids of KMS keys by fleet; deploy the function with its stack",
    );
  const { prefix: common, fleets } = result.data;
  const arns = (ids: readonly string[]): string[] => ids.map((id) => `${common}${id}`);
  return Object.fromEntries(Object.entries(fleets).map(([fleet, ids]) => [fleet, arns(ids)]));
}
