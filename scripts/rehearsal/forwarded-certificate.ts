/**
 * Room: scripts/rehearsal. The emulator has no mutual-TLS domain, so the rehearsal's front terminates TLS, has
 * the client prove that it holds the certificate's key, and passes the certificate on in one header. This puts it
 * where API Gateway would. Only a stage built for the emulator contains it: anywhere else the header is a
 * header like any other, which nothing reads.
 */
import { X509Certificate } from "node:crypto";
import type { ClientCertificate, HttpEvent, HttpHandler } from "../../lambdas/http/message.ts";

/** Percent-encoded PEM of the leaf. The front removes it from what a client sends. */
export const forwardedCertificateHeader = "x-rehearsal-client-certificate";

const distinguishedName = (lines: string): string => lines.replaceAll("\n", ",");

const colonSeparated = (hexadecimal: string): string =>
  (hexadecimal.toLowerCase().match(/../g) ?? []).join(":");

/** The members that API Gateway's payload format 2.0 gives of a client certificate. */
export function clientCertificateOf(pem: string): ClientCertificate {
  const certificate = new X509Certificate(pem);
  return {
    clientCertPem: pem,
    subjectDN: distinguishedName(certificate.subject ?? ""),
    issuerDN: distinguishedName(certificate.issuer ?? ""),
    serialNumber: colonSeparated(certificate.serialNumber),
    validity: { notBefore: certificate.validFrom, notAfter: certificate.validTo },
  };
}

/**
 * The event as a mutual-TLS domain would have sent it: the header gone, its certificate in the context. The name that was
 * called has its port, for an emulator's fleet has one in the origin of its passkeys; on AWS neither has.
 */
export function withClientCertificate(event: HttpEvent): HttpEvent {
  const headers: Record<string, string | undefined> = {};
  let forwarded: string | undefined;
  for (const [name, value] of Object.entries(event.headers)) {
    if (name.toLowerCase() === forwardedCertificateHeader) forwarded = value;
    else headers[name] = value;
  }
  const { authentication: _claimed, ...context } = event.requestContext;
  const requestContext = { ...context, domainName: headers["host"] ?? context.domainName };
  if (forwarded === undefined) return { ...event, headers, requestContext };
  const clientCert = clientCertificateOf(decodeURIComponent(forwarded));
  return { ...event, headers, requestContext: { ...requestContext, authentication: { clientCert } } };
}

/** `handler` behind a front that forwards client certificates. */
export function withForwardedCertificate(handler: HttpHandler): HttpHandler {
  return (event, context) => handler(withClientCertificate(event), context);
}
