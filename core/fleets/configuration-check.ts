/**
 * Room: core/fleets. What a configuration must be before a fleet relies on it. Its shape was checked at the edge; here
 * is what it means: whoever it lets in, it lets in on purpose.
 */
import { AppError } from "../errors.ts";
import { checkPattern, checkPrincipalPattern, checkSubjectPattern } from "../policy/claim-pattern.ts";
import type { Decision } from "../policy/decision.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import { personalDataShape } from "../policy/personal-data.ts";
import { checkServerNamePattern, serverNamePatternLimit } from "../policy/server-names.ts";
import type {
  FleetConfiguration,
  OidcPipelineTrust,
  OperatorIssuer,
  PipelineTrust,
} from "../records/fleet-configuration.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { checkManufacturer } from "./manufacturer-check.ts";

/** Octets of the stored document: an item of the store holds 400,000. */
const maximumOctets = 300_000;

function refuse(message: string): never {
  throw new AppError("request_invalid", message);
}

function assertAllowed(decision: Decision, what: string): void {
  if (!decision.allow) throw new AppError(decision.code, `${what}: ${decision.reason}`);
}

function checkDays(validityDays: FleetConfiguration["validityDays"]): void {
  for (const [id, days] of Object.entries(validityDays)) {
    const { maximumDays } = profiles[id as ProfileId];
    if (days <= maximumDays) continue;
    throw new AppError(
      "validity_not_permitted",
      `validity ${days} d exceeds profile "${id}" maximum ${maximumDays} d; choose fewer days`,
    );
  }
}

function checkIds(entries: readonly { readonly id: string }[], what: string): void {
  const seen = new Set<string>();
  for (const { id } of entries) {
    const shape = personalDataShape(id);
    if (shape !== undefined)
      throw new AppError("name_not_permitted", `id of a ${what} is shaped like ${shape}; use an opaque one`);
    if (seen.has(id)) refuse(`two ${what}s have one id; give each its own`);
    seen.add(id);
  }
}

function checkManufacturers({ manufacturers }: FleetConfiguration, now: number): void {
  checkIds(manufacturers, "manufacturer");
  const authorities = manufacturers.map((each) => checkManufacturer(each, now));
  // Which entry counts, and where it finds the device's identifier, must not depend on their order.
  if (new Set(authorities).size < authorities.length)
    refuse("two manufacturers have one name and key; give each once");
}

/** OpenID Connect Discovery 1.0 §4.1: https, no query, no fragment; and nobody's password in it. */
function checkHttps(url: string, what: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const extras = parsed === undefined ? "" : parsed.username + parsed.password + parsed.search + parsed.hash;
  if (parsed?.protocol !== "https:" || extras !== "")
    refuse(`${what} is no https URL without user, query and fragment; correct it`);
}

function checkIssuer({ issuer, jwksUri }: Pick<OperatorIssuer, "issuer" | "jwksUri">, what: string): void {
  checkHttps(issuer, `${what}: issuer`);
  if (jwksUri !== undefined) checkHttps(jwksUri, `${what}: jwksUri`);
}

function checkClaims({ claims }: OidcPipelineTrust, what: string): void {
  // RFC 8725 §3.8: an issuer signs for many; without a subject the entry would trust all of them.
  if (!Object.hasOwn(claims, "sub")) refuse(`${what}: claims have no pattern for "sub"; say whose tokens`);
  for (const [name, pattern] of Object.entries(claims)) {
    const check = name === "sub" ? checkSubjectPattern : checkPattern;
    assertAllowed(check(pattern), `${what}: claim "${name}"`);
  }
}

function checkServerNames({ serverNames = [] }: PipelineTrust, what: string): void {
  if (serverNames.length > serverNamePatternLimit)
    refuse(`${what}: serverNames has ${serverNames.length} patterns, limit ${serverNamePatternLimit}`);
  if (new Set(serverNames).size < serverNames.length)
    refuse(`${what}: serverNames names a pattern twice; give each once`);
  for (const [at, pattern] of serverNames.entries())
    assertAllowed(checkServerNamePattern(pattern), `${what}: serverNames ${at}`);
}

function checkPipeline(pipeline: PipelineTrust): void {
  const what = `pipeline "${pipeline.id}"`;
  if (pipeline.operations.length === 0) refuse(`${what} may do nothing; name an operation or leave it out`);
  checkServerNames(pipeline, what);
  if (pipeline.kind === "iam") {
    assertAllowed(checkPrincipalPattern(pipeline.principal), `${what}: principal`);
    return;
  }
  checkIssuer(pipeline, what);
  checkClaims(pipeline, what);
}

/** One entry for each issuer and audience: which proof of a second factor counts must not depend on their order. */
function checkOperatorIssuers({ operatorIssuers }: FleetConfiguration): void {
  for (const each of operatorIssuers) checkIssuer(each, "operator issuer");
  const names = operatorIssuers.map(({ issuer, audience }) => JSON.stringify([issuer, audience]));
  if (new Set(names).size < names.length)
    refuse("two operator issuers have one issuer and audience; give each once");
}

function checkNoticeDays({ expiryNoticeDays }: FleetConfiguration): void {
  if (new Set(expiryNoticeDays).size < expiryNoticeDays.length)
    refuse("expiryNoticeDays names a day twice; give each once");
}

function checkSize(configuration: FleetConfiguration): void {
  const octets = Buffer.byteLength(JSON.stringify(configuration));
  if (octets > maximumOctets)
    refuse(`configuration has ${octets} octets, limit ${maximumOctets}; make it smaller`);
}

/**
 * @param now Milliseconds since the epoch.
 * @throws AppError request_invalid, validity_not_permitted, name_not_permitted, pem_malformed, certificate_malformed,
 * key_*: each names the member, its value where that is no secret, the limit and what to do.
 */
export function checkConfiguration(configuration: FleetConfiguration, now: number): void {
  checkSize(configuration);
  checkDays(configuration.validityDays);
  checkNoticeDays(configuration);
  for (const prefix of configuration.deviceIdPrefixes)
    assertAllowed(checkDeviceId(prefix), "prefix of device identifiers");
  checkManufacturers(configuration, now);
  checkIds(configuration.pipelines, "pipeline");
  for (const pipeline of configuration.pipelines) checkPipeline(pipeline);
  checkOperatorIssuers(configuration);
}
