/**
 * Room: test. Who may call what, stated by hand and by nobody's code: the matrix test holds the door to it. A route
 * that is missing here does not compile (`npm run check`), and what is here differs from `lambdas/routes.ts` only by
 * mistake.
 */
import type { CriticalOperationId } from "../../../core/standard/access.ts";
import type { RouteId } from "../../../lambdas/routes.ts";

export type RoleName = "owner" | "securityOfficer" | "provisioner" | "auditor";

export interface Expectation {
  /** Nobody is asked who he is. */
  readonly anyone?: true;
  /** Operators of these roles, by certificate or by session. */
  readonly operators?: readonly RoleName[];
  /** Of them, by session only. */
  readonly sessionOnly?: true;
  /** The session is over with the call, so that a second one finds none. */
  readonly ends?: true;
  /** Of them, with an approval of the very operation only, by so many people. */
  readonly approved?: { readonly as: CriticalOperationId; readonly persons: 1 | 2 };
  /** Devices. `issuance`: their standing is a condition of the issuance, not of the door. */
  readonly devices?: "door" | "issuance";
  /** Pipelines of a trusted issuer whose entry allows this. */
  readonly pipelines?: true;
  /** Backends whose entry allows this, by their certificates. */
  readonly backends?: true;
  /** IAM principals whose entry allows this. */
  readonly principals?: true;
  /** Whoever holds an invitation. */
  readonly invited?: true;
  /** Whoever proves a key. */
  readonly keyHolders?: true;
  /** Whoever holds an enrolment credential. */
  readonly enrolling?: true;
}

const all = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
const hands = ["owner", "securityOfficer", "provisioner"] as const;
const security = ["owner", "securityOfficer"] as const;
const watchers = ["owner", "securityOfficer", "auditor"] as const;

export const expectations = {
  // Certificates of devices.
  createEnrollmentToken: { operators: hands, pipelines: true },
  createEnrollmentTokenByIam: { principals: true },
  enroll: { enrolling: true },
  renew: { devices: "issuance" },
  // What was issued.
  listCertificates: { operators: all, pipelines: true },
  listCertificatesByIam: { principals: true },
  getCertificate: { operators: all, pipelines: true },
  getCertificateByIam: { principals: true },
  getInventory: { operators: all },
  getDeviceKeys: { operators: all, pipelines: true },
  getDeviceKeysByIam: { principals: true },
  // Taking trust back.
  revokeCertificate: { operators: security },
  releaseCertificate: { operators: security },
  revokeDevice: { operators: security },
  revokeOwn: { devices: "door" },
  previewRevocation: { operators: security },
  listRevocationJobs: { operators: all },
  getRevocationJob: { operators: all },
  executeRevocation: { operators: security, approved: { as: "bulkRevocation", persons: 2 } },
  cancelRevocation: { operators: security },
  // Keys and authorities that follow one another.
  listAuthorities: { operators: all },
  getKeyReport: { operators: all },
  listRotationTasks: { operators: all },
  rotateDataKey: { operators: security, approved: { as: "authorityRotation", persons: 2 } },
  previewRollover: { operators: all },
  planRollover: { operators: security, approved: { as: "authorityRotation", persons: 2 } },
  listRollovers: { operators: all },
  getRollover: { operators: all },
  advanceRollover: { operators: security, approved: { as: "authorityRotation", persons: 2 } },
  rollBackRollover: { operators: security, approved: { as: "authorityRotation", persons: 2 } },
  destroyAuthorityKey: { operators: security, approved: { as: "keyDestruction", persons: 2 } },
  cancelKeyDestruction: { operators: security, approved: { as: "keyDestruction", persons: 2 } },
  openCeremony: { operators: security, approved: { as: "authorityUse", persons: 2 } },
  listCeremonies: { operators: all },
  getCeremony: { operators: all },
  getOfflineRequest: { operators: security },
  importOfflineAnswer: { operators: security, approved: { as: "authorityUse", persons: 2 } },
  getFleetOfflineRequest: { operators: security },
  importFleetOfflineAnswer: { operators: security, approved: { as: "authorityUse", persons: 2 } },
  pullRenewalForward: { operators: security },
  listRenewalWindows: { operators: all },
  endRenewalWindow: { operators: security },
  // Certificates of servers.
  requestServerCertificate: { operators: security, pipelines: true },
  requestServerCertificateByIam: { principals: true },
  listServerCertificates: { operators: all },
  getServerCertificate: { operators: all, pipelines: true },
  getServerCertificateByIam: { principals: true },
  rollBackServerCertificate: { operators: security },
  resumeServerCertificate: { operators: security },
  removeServerCertificate: { operators: security },
  // Data at rest.
  createDataKey: { backends: true, pipelines: true },
  createDataKeyByIam: { principals: true },
  unwrapDataKey: { backends: true, pipelines: true },
  unwrapDataKeyByIam: { principals: true },
  createDataKeyPair: { backends: true, pipelines: true },
  createDataKeyPairByIam: { principals: true },
  getSubjectKey: { backends: true, pipelines: true },
  getSubjectKeyByIam: { principals: true },
  encryptData: { backends: true, pipelines: true },
  encryptDataByIam: { principals: true },
  decryptData: { backends: true, pipelines: true },
  decryptDataByIam: { principals: true },
  reencryptData: { backends: true, pipelines: true },
  reencryptDataByIam: { principals: true },
  requestOperatorDecryption: { operators: security },
  listOperatorDecryptions: { operators: watchers },
  getOperatorDecryption: { operators: watchers },
  readAsOperator: {
    operators: security,
    approved: { as: "operatorDecryption", persons: 1 },
  },
  startReencryption: { operators: security },
  listReencryptions: { operators: all },
  getReencryption: { operators: all },
  cancelReencryption: { operators: security },
  shredData: { operators: security, approved: { as: "dataDestruction", persons: 2 } },
  listShreds: { operators: all },
  getShred: { operators: all },
  // Who relies on what.
  acknowledgeTrust: { devices: "door", pipelines: true },
  acknowledgeTrustByIam: { principals: true },
  getTrustAdoption: { operators: all, pipelines: true },
  getTrustAdoptionByIam: { principals: true },
  // The inventory.
  registerDevices: { operators: hands, pipelines: true },
  registerDevicesByIam: { principals: true },
  getDevice: { operators: all },
  setDeviceState: { operators: security },
  getOwnDevice: { devices: "door" },
  createClaim: { operators: hands },
  getClaim: { operators: all },
  listEnrollmentRequests: { operators: all },
  decideEnrollmentRequest: { operators: hands },
  // Operators.
  certifyOperator: { operators: all, sessionOnly: true },
  createBackendCertificate: { operators: security, approved: { as: "fleetConfiguration", persons: 2 } },
  renewBackendCertificate: { backends: true },
  listOperators: { operators: watchers },
  inviteOperator: { operators: ["owner"], approved: { as: "roleChange", persons: 2 } },
  changeOperator: { operators: ["owner"], approved: { as: "roleChange", persons: 2 } },
  inviteFirstPasskey: { operators: all },
  createChallenge: { anyone: true },
  registerPasskey: { invited: true },
  createSession: { keyHolders: true },
  endSession: { operators: all, sessionOnly: true, ends: true },
  createApproval: { operators: security },
  listApprovals: { operators: watchers },
  getApproval: { operators: watchers },
  assertApproval: { operators: security },
  getPasskeyPage: { anyone: true },
  // The fleet.
  getFleet: { operators: all },
  configureFleet: { operators: ["owner"], approved: { as: "fleetConfiguration", persons: 2 } },
  setFleetState: { operators: ["owner"], approved: { as: "fleetSuspension", persons: 2 } },
  // Public things.
  getTrustManifest: { anyone: true },
  getTrustManifestVersion: { anyone: true },
  getTrustBundle: { anyone: true },
  getTrustPkcs7: { anyone: true },
  getTrustDer: { anyone: true },
  getJwks: { anyone: true },
  getCrl: { anyone: true },
  getRenewalInfo: { anyone: true },
  postOcsp: { anyone: true },
  getOcsp: { anyone: true },
  getOpenApi: { anyone: true },
  getHealth: { anyone: true },
} as const satisfies Record<RouteId, Expectation>;
