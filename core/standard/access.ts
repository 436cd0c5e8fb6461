/**
 * Room: core/standard. Who may do what, how long a proof of identity lasts, and what asks for another proof or
 * another person. The door (`lambdas/http/access.ts`) and the access document read these tables.
 */

export type Role = "owner" | "securityOfficer" | "provisioner" | "auditor";

/** What each role is for; which routes it opens is a column of `lambdas/routes.ts`. */
export const roles: Readonly<Record<Role, string>> = {
  owner: "configures the fleet, names operators, and does what the other roles do",
  securityOfficer: "revokes, suspends, approves, decides on devices",
  provisioner: "registers devices, hands out tokens and claims",
  auditor: "reads, and changes nothing",
};

export const roleIds = Object.keys(roles) as readonly Role[];

/** Ways in which a device may show who it is when it has no certificate of the fleet in force. */
export const enrollmentMethods = {
  token: "one-time token for one device",
  claim: "claim certificate of a production batch, for devices in the inventory",
  manufacturer: "certificate that the device's maker put into it (IEEE 802.1AR IDevID)",
  key: "public key that was registered before",
  manual: "an operator looks at the request and decides",
  quarantine: "expired certificate of the fleet whose key signs the request",
} as const;
export type EnrollmentMethod = keyof typeof enrollmentMethods;
export const enrollmentMethodIds = Object.keys(enrollmentMethods) as readonly EnrollmentMethod[];

/** What a pipeline may be allowed; each is the id of one or more routes. */
export type PipelineOperation =
  | "createEnrollmentToken"
  | "registerDevices"
  | "listCertificates"
  | "getCertificate"
  | "getDeviceKeys"
  | "getTrustAdoption"
  | "acknowledgeTrust"
  | "requestServerCertificate"
  | "getServerCertificate"
  | "createDataKey"
  | "encryptData"
  | "decryptData"
  | "reencryptData";
export const pipelineOperations: readonly PipelineOperation[] = [
  "createEnrollmentToken",
  "registerDevices",
  "listCertificates",
  "getCertificate",
  "getDeviceKeys",
  "getTrustAdoption",
  "acknowledgeTrust",
  "requestServerCertificate",
  "getServerCertificate",
  "createDataKey",
  "encryptData",
  "decryptData",
  "reencryptData",
];

/** Of these a pipeline or backend says for which purposes. */
export const dataOperations: readonly PipelineOperation[] = [
  "createDataKey",
  "encryptData",
  "decryptData",
  "reencryptData",
];

export interface CriticalOperation {
  readonly description: string;
  /** How many people must make an MFA assertion over the operation; the first is the one who executes it. */
  readonly persons: 1 | 2;
  /** `planned`: named here so that its route cannot come without it. */
  readonly status: "enforced" | "planned";
}

export const criticalOperations = {
  roleChange: {
    description: "invite an operator, change roles, suspend an operator",
    persons: 2,
    status: "enforced",
  },
  fleetConfiguration: {
    description: "change what the fleet accepts and whom it trusts, certify a backend",
    persons: 2,
    status: "enforced",
  },
  fleetSuspension: { description: "suspend the fleet or end its suspension", persons: 2, status: "enforced" },
  authorityUse: { description: "use of a root authority's key", persons: 2, status: "enforced" },
  authorityRotation: {
    description: "rotation of an authority or of a wrapping key",
    persons: 2,
    status: "enforced",
  },
  bulkRevocation: { description: "revocation of more than one device", persons: 2, status: "enforced" },
  keyDestruction: { description: "destruction of a key", persons: 2, status: "enforced" },
  operatorDecryption: {
    description: "decryption of protected data by an operator: break-glass, a second person is told at once",
    persons: 1,
    status: "enforced",
  },
  dataDestruction: {
    description: "destruction of the keys of a subject's or a fleet's protected data",
    persons: 2,
    status: "enforced",
  },
} as const satisfies Readonly<Record<string, CriticalOperation>>;
export type CriticalOperationId = keyof typeof criticalOperations;

export interface Period {
  readonly seconds: number;
  readonly reason: string;
  readonly citation: string;
}

/** How long each proof lasts. */
export const accessPeriods = {
  session: {
    seconds: 1_800,
    reason: "bound to a key of the browser; a new sign-in after half an hour",
    citation: "SP 800-63B §2.3.3; 45 CFR 164.312(a)(2)(iii)",
  },
  assertion: {
    seconds: 300,
    reason: "an MFA assertion over an operation counts for five minutes",
    citation: "45 CFR 164.312(d)",
  },
  approval: {
    seconds: 900,
    reason: "an operation that nobody approved in a quarter of an hour is asked for again",
    citation: "product limit",
  },
  challenge: { seconds: 300, reason: "a sign-in takes minutes", citation: "WebAuthn Level 3 §13.4.3" },
  invitation: { seconds: 86_400, reason: "one working day, one use", citation: "SP 800-63B §3.1.2" },
  proof: {
    seconds: 60,
    reason: "clocks differ by less, and a replay is refused anyhow",
    citation: "RFC 9449 §11.1",
  },
  pipelineToken: { seconds: 3_600, reason: "age of a CI job's token, from iat", citation: "RFC 8725 §3.8" },
} as const satisfies Readonly<Record<string, Period>>;

/** Limits per identity; a fleet may set its own number of issuances. */
export const accessLimits = {
  issuancesPerHour: { default: 30, maximum: 1_000 },
  /** Failed attempts of one identity in a window, after which it waits. */
  failedAttempts: { maximum: 10, windowSeconds: 900 },
  /** Enrolment requests that wait for a decision, in one fleet. */
  openRequests: 1_024,
  claimQuota: { default: 1_000, maximum: 1_000_000 },
  /** Rows of one inventory upload. */
  devicesPerUpload: 500,
} as const;
