/** Room: lambdas/rollover. The wrapping keys of this deployment, as its environment names them. */
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";

const keys = z.record(z.string(), z.string().check(z.minLength(1)));

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param text JSON: `{ "<name>": "<key id>" }`. @throws AppError configuration_invalid. */
export function parseDataKeys(text: string): Readonly<Record<string, string>> {
  const result = z.safeParse(keys, read(text));
  if (result.success) return result.data;
  throw new AppError(
    "configuration_invalid",
    "wrapping keys of this deployment are no JSON object of key ids; deploy the function with its stack",
  );
}
