/** Room: lambdas/http. Credentials as they come over the wire, judged by their form alone. */
import { AppError } from "../../core/errors.ts";
import type { HttpEvent } from "./message.ts";

// 32 octets in base64url without padding: the last character has two zero bits.
const secret = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const session = /^[a-z0-9][a-z0-9-]{0,31}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
// RFC 7515 §3.1.
const jws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
// RFC 9110 §11.4: the scheme in any case, one or more spaces, the credential.
const authorization = /^(?<scheme>[A-Za-z]+) +(?<credential>[A-Za-z0-9._~+/=-]+)$/;

/** Longer than a token of any issuer that we know; a gateway's own limit is 10,240 for all headers. */
const headerLimit = 8_200;

/** Characters of PEM: 16,384 octets of DER and line breaks. Certificates of a fleet have a tenth of it. */
export const certificateLimit = 24_000;

export type Bearer =
  | { readonly kind: "secret"; readonly value: string }
  | { readonly kind: "jws"; readonly value: string }
  | { readonly kind: "session"; readonly value: string };

/**
 * What the Authorization header holds; undefined when there is none.
 * @throws AppError credential_invalid for what has none of the forms.
 */
export function authorizationOf(event: HttpEvent): Bearer | undefined {
  const header = event.headers["authorization"];
  if (header === undefined || header === "") return undefined;
  // Bounded before the pattern runs: a header may be as long as the gateway allows.
  const { scheme = "", credential = "" } =
    header.length > headerLimit ? {} : (authorization.exec(header)?.groups ?? {});
  const name = scheme.toLowerCase();
  if (name === "dpop" && session.test(credential)) return { kind: "session", value: credential };
  if (name === "bearer" && secret.test(credential)) return { kind: "secret", value: credential };
  if (name === "bearer" && jws.test(credential)) return { kind: "jws", value: credential };
  throw new AppError(
    "credential_invalid",
    "Authorization is neither one Bearer token of 43 base64url characters, nor a Bearer JWT, nor a DPoP session; send it as it was given",
  );
}

/** The `DPoP` header. @throws AppError proof_missing. */
export function proofOf(event: HttpEvent): string {
  const proof = event.headers["dpop"];
  if (proof !== undefined && proof !== "") return proof;
  throw new AppError(
    "proof_missing",
    "the header DPoP is missing; send a proof of the session's key (RFC 9449)",
  );
}

/** The URL that a proof must name: RFC 9449 §4.2, without query and fragment. */
export function requestUrl(event: HttpEvent): string {
  return `https://${event.requestContext.domainName}${event.rawPath}`;
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

/**
 * PEM of the certificate whose key the TLS peer has proved to hold; undefined when it showed none.
 * @throws AppError client_certificate_untrusted when it is too long to be one of ours.
 */
export function certificateOf(event: HttpEvent): string | undefined {
  const certificate = event.requestContext.authentication?.clientCert?.clientCertPem;
  if (certificate === undefined || certificate === "") return undefined;
  // Checked before anything decodes it: a stranger chooses what is in it.
  if (certificate.length > certificateLimit) {
    throw new AppError(
      "client_certificate_untrusted",
      `client certificate exceeds ${certificateLimit} characters of PEM; present the one that the fleet issued`,
    );
  }
  return canonicalLines(certificate);
}

/** ARN of the principal that signed, as API Gateway has verified it; undefined where nothing was signed. */
export function principalOf(event: HttpEvent): string | undefined {
  const arn = event.requestContext.authorizer?.iam?.userArn;
  return arn === undefined || arn === null || arn === "" ? undefined : arn;
}
