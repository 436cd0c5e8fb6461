/** Room: cli. A page of a list that the service gives newest first. */
import type { ArgsDef } from "citty";
import { parseWholeNumber } from "./command.ts";
import { usageFailure } from "./failure.ts";
import { queryOf } from "./fleet-api.ts";

export const pageFlags = {
  limit: { type: "string", valueHint: "N", default: "100", description: "How many at most" },
  cursor: { type: "string", valueHint: "CURSOR", description: "Where an earlier list stopped" },
} as const satisfies ArgsDef;

interface PageFlags {
  readonly limit: string;
  readonly cursor?: string | undefined;
}

/** The query of a list; throws `usage`. */
export function pageQuery({ limit, cursor }: PageFlags): string {
  const count = parseWholeNumber("--limit", limit, 1, 1_000);
  return queryOf({ limit: count, ...(cursor === undefined ? {} : { cursor }) });
}

/** Throws `usage` for what the service draws no id like. */
export function parseDrawnId(noun: string, text: string, list: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw usageFailure(`${noun} is named by 32 hexadecimal digits`, `see: fleetkey ${list}`);
}
