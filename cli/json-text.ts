/** Room: cli. JSON from files and answers, as typed values or not at all. */

/** What a schema of lambdas/http/schemas.ts can do; structural, so that no validator is named here. */
export interface AnswerSchema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } };
}

/** What a schema's value is. */
export type AnswerOf<Schema> = Schema extends AnswerSchema<infer T> ? T : never;

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

export type ReadAnswer<T> = { readonly value: T } | { readonly unexpected: string };

/** `undefined` for text that is no JSON. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * `value` as `schema` describes it. Members that the schema does not know are dropped: a device in the field
 * must still read the answers of a newer service.
 */
export function readAnswer<T>(schema: AnswerSchema<T>, value: unknown): ReadAnswer<T> {
  const first = schema.safeParse(value);
  if (first.success) return { value: first.data };
  for (const issue of first.error.issues) dropMembers(value, issue);
  const second = schema.safeParse(value);
  if (second.success) return { value: second.data };
  return {
    unexpected: second.error.issues.map(({ path }) => path.map(String).join(".") || "form").join(", "),
  };
}

function dropMembers(value: unknown, { code, path, keys = [] }: Issue): void {
  if (code !== "unrecognized_keys") return;
  let at = value;
  for (const step of path) at = isObject(at) ? Reflect.get(at, step) : undefined;
  if (isObject(at)) for (const key of keys) Reflect.deleteProperty(at, key);
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** An object whose `members` are all strings, from JSON text; undefined for anything else. */
export function parseTextRecord<Member extends string>(
  text: string | undefined,
  members: readonly Member[],
): Readonly<Record<Member, string>> | undefined {
  const value = text === undefined ? undefined : parseJsonText(text);
  return isTextRecord(value, members) ? value : undefined;
}

function isTextRecord<Member extends string>(
  value: unknown,
  members: readonly Member[],
): value is Readonly<Record<Member, string>> {
  return isObject(value) && members.every((member) => typeof Reflect.get(value, member) === "string");
}
