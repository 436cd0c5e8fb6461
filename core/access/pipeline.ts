/**
 * Room: core/access. Deployment pipelines: a token of a CI system whose issuer the fleet trusts, or an IAM principal
 * that API Gateway has verified. What it may do is the trust entry's, never the token's. A token is no one-time
 * credential: a job may show it until it is an hour old. Failures are not counted: a stranger could send forged ones
 * and lock the pipeline out, and a signature is not guessed.
 */
import { type Fleet, findFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { matchesPattern } from "../policy/claim-pattern.ts";
import type { KeylessApp, VerifiedToken } from "../ports.ts";
import type { IamPipelineTrust, OidcPipelineTrust, PipelineTrust } from "../records/fleet-configuration.ts";
import { accessPeriods } from "../standard/access.ts";
import type { PipelineCaller } from "./caller.ts";

/** Before anything is parsed (GO-2025-4193). */
const maximumCharacters = 8_192;

/** One message for every reason but age: the caller learns nothing about the fleet's trust. */
function untrusted(): AppError {
  return new AppError(
    "token_invalid",
    "the fleet trusts no pipeline with this token; compare its issuer, audience and claims with the fleet's entries",
  );
}

/** The issuer that the token names: a claim, with which to choose among configured ones, and never to fetch from. */
function namedIssuer(token: string): unknown {
  if (token.length > maximumCharacters)
    throw new AppError(
      "token_invalid",
      `the token has ${token.length} characters, limit ${maximumCharacters}`,
    );
  try {
    const [, payload = ""] = token.split(".", 3);
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null && "iss" in claims ? claims.iss : undefined;
  } catch {
    // What is no JSON names nobody.
    return undefined;
  }
}

function callerOf(
  { id, operations, profiles, purposes = [] }: PipelineTrust,
  fleetState: Fleet,
): PipelineCaller {
  const { fleet } = fleetState.record;
  return {
    kind: "pipeline",
    fleet,
    subjectId: id,
    actor: `pipeline:${id}`,
    operations,
    profiles,
    purposes,
    fleetState,
  };
}

function matches({ claims }: OidcPipelineTrust, token: VerifiedToken): boolean {
  const wanted = Object.entries(claims);
  // An entry without a pattern would trust whoever the issuer signs for.
  if (wanted.length === 0) return false;
  return wanted.every(([name, pattern]) => {
    const value = Object.hasOwn(token.claims, name) ? token.claims[name] : undefined;
    return typeof value === "string" && matchesPattern(pattern, value);
  });
}

function assertYoung(app: KeylessApp, { issuedAt }: VerifiedToken): void {
  const { seconds } = accessPeriods.pipelineToken;
  if (app.clock.now() - issuedAt <= seconds * 1000) return;
  throw new AppError("token_expired", `the token is older than ${seconds} s; ask its issuer for another`);
}

/** The token as `entry`'s issuer and audience have it; undefined when it is not for that audience or not genuine. */
async function verified(
  app: KeylessApp,
  entry: OidcPipelineTrust,
  token: string,
): Promise<VerifiedToken | undefined> {
  const { issuer, jwksUri, audience } = entry;
  const expected = { issuer, audience, now: app.clock.now(), ...(jwksUri === undefined ? {} : { jwksUri }) };
  try {
    return await app.identities.verifyToken(token, expected);
  } catch (error) {
    if (isAppError(error, "token_invalid")) return undefined;
    throw error;
  }
}

/**
 * The first entry of the fleet that covers the token lets it in; entries never add up. One read.
 * @throws AppError token_invalid, token_expired, issuer_unavailable.
 */
export async function authenticatePipelineToken(
  app: KeylessApp,
  { fleet, token }: { readonly fleet: string; readonly token: string },
): Promise<PipelineCaller> {
  const issuer = namedIssuer(token);
  const fleetState = await findFleet(app, fleet);
  const entries = (fleetState?.configuration.pipelines ?? []).filter((entry) => entry.kind === "oidc");
  for (const entry of entries.filter((each) => each.issuer === issuer)) {
    const claims = await verified(app, entry, token);
    if (fleetState === undefined || claims === undefined || !matches(entry, claims)) continue;
    assertYoung(app, claims);
    return callerOf(entry, fleetState);
  }
  throw untrusted();
}

const isIam = (entry: PipelineTrust): entry is IamPipelineTrust => entry.kind === "iam";

/**
 * @param request.principal ARN of who signed, as API Gateway has verified it.
 * @throws AppError access_denied.
 */
export async function authenticatePrincipal(
  app: KeylessApp,
  { fleet, principal }: { readonly fleet: string; readonly principal: string },
): Promise<PipelineCaller> {
  const fleetState = await findFleet(app, fleet);
  const entries = (fleetState?.configuration.pipelines ?? []).filter(isIam);
  const entry = entries.find((each) => matchesPattern(each.principal, principal));
  if (fleetState !== undefined && entry !== undefined) return callerOf(entry, fleetState);
  throw new AppError("access_denied", "the fleet trusts no pipeline under this IAM principal");
}
