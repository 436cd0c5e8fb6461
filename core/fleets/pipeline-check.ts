/**
 * Room: core/fleets. What an entry of a configuration must be that lets in a pipeline, an IAM principal or a backend:
 * it names whom it means, and permits nothing that it has no use for.
 */
import { AppError } from "../errors.ts";
import { checkPattern, checkPrincipalPattern, checkSubjectPattern } from "../policy/claim-pattern.ts";
import type { Decision } from "../policy/decision.ts";
import { checkPurpose } from "../policy/encryption-context.ts";
import { checkBackendId } from "../policy/identifiers.ts";
import { checkServerNamePattern, serverNamePatternLimit } from "../policy/server-names.ts";
import type { BackendTrust, OidcPipelineTrust, PipelineTrust } from "../records/fleet-configuration.ts";
import { dataOperations, type PipelineOperation } from "../standard/access.ts";
import { checkIssuer } from "./issuer-check.ts";

function refuse(message: string): never {
  throw new AppError("request_invalid", message);
}

function assertAllowed(decision: Decision, what: string): void {
  if (!decision.allow) throw new AppError(decision.code, `${what}: ${decision.reason}`);
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

const isDataOperation = (operation: PipelineOperation): boolean => dataOperations.includes(operation);

/** The service's own purposes are nobody's, not even under `*`. */
function checkPurposes({ operations, purposes = [] }: PipelineTrust, what: string): void {
  const data = operations.filter(isDataOperation);
  if (data.length > 0 && purposes.length === 0)
    refuse(`${what} may do ${data.join(", ")} for no purpose; name purposes, or "*" for all`);
  if (data.length === 0 && purposes.length > 0)
    refuse(
      `${what}: purposes are for ${dataOperations.join(", ")}; permit one of them, or leave purposes out`,
    );
  if (new Set(purposes).size < purposes.length) refuse(`${what}: purposes names one twice; give each once`);
  if (purposes.includes("*")) {
    if (purposes.length > 1) refuse(`${what}: purposes has "*", which is all, and more; leave one out`);
    return;
  }
  for (const purpose of purposes) checkPurpose(purpose);
}

/** A backend asks for no certificate but its own, which takes no permission. */
function checkBackend({ backend, operations, profiles, serverNames = [] }: BackendTrust, what: string): void {
  assertAllowed(checkBackendId(backend), `${what}: backend`);
  const other = operations.find((operation) => !isDataOperation(operation));
  if (other !== undefined)
    refuse(`${what}: operation ${other} is for pipelines; a backend may do ${dataOperations.join(", ")}`);
  if (profiles.length + serverNames.length > 0)
    refuse(`${what}: profiles and serverNames are for pipelines; leave them empty`);
}

/** @throws AppError request_invalid, name_not_permitted: they name the entry by its id. */
export function checkPipeline(pipeline: PipelineTrust): void {
  const what = `pipeline "${pipeline.id}"`;
  if (pipeline.operations.length === 0) refuse(`${what} may do nothing; name an operation or leave it out`);
  checkServerNames(pipeline, what);
  checkPurposes(pipeline, what);
  if (pipeline.kind === "iam") {
    assertAllowed(checkPrincipalPattern(pipeline.principal), `${what}: principal`);
  } else if (pipeline.kind === "certificate") {
    checkBackend(pipeline, what);
  } else {
    checkIssuer(pipeline, what);
    checkClaims(pipeline, what);
  }
}
