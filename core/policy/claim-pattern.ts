/**
 * Room: core/policy. Patterns over claims and principals. A pattern covers the whole value (Fulcio CVE-2026-22772: an
 * expression that was not anchored let strangers in), letter by letter, case and all. `*` stands for one or more
 * characters other than "/" and ":", which part the names that issuers build: it never reaches into the next part.
 * Control characters match nothing: no issuer's name has them, and people read these values in one line.
 */
import { allowed, type Decision, deny } from "./decision.ts";

const separators = "/:";
const maximumCharacters = 256;
const maximumValue = 1_024;
const maximumStars = 8;

/** The places of the pattern that may come after `places`, each of which has read all of the value so far. */
function step(pattern: string, places: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    const wanted = pattern[place];
    if (wanted === "*") {
      if (!separators.includes(character)) next.add(place).add(place + 1);
    } else if (wanted === character) {
      next.add(place + 1);
    }
  }
  return next;
}

/**
 * True when `pattern` covers all of `value`, of at most 1,024 characters. The work is at most the value's length times
 * twice the number of `*`: nothing that a stranger writes makes it worse.
 */
export function matchesPattern(pattern: string, value: string): boolean {
  if (value.length > maximumValue || /\p{Cc}/u.test(value)) return false;
  let places: ReadonlySet<number> = new Set([0]);
  for (const character of value) {
    places = step(pattern, places, character);
    if (places.size === 0) return false;
  }
  return places.has(pattern.length);
}

/** Whether a fleet may rely on `pattern`: printable ASCII, and something before the first `*`. */
export function checkPattern(pattern: string): Decision {
  if (pattern.length < 1 || pattern.length > maximumCharacters)
    return deny("request_invalid", `pattern of ${pattern.length} characters; use 1 to ${maximumCharacters}`);
  if (!/^[\x21-\x7e]+$/.test(pattern))
    return deny("request_invalid", "pattern may hold only printable ASCII characters without spaces");
  if (pattern.startsWith("*"))
    return deny(
      "request_invalid",
      "pattern begins with *, which lets strangers choose it; begin with a name",
    );
  if (pattern.includes("**")) return deny("request_invalid", "pattern has two * side by side; write one");
  const stars = pattern.split("*").length - 1;
  return stars <= maximumStars
    ? allowed
    : deny("request_invalid", `pattern has ${stars} *, limit ${maximumStars}; name more of the parts`);
}

/**
 * Whether a fleet may rely on `pattern` for the claim that says whose token it is. Issuers that sign for the whole world
 * begin it with a word of theirs and the customer's name (`repo:acme/…`, `project_path:acme/…`, `organization:acme:…`):
 * a `*` in either would let in other customers.
 */
export function checkSubjectPattern(pattern: string): Decision {
  const decision = checkPattern(pattern);
  if (!decision.allow) return decision;
  // In a URL the scheme is a part of its own, and names nobody.
  const named = pattern.includes("://") ? 3 : 2;
  const isOpen = pattern
    .split(/[/:]+/)
    .slice(0, named)
    .some((part) => part.includes("*"));
  return isOpen
    ? deny(
        "request_invalid",
        "pattern has * in its first or second part, which is where owners are named; name it",
      )
    : allowed;
}

// AWS: the caller's ARN of a role in use, a federated user, a user. Accounts and kinds are named, never matched.
const principal =
  /^arn:aws[a-z-]*:(?:sts::[0-9]{12}:(?:assumed-role|federated-user)|iam::[0-9]{12}:user)\/[^*]/;

/** Whether a fleet may rely on `pattern` for the ARN of an IAM principal. */
export function checkPrincipalPattern(pattern: string): Decision {
  const decision = checkPattern(pattern);
  if (!decision.allow || principal.test(pattern)) return decision;
  return deny(
    "request_invalid",
    "pattern names no account and role; begin with arn:aws:sts::ACCOUNT:assumed-role/ROLE/ or arn:aws:iam::ACCOUNT:user/",
  );
}
