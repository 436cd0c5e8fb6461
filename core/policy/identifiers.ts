/**
 * Room: core/policy. Syntax of the identifiers that certificates name. Reasons never repeat the value: it may
 * be the very datum that must not travel.
 */
import { limits } from "../standard/limits.ts";
import { allowed, type Decision, deny } from "./decision.ts";
import { personalDataShape } from "./personal-data.ts";

interface Syntax {
  readonly noun: string;
  readonly pattern: RegExp;
  readonly characters: string;
  readonly maximum: number;
}

const opaque = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const opaqueCharacters = "A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or a digit";
const identifierMaximum = limits.identifierCharacters.value;
const fleetMaximum = limits.fleetCharacters.value;

const deviceId: Syntax = {
  noun: "device identifier",
  pattern: opaque,
  characters: opaqueCharacters,
  maximum: identifierMaximum,
};

const operatorId: Syntax = { ...deviceId, noun: "operator identifier" };

const claimId: Syntax = { ...deviceId, noun: "claim identifier" };

const backendId: Syntax = { ...deviceId, noun: "backend identifier" };

const authorityId: Syntax = {
  ...deviceId,
  noun: "authority identifier",
  // Fleet, space and authority share one common name.
  maximum: identifierMaximum - fleetMaximum - 1,
};

const fleetId: Syntax = {
  noun: "fleet name",
  pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/,
  characters: "a-z, 0-9 and hyphen, no hyphen at either end",
  maximum: fleetMaximum,
};

// SPIFFE-ID §2.1: lower-case letters, digits, dot, hyphen and underscore. We also ask for whole labels.
const trustDomain: Syntax = {
  noun: "trust domain",
  pattern: /^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*$/,
  characters: "a-z, 0-9, hyphen and underscore in labels parted by single dots",
  maximum: limits.dnsNameOctets.value,
};

function checkSyntax(syntax: Syntax, value: string): Decision {
  const { noun, pattern, characters, maximum } = syntax;
  if (value.length < 1 || value.length > maximum) {
    return deny("name_not_permitted", `${noun} of ${value.length} characters; use 1 to ${maximum}`);
  }
  return pattern.test(value) ? allowed : deny("name_not_permitted", `${noun} may hold only ${characters}`);
}

function checkOpaque(syntax: Syntax, value: string): Decision {
  const shape = value.length > syntax.maximum ? undefined : personalDataShape(value);
  if (shape === undefined) return checkSyntax(syntax, value);
  // 45 CFR 164.502(b), 164.514(b): no personal datum where an opaque identifier does.
  return deny(
    "name_not_permitted",
    `${syntax.noun} is shaped like ${shape}; use an opaque one, such as pump-000123`,
  );
}

/** 1 to 64 characters, opaque. */
export const checkDeviceId = (id: string): Decision => checkOpaque(deviceId, id);

/** 1 to 64 characters, opaque. */
export const checkOperatorId = (id: string): Decision => checkOpaque(operatorId, id);

/** 1 to 64 characters, opaque. */
export const checkClaimId = (id: string): Decision => checkOpaque(claimId, id);

/** 1 to 64 characters, opaque. */
export const checkBackendId = (id: string): Decision => checkOpaque(backendId, id);

/** 1 to 31 characters. We name authorities ourselves, so dates are welcome here. */
export const checkAuthorityId = (id: string): Decision => checkSyntax(authorityId, id);

/** 1 to 32 characters, opaque: fleets stand in paths, logs and notices. */
export const checkFleetId = (id: string): Decision => checkOpaque(fleetId, id);

/** SPIFFE trust domain, lower case. */
export const checkTrustDomain = (domain: string): Decision => checkSyntax(trustDomain, domain);

const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

function labelFault(part: string): string | undefined {
  if (part.length === 0) return "has an empty label; leave out leading, trailing and double dots";
  if (part.length > limits.dnsLabelOctets.value)
    return `has a label over ${limits.dnsLabelOctets.value} octets`;
  if (!label.test(part))
    return "may hold only a-z, 0-9 and inner hyphens; write it in lower case, without wildcard";
  // RFC 5891 §4.2.3.1: "--" in the third place is for A-labels.
  if (part.slice(2, 4) === "--" && !/^xn--[a-z0-9]/.test(part))
    return 'has a label with "--" that is no A-label';
  return undefined;
}

/** RFC 5280 §4.2.1.6, RFC 1034 §3.5: preferred name syntax; A-labels for other scripts; no wildcard. */
export function checkDnsName(dnsName: string): Decision {
  const maximum = limits.dnsNameOctets.value;
  if (dnsName.length < 1 || dnsName.length > maximum) {
    return deny("name_not_permitted", `DNS name of ${dnsName.length} octets; use 1 to ${maximum}`);
  }
  const labels = dnsName.split(".");
  const fault = labels.map(labelFault).find((found) => found !== undefined);
  if (fault !== undefined) return deny("name_not_permitted", `DNS name ${fault}`);
  // RFC 1123 §2.1: a numeric last label would read as an address.
  const numeric = /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "");
  return numeric
    ? deny("name_not_permitted", "DNS name ends in a number; give addresses as addresses")
    : allowed;
}
