/**
 * Room: lambdas/http. The shapes that pass between a gateway and a function: API Gateway's payload format
 * 2.0, as far as we read it. The local server makes the very same events.
 */
import type { ApprovedOperation } from "../../core/access/approval.ts";
import type { BackendCaller } from "../../core/access/backend.ts";
import type { OperatorCaller, PipelineCaller } from "../../core/access/caller.ts";
import type { ClientIdentity } from "../../core/access/client-certificate.ts";
import type { ProvenKey } from "../../core/access/session.ts";
import type { CredentialKind, FunctionId, MediaType, RouteId, RouteIdOf, RouteOf } from "../routes.ts";

// Absent members are left out by API Gateway; emulators of it send null. Both are read the same.

/** The client certificate whose private key the TLS peer has proved to hold. */
export interface ClientCertificate {
  readonly clientCertPem: string;
  readonly subjectDN: string;
  readonly issuerDN: string;
  /** Hexadecimal octets joined by colons. */
  readonly serialNumber: string;
  readonly validity: { readonly notBefore: string; readonly notAfter: string };
}

export interface HttpEvent {
  readonly version: string;
  readonly routeKey: string;
  readonly rawPath: string;
  readonly rawQueryString: string;
  /** Names in lower case; values of a repeated name joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly cookies?: string[];
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
  readonly body?: string | null;
  readonly isBase64Encoded: boolean;
  readonly requestContext: {
    readonly requestId: string;
    /** Milliseconds since the epoch. */
    readonly timeEpoch: number;
    /** The name under which the gateway was called; with the port where there is one. */
    readonly domainName: string;
    readonly http: { readonly method: string; readonly path: string; readonly sourceIp: string };
    readonly authentication?: { readonly clientCert?: ClientCertificate | null } | null;
    /** Of routes that API Gateway guards with IAM: who signed the request, verified (SigV4). */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string | null } | null } | null;
  };
}

export interface HttpResult {
  statusCode: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
  isBase64Encoded?: boolean;
}

/** What a Lambda runtime calls, and the local server too. It never rejects: failures are problems. */
export type HttpHandler = (event: HttpEvent, context?: unknown) => Promise<HttpResult>;

type ParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `${infer Whole}+` ? Whole : Name) | ParameterNames<Rest>
  : never;

/** `{ fleet: string; serialNumber: string }` of "/v1/fleets/{fleet}/certificates/{serialNumber}". */
export type PathParameters<Path extends string> = Readonly<Record<ParameterNames<Path>, string>>;

/** What a device has to show for its first certificate; only the use case knows what it is worth. */
export interface EnrollmentCredentials {
  readonly kind: "enrollment";
  /** Of the right form. */
  readonly token?: string;
  /** PEM of the certificate whose key the TLS peer has proved to hold. */
  readonly certificate?: string;
}

/** A one-time invitation of the right form; only the use case knows whether it is worth anything. */
export interface Invitation {
  readonly kind: "invitation";
  readonly invitation: string;
}

export interface DeviceIdentity extends ClientIdentity {
  readonly kind: "device";
}

interface CallerOf {
  readonly operator: OperatorCaller;
  readonly device: DeviceIdentity;
  readonly enrollment: EnrollmentCredentials;
  readonly backend: BackendCaller;
  readonly pipeline: PipelineCaller;
  readonly iam: PipelineCaller;
  readonly invitation: Invitation;
  readonly proof: ProvenKey;
}

export type AnyCaller = CallerOf[CredentialKind];

/** Who calls, in the form that a route's access demands. */
export type Caller<Access> = Access extends { readonly by: readonly (infer Kind extends CredentialKind)[] }
  ? CallerOf[Kind]
  : undefined;

/** What a critical route's use case needs besides its caller. */
export type Approval<Access> = Access extends { readonly critical: string } ? ApprovedOperation : undefined;

/** A request that has passed routing, access and negotiation. Handlers receive nothing else. */
export interface RouteRequest<Id extends RouteId> {
  readonly event: HttpEvent;
  readonly path: PathParameters<RouteOf<Id>["path"]>;
  readonly caller: Caller<RouteOf<Id>["access"]>;
  /** That the very operation was approved, for a critical route. */
  readonly approval: Approval<RouteOf<Id>["access"]>;
  /** The one of the route's `produces` that the client prefers. */
  readonly accepted: MediaType;
}

export type RouteHandler<Id extends RouteId> = (request: RouteRequest<Id>) => Promise<HttpResult>;

/** Exactly one handler for each route of the function: a missing one does not compile. */
export type RouteHandlers<F extends FunctionId> = { readonly [Id in RouteIdOf<F>]: RouteHandler<Id> };
