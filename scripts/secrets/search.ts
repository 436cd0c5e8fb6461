/**
 * Room: scripts. What must stand in no log: secrets and personal data, by their shape and by name. Log lines of the
 * product are JSON, and each of their values is judged; of any other line only what can be nothing else is.
 */
import { personalDataShape } from "../../core/policy/personal-data.ts";
import { secretShape } from "../../core/policy/secret-shape.ts";
import { shardWindow } from "../../core/revocation/shard.ts";
import { withoutResourceNames } from "../../lambdas/http/redaction.ts";

export interface Finding {
  readonly line: number;
  /** What it looks like; never the text itself. */
  readonly kind: string;
}

export interface SearchReport {
  readonly lines: number;
  /** Lines of the product's own log among them. */
  readonly logLines: number;
  readonly findings: readonly Finding[];
}

const anywhere: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  { kind: "a private key", pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/ },
  // RFC 7515 §3.1: three parts, the first a JSON object.
  { kind: "a JWS", pattern: /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/ },
  { kind: "an Authorization header", pattern: /\b(?:Bearer|DPoP) [A-Za-z0-9._~+/-]{40,}/ },
];

/** Random by construction, so that digits among them mean nothing. */
const randomMembers: ReadonlySet<string> = new Set(["requestId", "serialNumber", "stack", "time"]);

/** A part of a CRL is named by the day on which its window begins, and no other day stands there. */
const isShard = (name: string, text: string): boolean =>
  name === "crlShard" && shardWindow(text) !== undefined;

const email = /[^\s@"]+@[^\s@"]+\.[a-z]{2,}/i;

function kindOf(name: string, text: unknown): string | undefined {
  if (typeof text !== "string" || randomMembers.has(name) || isShard(name, text)) return undefined;
  const value = name === "detail" ? withoutResourceNames(text) : text;
  if (email.test(value)) return "an e-mail address";
  return (
    secretShape(value) ??
    value
      .split(/[\s,;:()"']+/)
      .map(personalDataShape)
      .find((kind) => kind !== undefined)
  );
}

function logLine(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{"time":')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Cut off by a kill: judged as any other line.
    return undefined;
  }
}

/** @param canaries Texts that were planted where callers write, and may not come out anywhere. */
export function searchSecrets(text: string, canaries: readonly string[] = []): SearchReport {
  const findings: Finding[] = [];
  let logLines = 0;
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const found = (kind: string): void => void findings.push({ line: index + 1, kind });
    if (canaries.some((canary) => line.includes(canary))) found("a planted canary");
    for (const { kind, pattern } of anywhere) if (pattern.test(line)) found(kind);
    const members = logLine(line);
    if (members === undefined) continue;
    logLines += 1;
    for (const [name, value] of Object.entries(members)) {
      const kind = kindOf(name, value);
      if (kind !== undefined) found(`${kind} in "${name}"`);
    }
  }
  return { lines: lines.length, logLines, findings };
}
