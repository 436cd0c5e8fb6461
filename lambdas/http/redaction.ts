/**
 * Room: lambdas/http. What may stand in a log line. Two walls: a field must be on the list, and its value
 * must not look like a secret or a personal datum, whoever put it there. The list holds opaque ids, codes,
 * measures and messages of ours: no bodies, no headers, no query strings, no certificates, no subject names.
 */
import { AppError } from "../../core/errors.ts";
import { personalDataShape } from "../../core/policy/personal-data.ts";
import { secretShape } from "../../core/policy/secret-shape.ts";

export type LogFields = Readonly<Record<string, string | number | boolean>>;

const textFields: ReadonlySet<string> = new Set([
  "requestId",
  "route",
  "method",
  "code",
  "fleet",
  "serialNumber",
  "authorityId",
  "crlShard",
  "jobId",
  "algorithm",
  "profile",
  "rule",
  "decision",
  "caller",
  "url",
  "reason",
  "task",
  "step",
  "subjectId",
  "deviceId",
  "detail",
  "errorName",
  "stack",
]);
const measureFields: ReadonlySet<string> = new Set([
  "status",
  "durationMs",
  "attempt",
  "count",
  "finished",
  "closed",
  "failed",
  "open",
  "oldestOpenSeconds",
  "pending",
  "oldestPendingSeconds",
  "slowestSeconds",
  "published",
  "entries",
  "octets",
  "trustVersion",
  "withdrawn",
  "manifests",
  "responders",
  "counted",
  "notices",
  "revoked",
  "ended",
  "read",
  "port",
  "connections",
  "coldStart",
]);

export const redacted = "[redacted]";

// Each pattern is linear: no nested quantifiers, and bounded input.
const suspicious: readonly RegExp[] = [
  /[^\s@]@[^\s@]/, // email address, user information in a URL
  /(?<!\d)\d{3}[-. ]\d{2}[-. ]\d{4}(?!\d)/, // US Social Security number
  /(?<![0-9a-f-])\d{9}(?![0-9a-f-])/, // the same without separators
  /(?<!\d)(?:19|20)\d{2}[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])(?!\d)/, // date of birth
  /(?<!\d)\+?\d[\d ().-]{8,}\d(?!\d)(?<![0-9a-f]{10})/, // telephone number
  /\b(?:CN|OU|O|UID|SN|GN|emailAddress)\s*=/i, // distinguished name
  /[?&][\w.-]+=/, // query string
];
const textLimit = 512;

function looksSecret(text: string): boolean {
  if (text.length > textLimit) return true;
  return suspicious.some((pattern) => pattern.test(text)) || secretShape(text) !== undefined;
}

/** Made by us, so that digits among them mean nothing: each has the one form that it may have. */
const forms: Readonly<Record<string, RegExp>> = {
  // A UUID, or API Gateway's own.
  requestId: /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{10,24}=)$/,
  serialNumber: /^(?:[0-9a-f]{2}){8,20}$/,
  // The day on which a window of certificates begins to end: see core/revocation/shard.ts.
  crlShard: /^(?:complete|\d{4}-\d{2}-\d{2}\.[1-9]\d?d)$/,
};

/** Opaque by policy; what got past the policy, or was there before it, is stopped here. */
const identifiers: ReadonlySet<string> = new Set(["subjectId", "deviceId"]);

/**
 * Names of AWS resources as our own messages give them. They are long, and digits of an account look like a telephone
 * number; without them an operator would not learn which key or table is meant.
 */
const resourceNames =
  /\barn:aws[a-z-]*:(?:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-)?[0-9a-f-]{32,36}|sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256})|\balias\/[A-Za-z0-9/_-]{1,250}|\b(?:table|bucket|topic) (?!arn:)[A-Za-z0-9][A-Za-z0-9._-]{2,254}/g;

/** `detail` with the word "resource" for each of those names: what is left must look like nothing secret. */
export function withoutResourceNames(detail: string): string {
  return detail.replaceAll(resourceNames, "resource");
}

function isSafe(name: string, value: string): boolean {
  const form = forms[name];
  if (form !== undefined) return form.test(value);
  if (identifiers.has(name) && personalDataShape(value) !== undefined) return false;
  return !looksSecret(name === "detail" ? withoutResourceNames(value) : value);
}

function safeText(name: string, value: string): string {
  // Made by describeError alone, which lets names of functions and files through and nothing else.
  if (name === "stack") return value;
  return isSafe(name, value) ? value : redacted;
}

/** The fields that may be written; others keep their name, if it is one, and lose their value. */
export function redact(fields: LogFields): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string" ? textFields.has(name) : measureFields.has(name)) {
      safe[name] = typeof value === "string" ? safeText(name, value) : value;
    } else if (/^[a-zA-Z]{1,32}$/.test(name)) {
      safe[name] = redacted;
    }
  }
  return safe;
}

/** An event is a word of ours, in snake_case; anything else is not written. */
export function redactEvent(event: string): string {
  return /^[a-z][a-z0-9_.]{0,63}$/.test(event) ? event : redacted;
}

const frame =
  /^ {4}at (?:(?<call>[\w.<>#$ [\]]{1,80}) \()?(?:file:\/\/)?(?:[^()\s]*\/)?(?<place>[\w.-]{1,64}\.[cm]?[jt]s:\d+:\d+)\)?$/;

export interface ErrorDescription {
  readonly errorName: string;
  readonly stack: string;
  /** Not called `message`, which is the event in CloudWatch lines. */
  readonly detail?: string;
}

/**
 * Where an error came from: function names, file names and lines, five at most. An AppError's message says
 * what to do about it; any other error's message may quote what a caller sent, and is never taken.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { errorName: typeof error, stack: "" };
  const frames = (error.stack ?? "")
    .slice(0, 8_192)
    .split("\n")
    .map((line) => frame.exec(line)?.groups)
    .filter((groups) => groups !== undefined)
    .slice(0, 5)
    .map((groups) => `${groups["call"] ?? "anonymous"} ${groups["place"] ?? ""}`);
  return {
    errorName: /^\w{1,40}$/.test(error.name) ? error.name : "Error",
    stack: frames.join(" < "),
    ...(error instanceof AppError ? { detail: error.message } : {}),
  };
}
