/**
 * Room: lambdas/http. Deny by default: a handler runs only with the caller that its route demands, and the caller's
 * type comes from here. What a credential is worth, core decides; which credentials open which route is a column of
 * `lambdas/routes.ts`, and there is no other way in.
 */

import { type ApprovedOperation, redeemApproval } from "../../core/access/approval.ts";
import { backendByCertificate, backendItself } from "../../core/access/backend.ts";
import type { OperatorCaller, PipelineCaller } from "../../core/access/caller.ts";
import { authenticateClientCertificate, type ClientIdentity } from "../../core/access/client-certificate.ts";
import { operationDigest } from "../../core/access/operation.ts";
import { operatorByCertificate } from "../../core/access/operator.ts";
import { authenticatePipelineToken, authenticatePrincipal } from "../../core/access/pipeline.ts";
import { authenticateSession, proveKey } from "../../core/access/session.ts";
import { assertFleetActive } from "../../core/authority/issuer.ts";
import { findHold, heldBack } from "../../core/enrollment/hold.ts";
import { AppError } from "../../core/errors.ts";
import type { KeylessApp } from "../../core/ports.ts";
import type { Access, CredentialKind, Route } from "../routes.ts";
import { authorizationOf, certificateOf, principalOf, proofOf, requestUrl } from "./credentials.ts";
import type { AnyCaller, EnrollmentCredentials, HttpEvent } from "./message.ts";
import type { CheckedParameters } from "./path.ts";
import { bodyJson } from "./request.ts";

export interface Authorized {
  readonly caller: AnyCaller | undefined;
  readonly approval: ApprovedOperation | undefined;
}

interface Knock {
  readonly app: KeylessApp;
  readonly event: HttpEvent;
  readonly fleet: string;
  readonly rule: Access;
  /** Who showed a certificate; asked by each door that takes one, and read once. */
  readonly client: () => Promise<ClientIdentity | undefined>;
}

/** Undefined when the event holds no credential of the kind; throws when it holds one that does not open this. */
type Door = (knock: Knock) => Promise<AnyCaller | undefined>;

// Another fleet's path is a path that does not exist: the answer must not tell fleets apart.
function assertOwnPath(own: string, { fleet }: Pick<Knock, "fleet">): void {
  if (own !== fleet) throw new AppError("not_found", "no such fleet");
}

type Certified<Kind> = ClientIdentity & { readonly kind: Kind };

function isOf<Kind extends ClientIdentity["kind"]>(
  identity: ClientIdentity,
  kind: Kind,
): identity is Certified<Kind> {
  return identity.kind === kind;
}

/** Kinds that a certificate over mutual TLS proves. */
const certifiedKinds = ["operator", "device", "backend"] as const;
type CertifiedKind = (typeof certifiedKinds)[number];

const isCertified = (kind: CredentialKind): kind is CertifiedKind =>
  (certifiedKinds as readonly CredentialKind[]).includes(kind);

/** Reads the certificate once, whichever doors ask. @throws AppError the certificate's codes, not_found. */
function clientOf({ app, event }: Pick<Knock, "app" | "event">, fleet: string): Knock["client"] {
  let known: Promise<ClientIdentity | undefined> | undefined;
  const read = async (): Promise<ClientIdentity | undefined> => {
    const certificate = certificateOf(event);
    if (certificate === undefined) return undefined;
    const identity = await authenticateClientCertificate(app, { certificate });
    assertOwnPath(identity.fleet, { fleet });
    return identity;
  };
  return () => {
    known ??= read();
    return known;
  };
}

async function certified<Kind extends CertifiedKind>(
  knock: Knock,
  kind: Kind,
): Promise<Certified<Kind> | undefined> {
  const identity = await knock.client();
  if (identity === undefined || isOf(identity, kind)) return identity;
  const certified = knock.rule.by.filter((each) => isCertified(each));
  // Another door of this very call takes it.
  if (certified.some((each) => isOf(identity, each))) return undefined;
  const holders = certified.map((each) => `${each}s`).join(" and ");
  throw new AppError(
    "access_denied",
    `this call is for ${holders}; the certificate is of kind ${identity.kind}`,
  );
}

async function session({ app, event }: Knock): Promise<OperatorCaller | undefined> {
  const presented = authorizationOf(event);
  if (presented?.kind !== "session") return undefined;
  const { method } = event.requestContext.http;
  return authenticateSession(app, {
    token: presented.value,
    proof: proofOf(event),
    method,
    url: requestUrl(event),
  });
}

async function operatorOf(knock: Knock): Promise<OperatorCaller | undefined> {
  const bySession = await session(knock);
  if (bySession !== undefined) return bySession;
  const identity = await certified(knock, "operator");
  return identity === undefined ? undefined : operatorByCertificate(knock.app, identity);
}

function assertRole({ roles }: OperatorCaller, { roles: permitted = [] }: Access): void {
  if (roles.some((role) => permitted.includes(role))) return;
  throw new AppError(
    "role_not_permitted",
    `this call is for ${permitted.join(", ")}; the operator is ${roles.join(", ") || "of no role"}`,
  );
}

const operator: Door = async (knock) => {
  const caller = await operatorOf(knock);
  if (caller === undefined) return undefined;
  assertOwnPath(caller.fleet, knock);
  if (knock.rule.sessionOnly === true && caller.proof.by !== "session")
    throw new AppError(
      "session_invalid",
      "this call needs a session, which proves more than one factor; sign in",
    );
  assertRole(caller, knock.rule);
  return caller;
};

const device: Door = async (knock) => {
  const identity = await certified(knock, "device");
  if (identity === undefined) return undefined;
  assertFleetActive(identity.fleetState);
  if (knock.rule.standing === "transaction") return identity;
  const hold = await findHold(knock.app, identity.fleet, identity.subjectId);
  // A device in quarantine may ask how it stands; what it may not have is another certificate.
  if (hold !== undefined && hold.value.state !== "quarantined") throw heldBack(hold.value);
  return identity;
};

const enrollment: Door = async ({ event }) => {
  const presented = authorizationOf(event);
  if (presented !== undefined && presented.kind !== "secret")
    throw new AppError("credential_invalid", "enrolment takes a one-time token of 43 base64url characters");
  const certificate = certificateOf(event);
  const credentials: EnrollmentCredentials = {
    kind: "enrollment",
    ...(presented === undefined ? {} : { token: presented.value }),
    ...(certificate === undefined ? {} : { certificate }),
  };
  return credentials;
};

function permitted<Caller extends PipelineCaller>(caller: Caller, knock: Knock): Caller {
  assertOwnPath(caller.fleet, knock);
  assertFleetActive(caller.fleetState);
  const { operation } = knock.rule;
  if (operation !== undefined && caller.operations.includes(operation)) return caller;
  throw new AppError(
    "access_denied",
    `the fleet lets this pipeline do ${caller.operations.join(", ")}, and not this`,
  );
}

const backend: Door = async (knock) => {
  const identity = await certified(knock, "backend");
  if (identity === undefined) return undefined;
  assertFleetActive(identity.fleetState);
  if (knock.rule.operation === undefined) return backendItself(identity);
  return permitted(backendByCertificate(identity), knock);
};

const pipeline: Door = async (knock) => {
  const presented = authorizationOf(knock.event);
  if (presented?.kind !== "jws") return undefined;
  const { app, fleet } = knock;
  return permitted(await authenticatePipelineToken(app, { fleet, token: presented.value }), knock);
};

const iam: Door = async (knock) => {
  const principal = principalOf(knock.event);
  if (principal === undefined) return undefined;
  const { app, fleet } = knock;
  return permitted(await authenticatePrincipal(app, { fleet, principal }), knock);
};

const invitation: Door = async ({ event }) => {
  const presented = authorizationOf(event);
  return presented?.kind === "secret" ? { kind: "invitation", invitation: presented.value } : undefined;
};

const proof: Door = async ({ app, event, fleet }) => {
  const { method } = event.requestContext.http;
  return proveKey(app, fleet, { proof: proofOf(event), method, url: requestUrl(event) });
};

/** Every kind has its door, or this does not compile. */
const doors: Readonly<Record<CredentialKind, Door>> = {
  operator,
  device,
  enrollment,
  backend,
  pipeline,
  iam,
  invitation,
  proof,
};

const wanted: Readonly<Record<CredentialKind, string>> = {
  operator: "an operator certificate over mutual TLS, or an operator's session",
  device: "a device certificate over mutual TLS",
  enrollment: "an enrolment credential",
  backend: "a backend certificate over mutual TLS",
  pipeline: "a pipeline's token",
  iam: "an AWS signature (SigV4)",
  invitation: "an invitation as Bearer",
  proof: "a DPoP proof",
};

function missing({ by }: Access): AppError {
  const text = `this call needs ${by.map((kind) => wanted[kind]).join(", or ")}`;
  const asksForCertificate = by.some(isCertified);
  return new AppError(asksForCertificate ? "client_certificate_required" : "credential_missing", text);
}

async function satisfy(knock: Knock): Promise<AnyCaller> {
  for (const kind of knock.rule.by) {
    const caller = await doors[kind](knock);
    if (caller !== undefined) return caller;
  }
  throw missing(knock.rule);
}

const approvalHeader = "fleetkey-approval";

async function approve(
  knock: Knock,
  route: Route,
  caller: AnyCaller,
  parameters: CheckedParameters,
): Promise<ApprovedOperation | undefined> {
  const { critical } = knock.rule;
  if (critical === undefined) return undefined;
  if (caller.kind !== "operator")
    throw new AppError("access_denied", "a critical operation is for operators");
  const { fleet = knock.fleet, ...rest } = parameters;
  const body = bodyJson(knock.event);
  return redeemApproval(knock.app, {
    caller,
    critical,
    approvalId: knock.event.headers[approvalHeader],
    operationDigest: operationDigest({
      fleet,
      operation: route.id,
      parameters: rest as Record<string, string>,
      body,
    }),
  });
}

/**
 * The caller that `route` demands, and the approval of a critical one; neither for a public route.
 * @throws AppError the codes of the credentials, not_found (another fleet's path), access_denied,
 * role_not_permitted, approval_*.
 */
export async function authorize(
  app: KeylessApp,
  route: Route,
  event: HttpEvent,
  parameters: CheckedParameters,
): Promise<Authorized> {
  if (route.access === "public") return { caller: undefined, approval: undefined };
  const { fleet } = parameters;
  if (fleet === undefined)
    throw new AppError("access_denied", "a credential opens the paths of a fleet only");
  const client = clientOf({ app, event }, fleet);
  const knock: Knock = { app, event, fleet, rule: route.access, client };
  const caller = await satisfy(knock);
  return { caller, approval: await approve(knock, route, caller, parameters) };
}
