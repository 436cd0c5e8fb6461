/** Room: lambdas/http. What the OpenAPI document says of the ways in which a caller shows who it is. */

export const securitySchemes = {
  operatorCertificate: {
    type: "mutualTLS",
    description: "The client certificate of an operator of the fleet, over mutual TLS.",
  },
  deviceCertificate: {
    type: "mutualTLS",
    description:
      "The client certificate of a device of the fleet, over mutual TLS: in force and not revoked.",
  },
  backendCertificate: {
    type: "mutualTLS",
    description:
      "The client certificate of a backend of the fleet, over mutual TLS: in force, not revoked, and with an entry of kind `certificate` in the fleet's configuration.",
  },
  enrollmentToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "43 characters of base64url",
    description: "A one-time enrolment token.",
  },
  enrollmentCertificate: {
    type: "mutualTLS",
    description:
      "A claim certificate of the fleet, or one that a manufacturer whom the fleet trusts put into the device.",
  },
  operatorSession: {
    type: "http",
    scheme: "DPoP",
    description:
      "A session token with a proof of the key that it is bound to in the header `DPoP` (RFC 9449).",
  },
  proofOfPossession: {
    type: "apiKey",
    in: "header",
    name: "DPoP",
    description: "A proof of the key that the session will be bound to (RFC 9449).",
  },
  pipelineToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A token of a CI system's OpenID Connect issuer that the fleet trusts.",
  },
  invitation: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "43 characters of base64url",
    description: "A one-time invitation to register a passkey.",
  },
  sigv4: {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "AWS Signature Version 4, verified by API Gateway; on AWS only.",
  },
} as const;
