/**
 * Room: core/standard. The security standard of the product as one typed table: what the system enforces,
 * and what `docs/security-standard.md` is rendered from. It imports nothing outside its room.
 */
import { accessLimits, accessPeriods, criticalOperations, enrollmentMethods, roles } from "./access.ts";
import { authorityAlgorithms, rsaStandard, signatureAlgorithms, subjectAlgorithms } from "./algorithms.ts";
import { clauses } from "./clauses.ts";
import { cryptoperiods } from "./cryptoperiods.ts";
import { enrollmentTokenStandard } from "./enrollment-token.ts";
import { limits } from "./limits.ts";
import { profiles } from "./profiles.ts";
import { retention } from "./retention.ts";
import { publicationSchedules, revocationStandard } from "./revocation.ts";
import { rotationStandard, rotationThresholds } from "./rotation.ts";
import { tlsSettings } from "./transport.ts";

export type { AlgorithmEntry, RsaStandard } from "./algorithms.ts";
export { rsaStandard } from "./algorithms.ts";
export type { Clause } from "./clauses.ts";
export { clauses } from "./clauses.ts";
export type { Cryptoperiod } from "./cryptoperiods.ts";
export { cryptoperiods } from "./cryptoperiods.ts";
export type { CredentialStandard } from "./enrollment-token.ts";
export { enrollmentTokenStandard } from "./enrollment-token.ts";
export type { Limit } from "./limits.ts";
export { limits } from "./limits.ts";
export type { KeyPurposeName, KeyUsageName, Profile, ProfileId } from "./profiles.ts";
export { profiles } from "./profiles.ts";
export type { Retention } from "./retention.ts";
export { retention } from "./retention.ts";
export type { TlsSettings } from "./transport.ts";
export { tlsSettings } from "./transport.ts";

export const securityStandard = {
  algorithms: {
    subject: subjectAlgorithms,
    authority: authorityAlgorithms,
    signature: signatureAlgorithms,
    rsa: rsaStandard,
    /** What a new fleet gets unless it asks otherwise. */
    defaults: { root: "P-384", issuing: "P-256", citation: "SP 800-57 Part 1 r5 §5.6" },
  },
  cryptoperiods,
  profiles,
  tls: tlsSettings,
  credentials: { enrollmentToken: enrollmentTokenStandard },
  access: { roles, enrollmentMethods, criticalOperations, periods: accessPeriods, limits: accessLimits },
  publication: publicationSchedules,
  revocation: revocationStandard,
  rotation: { thresholds: rotationThresholds, ...rotationStandard },
  limits,
  retention,
  clauses,
} as const;
