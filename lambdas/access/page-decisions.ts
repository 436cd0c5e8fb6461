/**
 * Room: lambdas/access. The part of the page's script that says in words what an approval of each critical operation
 * decides: a row an operation. As text, because the script is.
 */

export const pageDecisions = `  // What people decide with each operation: members of its body or path, and what they mean.
  const decided = {
    createBackendCertificate: { backendId: "Backend whose key is certified, to come to its data" },
    executeRevocation: { certificates: "Certificates to revoke" },
    planRollover: {
      kind: "Authority to replace",
      emergency: "Emergency, so that no gate is waited for",
      algorithm: "Algorithm of its successor",
      custody: "Where its successor's key is",
    },
    advanceRollover: { to: "State that the rollover comes to" },
    rollBackRollover: { from: "State from which the rollover is taken back" },
    destroyAuthorityKey: { authorityId: "Authority whose key is destroyed" },
    cancelKeyDestruction: { authorityId: "Authority whose key is kept" },
    rotateDataKey: { name: "Wrapping key to rotate" },
    openCeremony: { purpose: "What root keys are lent for" },
    importOfflineAnswer: { requestSha256: "SHA-256 of the request that was signed offline" },
    importFleetOfflineAnswer: { requestSha256: "SHA-256 of the request that was signed offline" },
    shredData: { scope: "What is destroyed for good", subject: "Whose data", reason: "Reason" },
  };
`;
