/** Room: lambdas. The form of a row of the API's table (`routes.ts`): who may call what, and what serves it. */
import type { StartedTask } from "../core/ports.ts";
import type { CriticalOperationId, PipelineOperation, Role } from "../core/standard/access.ts";

/** Functions that answer requests. */
export type FunctionId =
  | "access"
  | "enrollment"
  | "distribution"
  | "revocation"
  | "rotation"
  | "protection"
  | "ocsp";

/** Functions that a schedule or a deployment starts; no request reaches them. */
export type TaskFunctionId =
  | "reconciliation"
  | "bootstrap"
  | "provisioning"
  | "publication"
  | "maintenance"
  | "rollover"
  | "ceremony"
  | "servers"
  | "safekeeping";

/**
 * How a caller proves who it is.
 * operator: an operator's certificate over mutual TLS, or a session bound to a key (DPoP).
 * device: a device's certificate over mutual TLS.
 * enrollment: whichever enrolment credential the fleet accepts (`core/enrollment/credentials`).
 * backend: a backend's certificate of the fleet over mutual TLS.
 * pipeline: a token of a CI system's OIDC issuer, as Bearer. iam: SigV4, verified by API Gateway.
 * invitation: a one-time invitation to register a passkey, as Bearer.
 * proof: a key only (DPoP), to which a session will be bound.
 */
export type CredentialKind =
  | "operator"
  | "device"
  | "enrollment"
  | "backend"
  | "pipeline"
  | "iam"
  | "invitation"
  | "proof";

export type MediaType =
  | "application/json"
  | "application/pkcs10"
  | "application/pem-certificate-chain"
  | "application/jose"
  | "application/jwk-set+json"
  | "application/pkcs7-mime"
  | "application/pkix-cert"
  | "application/pkix-crl"
  | "application/ocsp-request"
  | "application/ocsp-response"
  | "application/x-ndjson"
  | "text/csv"
  | "text/html";

/** What a route or a task may touch; its function is granted the union of its rows and nothing else. */
export interface Touches {
  /**
   * `probe` reads, and writes the one health item: a grant for it names that item's key (see health.ts).
   * `read` also remembers proofs, so that none counts twice: a grant for it names their partitions.
   * `answer` reads, and keeps what it answered about a certificate: a grant for it names certificates' partitions.
   */
  readonly items: "none" | "read" | "probe" | "answer" | "write";
  /**
   * `issue` signs with issuing authorities; `respond` with OCSP responders alone; `publish` with issuing authorities,
   * responders and trust signers; `certify` with all of these and with roots, and looks keys up by name.
   */
  readonly keys: "none" | "issue" | "respond" | "publish" | "certify";
  /** Reads what is published for everybody. */
  readonly artifacts?: "read";
  /** Tasks that it starts before their schedule does. */
  readonly starts?: readonly StartedTask[];
  /** Says how signing keys are, lends roots to ceremonies, has keys destroyed; signs with none. */
  readonly custody?: true;
  /** Says how wrapping keys are, and rotates them; wraps with none. */
  readonly dataKeys?: true;
  /** Puts certificates of servers into the service that holds them for load balancers. */
  readonly certificates?: true;
  /**
   * `use` makes subject keys, opens them, and tells people of what is to be read or destroyed; `keep` re-wraps and destroys them, and has the wrapping keys of a fleet
   * destroyed.
   */
  readonly protection?: "use" | "keep";
  /** Lifts the hold of a device, the one kind of item that is deleted: a grant for it names devices' partitions. */
  readonly releases?: true;
}

/** Who may call: one of `by`, which the door looks for in this order. */
export interface Access {
  readonly by: readonly [CredentialKind, ...CredentialKind[]];
  /** Of an operator. Present exactly where `by` names operators. */
  readonly roles?: readonly Role[];
  /**
   * Of a pipeline or backend. Present where `by` names pipelines or IAM; a backend may also come to a row without
   * one, for which its certificate does.
   */
  readonly operation?: PipelineOperation;
  /** An operator's certificate, which is one factor, does not do. */
  readonly sessionOnly?: true;
  /** The very operation needs an approval with MFA assertions over it. */
  readonly critical?: CriticalOperationId;
  /** Where a device's standing is looked at: an issuance asks for it in its transaction. @default the door */
  readonly standing?: "transaction";
}

export interface Route {
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Literal segments and `{name}` parameters; no trailing slash. At its end `{name+}` takes all segments that are left. */
  readonly path: `/${string}`;
  readonly access: "public" | Access;
  readonly function: FunctionId;
  readonly summary: string;
  readonly touches: Touches;
  /** Octets of the request body. @default `bodyLimit` */
  readonly bodyBytes?: number;
  /** Media types of the request body; absent when the route takes none. */
  readonly consumes?: readonly MediaType[];
  /** Media types of the answer, the preferred one first. */
  readonly produces: readonly [MediaType, ...MediaType[]];
}
