/**
 * Room: core/fleets. What a configuration must be before a fleet relies on it. Its shape was checked at the edge; here
 * is what it means: whoever it lets in, it lets in on purpose.
 */
import { AppError } from "../errors.ts";
import type { Decision } from "../policy/decision.ts";
import { checkPurpose } from "../policy/encryption-context.ts";
import { checkDeviceId } from "../policy/identifiers.ts";
import { personalDataShape } from "../policy/personal-data.ts";
import type { FleetConfiguration } from "../records/fleet-configuration.ts";
import { type ProfileId, profiles } from "../standard/profiles.ts";
import { checkIssuer } from "./issuer-check.ts";
import { checkManufacturer } from "./manufacturer-check.ts";
import { checkPipeline } from "./pipeline-check.ts";

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

/** One backend, one entry: what it may do must not depend on their order. */
function checkBackends({ pipelines }: FleetConfiguration): void {
  const backends = pipelines.flatMap((entry) => (entry.kind === "certificate" ? [entry.backend] : []));
  if (new Set(backends).size < backends.length)
    refuse("two entries of kind certificate are for one backend; give each backend one entry");
}

function checkFleetWrapped({ fleetWrappedPurposes }: FleetConfiguration): void {
  for (const purpose of fleetWrappedPurposes) checkPurpose(purpose);
  if (new Set(fleetWrappedPurposes).size < fleetWrappedPurposes.length)
    refuse("fleetWrappedPurposes names a purpose twice; give each once");
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
  checkBackends(configuration);
  checkFleetWrapped(configuration);
  checkOperatorIssuers(configuration);
}
