/**
 * Room: lambdas/http. Deny by default: a handler runs only with the caller that its route demands, and the
 * caller's type comes from here. Which authority signed a certificate, and its status, core decides.
 */
import { authenticateClientCertificate, type ClientIdentity } from "../../core/access/client-certificate.ts";
import { AppError } from "../../core/errors.ts";
import type { KeylessApp } from "../../core/ports.ts";
import type { CredentialKind, Route } from "../routes.ts";
import type { BearerToken, HttpEvent } from "./message.ts";

// RFC 6750 §2.1, and 32 octets in base64url without padding: the last character has two zero bits.
const bearer = /^[Bb][Ee][Aa][Rr][Ee][Rr] +(?<token>[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

/** Characters of PEM: 16,384 octets of DER and line breaks. Certificates of a fleet have a tenth of it. */
export const certificateLimit = 24_000;

function bearerToken(event: HttpEvent): BearerToken {
  const header = event.headers["authorization"];
  if (header === undefined || header === "") {
    throw new AppError("credential_missing", "Authorization is missing; send Bearer and the enrolment token");
  }
  // Bounded before the pattern runs: a header may be as long as the gateway allows.
  const token = header.length > 128 ? undefined : bearer.exec(header)?.groups?.["token"];
  if (token === undefined) {
    throw new AppError(
      "credential_invalid",
      "Authorization is not one Bearer token of 43 base64url characters; send the token as it was given",
    );
  }
  return { kind: "enrollmentToken", token };
}

const gatewayPem = /^\s*-----BEGIN CERTIFICATE-----(?<base64>[A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/**
 * The gateway writes this PEM, not the client, and does not say how long its lines are: they are broken anew as
 * RFC 7468 §2 wants them. Whatever else it is stays as it is, for core to refuse.
 */
function canonicalLines(pem: string): string {
  const base64 = gatewayPem.exec(pem)?.groups?.["base64"];
  if (base64 === undefined) return pem;
  const lines = base64.replaceAll(/\s/g, "").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

async function clientIdentity(
  app: KeylessApp,
  event: HttpEvent,
  fleet: string,
  kind: ClientIdentity["kind"],
): Promise<ClientIdentity> {
  const certificate = event.requestContext.authentication?.clientCert?.clientCertPem;
  if (certificate === undefined || certificate === "") {
    throw new AppError(
      "client_certificate_required",
      `this call needs ${kind === "operator" ? "an operator" : "a device"} certificate over mutual TLS`,
    );
  }
  // Checked before anything decodes it: a stranger chooses what is in it.
  if (certificate.length > certificateLimit) {
    throw new AppError(
      "client_certificate_untrusted",
      `client certificate exceeds ${certificateLimit} characters of PEM; present the one that the fleet issued`,
    );
  }
  const identity = await authenticateClientCertificate(app, {
    fleet,
    certificate: canonicalLines(certificate),
  });
  // Another fleet's path is a path that does not exist: the answer must not tell fleets apart.
  if (identity.fleet !== fleet) throw new AppError("not_found", "no such fleet");
  if (identity.kind !== kind) {
    throw new AppError(
      "access_denied",
      `this call is for ${kind}s; the certificate is of kind ${identity.kind}`,
    );
  }
  return identity;
}

function assertNever(kind: never): never {
  throw new AppError("access_denied", `no way to check ${String(kind)}`);
}

async function satisfy(
  app: KeylessApp,
  kind: CredentialKind,
  event: HttpEvent,
  fleet: string | undefined,
): Promise<BearerToken | ClientIdentity> {
  switch (kind) {
    case "enrollmentToken":
      return bearerToken(event);
    case "operator":
    case "device":
      if (fleet === undefined)
        throw new AppError("access_denied", "a certificate opens the paths of a fleet only");
      return clientIdentity(app, event, fleet, kind);
    default:
      return assertNever(kind);
  }
}

/**
 * The caller that `route` demands; undefined for a public route.
 * @throws AppError credential_missing, credential_invalid, client_certificate_*, access_denied, not_found.
 */
export async function authorize(
  app: KeylessApp,
  route: Route,
  event: HttpEvent,
  fleet: string | undefined,
): Promise<BearerToken | ClientIdentity | undefined> {
  return route.access === "public" ? undefined : satisfy(app, route.access[0], event, fleet);
}
