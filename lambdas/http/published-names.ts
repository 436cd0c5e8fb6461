/** Room: lambdas/http. Last segments of paths that name what is published, or carry an OCSP request. */
import { text } from "./schemas.ts";

export const list = text(
  "must be as certificates name it, such as 2026-11-26.7d.crl",
  /^(?:complete|\d{4}-\d{2}-\d{2}\.[1-9]\d?d)\.crl$/,
  {
    description: "One part of an authority's CRL: a window of days of expiry.",
    example: "2026-11-26.7d.crl",
  },
);
export const manifest = text("must be VERSION.jws, such as 7.jws", /^[1-9]\d{0,8}\.jws$/, {
  description: "One version of the trust manifest.",
  example: "7.jws",
});
export const renewalCertId = text(
  "must be base64url of the authority key identifier, a dot, and base64url of the serial number, unpadded",
  /^[A-Za-z0-9_-]{1,86}\.[A-Za-z0-9_-]{1,28}$/,
  {
    description: "RFC 9773 §4.1: keyIdentifier of the authority and serial number of the certificate.",
    example: "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
  },
);
// As long as the router lets a path be: what is none for its length gets OCSP's own malformedRequest.
export const ocspRequest = text(
  "must be base64 of an OCSPRequest, percent-encoded, of at most 512 characters",
  /^[A-Za-z0-9+/=%_-]{1,512}$/,
  {
    description: "RFC 6960 Appendix A.1: url-encoding of the base64 encoding of the request.",
    example: "MEIwQDA%2BMDwwOjAJBgUrDgMCGgUABBQ",
  },
);
