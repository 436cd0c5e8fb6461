/**
 * Room: core/policy. What a secret looks like, wherever text leaves the system for people to read. A shape is a
 * hint, not a proof: the rule errs towards refusing. Serial numbers and digests are hexadecimal and public.
 */

// Each pattern is linear: no nested quantifiers, and callers bound their input.
const shapes: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  { kind: "PEM", pattern: /-----BEGIN/ },
  { kind: "base64 of a DER SEQUENCE", pattern: /\bMI[IHGEDCBA][A-Za-z0-9+/_-]{16}/ },
  // RFC 7515 §3.1
  { kind: "a JWS or JWE", pattern: /\beyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/ },
  { kind: "an Authorization header", pattern: /\b(?:bearer|basic|digest|dpop)\s+\S/i },
];

// 32 random octets are 43 characters of base64url; hexadecimal digests are longer and public.
const longRun = /[A-Za-z0-9+/_=-]{40,}/g;
const hexadecimal = /^[0-9a-f]+$/;

/** What kind of secret `text` looks like or holds, as in "a JWS or JWE"; undefined when none. */
export function secretShape(text: string): string | undefined {
  const shape = shapes.find(({ pattern }) => pattern.test(text));
  if (shape !== undefined) return shape.kind;
  const runs = text.match(longRun) ?? [];
  return runs.some((run) => !hexadecimal.test(run)) ? "a token or key" : undefined;
}
