/** Room: core/policy. Allow, or deny with a code and a reason that says what to do instead. */
import type { ErrorCode } from "../errors.ts";

/** `reason` is shown to the caller: value, limit, remedy, and never a personal datum. */
export interface Denial {
  readonly allow: false;
  readonly code: ErrorCode;
  readonly reason: string;
}

export type Decision = { readonly allow: true } | Denial;

export const allowed: Decision = Object.freeze({ allow: true });

export function deny(code: ErrorCode, reason: string): Denial {
  return { allow: false, code, reason };
}
