/** Room: cli. Moments as people write them. */
import { usageFailure } from "./failure.ts";

/** ISO 8601 in UTC; a date alone is its first moment. Throws `usage`. */
export function parseInstant(flag: string, text: string): string {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/.test(whole)
    ? Date.parse(whole)
    : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (!Number.isNaN(time) && new Date(time).toISOString().slice(0, 19) === whole.slice(0, 19)) return whole;
  throw usageFailure(
    `${flag} is no time in UTC such as 2026-03-01T12:00:00Z, and no date such as 2026-03-01`,
  );
}

/** As `parseInstant`; undefined stays so. */
export function instantOf<Name extends string>(
  name: Name,
  flag: string,
  text: string | undefined,
): { readonly [name in Name]?: string } {
  if (text === undefined) return {};
  return { [name]: parseInstant(flag, text) } as { readonly [name in Name]?: string };
}

/** What counts are as of; before the first count the service says 1970. */
export const countedAt = (asOf: string): string =>
  Date.parse(asOf) === 0 ? "nothing is counted yet" : `as of ${asOf}`;
