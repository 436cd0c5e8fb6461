/** Room: core/standard. Each regulatory or standards demand, and what in the code answers it. */

export interface Clause {
  readonly citation: string;
  readonly demand: string;
  /** How the product answers, in one line. */
  readonly answer: string;
  /** Paths of the code that enforces it, from the repository's root. Empty while `status` is "planned". */
  readonly enforcedBy: readonly string[];
  readonly status: "enforced" | "planned";
}

const enforced = (citation: string, demand: string, answer: string, ...enforcedBy: string[]): Clause => ({
  citation,
  demand,
  answer,
  enforcedBy,
  status: "enforced",
});

const planned = (citation: string, demand: string, answer: string): Clause => ({
  citation,
  demand,
  answer,
  enforcedBy: [],
  status: "planned",
});

export const clauses: readonly Clause[] = [
  enforced(
    "45 CFR 164.312(a)(2)(i)",
    "unique user identification",
    "every device, server and operator has one opaque identifier, which its certificate names",
    "core/policy/identifiers.ts",
    "core/policy/identity.ts",
  ),
  enforced(
    "45 CFR 164.312(d)",
    "person or entity authentication",
    "a request proves possession of its private key; callers show a certificate or a one-time token, never a password",
    "core/formats/certification-request.ts",
    "core/access/client-certificate.ts",
    "core/enrollment/token.ts",
  ),
  enforced(
    "45 CFR 164.312(a)(2)(iii)",
    "automatic logoff",
    "an operator's session ends half an hour after it began",
    "core/access/session.ts",
    "core/standard/access.ts",
  ),
  enforced(
    "45 CFR 164.308(a)(4)(ii)(B), (C)",
    "access authorisation, establishment and modification",
    "roles open routes by one table; a role changes with two people's approval and an audit entry",
    "lambdas/routes.ts",
    "core/access/operators.ts",
  ),
  enforced(
    "90 FR 898 (proposed 45 CFR 164.312(f)(2)(ii))",
    "multi-factor authentication",
    "sessions by passkey with user verification or an identity provider's MFA claim; critical operations need an assertion over the very operation",
    "core/access/sign-in.ts",
    "core/access/approval.ts",
  ),
  enforced(
    "45 CFR 164.312(e)(1), (e)(2)(ii)",
    "transmission security: encryption in transit",
    "TLS 1.2 and 1.3 with forward secrecy only; plain HTTP is refused",
    "core/standard/transport.ts",
    "local",
  ),
  enforced(
    "45 CFR 164.312(c)(1)",
    "integrity",
    "a certificate's signature is verified before it is stored; only strict DER is read",
    "core/enrollment",
    "core/formats/der",
  ),
  enforced(
    "45 CFR 164.502(b)",
    "minimum necessary: no personal data where it is not needed",
    "identifiers shaped like personal data are refused; e-mail and other personal names never reach a certificate",
    "core/policy/identifiers.ts",
    "core/lint/rules/san-personal-data.ts",
  ),
  enforced(
    "FDA premarket cybersecurity guidance (authentication)",
    "one compromised device must not reveal another's key",
    "keys are made on the device and never leave it; a renewal brings a new one",
    "core/standard/profiles.ts",
    "core/enrollment/renew.ts",
  ),
  enforced(
    "ETSI EN 303 645 5.4-4",
    "critical security parameters unique per device",
    "enrolment tokens name one device and work once",
    "core/enrollment/token.ts",
  ),
  enforced(
    "SP 800-57 Part 1 r5 §5.3.6",
    "cryptoperiods",
    "validity is bounded by the profile and by the issuer's own",
    "core/policy/certificate-policy.ts",
    "core/lint/rules/validity-duration.ts",
  ),
  enforced(
    "45 CFR 164.312(a)(2)(iv), of the service's own data",
    "encryption at rest",
    "on AWS: items, objects, logs, notices and environments under KMS keys of the customer; locally: keys are sealed",
    "infra/constructs/fleetkey-state.ts",
    "infra/constructs/key-policies.ts",
    "adapters/local/keystore/sealing.ts",
  ),
  enforced(
    "45 CFR 164.308(a)(7)(ii)(A)",
    "data backup plan",
    "on AWS: a copy a day in a vault that refuses deletion, and any second of the last 35 days",
    "infra/constructs/item-table.ts",
  ),
  enforced(
    "45 CFR 164.316(b)(2)(i)",
    "documentation is kept for six years",
    "on AWS: logs of activity and records of ceremonies, the latter under S3 Object Lock",
    "core/standard/retention.ts",
    "infra/constructs/state-buckets.ts",
  ),
  enforced(
    "RFC 5280 §4",
    "certificate profile",
    "every certificate is linted before it is signed",
    "core/lint",
  ),
  enforced(
    "45 CFR 164.312(a)(2)(iv), of patient data",
    "encryption at rest",
    "messages bound to fleet, purpose and subject, under keys that move and can be destroyed one subject at a time",
    "core/protection",
    "protect",
  ),
  planned("45 CFR 164.312(b)", "audit controls", "a Merkle log of every act, readable and provable"),
  planned("45 CFR 164.308(a)(1)(ii)", "risk analysis and activity review", "audit review reports"),
  planned("45 CFR 164.400 to 164.414", "breach notification", "incident records with their deadlines"),
  enforced(
    "RFC 5280 §5",
    "certificate revocation lists",
    "sharded CRLs, published within a minute of a change",
    "core/revocation",
  ),
];
