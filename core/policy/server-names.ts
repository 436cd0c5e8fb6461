/**
 * Room: core/policy. Which names a server certificate may carry for whom. A pattern is a name (`api.example.com`), or
 * stands for exactly one more label in front of one (`*.example.com`). No certificate carries a wildcard itself: one
 * stolen key would speak for every host of the domain (RFC 9525 §7.1).
 */
import { allowed, type Decision, deny } from "./decision.ts";
import { checkDnsName } from "./identifiers.ts";
import { personalDataShape } from "./personal-data.ts";

/** Patterns of one pipeline, at most. */
export const serverNamePatternLimit = 100;

const wildcard = "*.";
const nameForm = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** Fleet, name and a generation share one name in the service that holds the certificate. */
const nameCharacters = 64;

/** Whether a fleet may give `pattern` to a pipeline. */
export function checkServerNamePattern(pattern: string): Decision {
  if (!pattern.startsWith(wildcard)) return checkDnsName(pattern);
  const parent = pattern.slice(wildcard.length);
  // "*.com" would give a pipeline every domain there is.
  if (!parent.includes("."))
    return deny(
      "name_not_permitted",
      "pattern *.{one label} covers a whole top level; name a domain below it",
    );
  return checkDnsName(parent);
}

/** True when `pattern` covers `dnsName`. Both are lower case: what is not is no name (see `checkDnsName`). */
export function matchesServerName(pattern: string, dnsName: string): boolean {
  if (!pattern.startsWith(wildcard)) return pattern === dnsName;
  const dot = dnsName.indexOf(".");
  return dot > 0 && dnsName.slice(dot + 1) === pattern.slice(wildcard.length);
}

/**
 * Whether somebody with these patterns may have a certificate for all of `dnsNames`. The names' own syntax is the
 * identity's matter. The name is told by its place: the caller has just sent it.
 */
export function decideServerNames(patterns: readonly string[], dnsNames: readonly string[]): Decision {
  const foreign = dnsNames.findIndex((each) => !patterns.some((pattern) => matchesServerName(pattern, each)));
  if (foreign < 0) return allowed;
  return deny(
    "name_not_permitted",
    `name ${foreign + 1} of ${dnsNames.length} is covered by none of the ${patterns.length} serverNames of this pipeline; ask for a covered name, or let the fleet's owner add a pattern`,
  );
}

/** What a server certificate is called here: 1 to 64 characters, opaque. */
export function checkServerCertificateName(name: string): Decision {
  if (name.length < 1 || name.length > nameCharacters)
    return deny(
      "name_not_permitted",
      `name of a server certificate has ${name.length} characters; use 1 to ${nameCharacters}`,
    );
  const shape = personalDataShape(name);
  if (shape !== undefined)
    return deny(
      "name_not_permitted",
      `name of a server certificate is shaped like ${shape}; use an opaque one`,
    );
  if (nameForm.test(name)) return allowed;
  return deny(
    "name_not_permitted",
    "name of a server certificate may hold only a-z, 0-9 and hyphen, no hyphen at either end",
  );
}
