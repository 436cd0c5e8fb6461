/** Room: cli. Where the certificates of a backend are asked for. */

/** Below the fleet's own path. */
export const backendCertificatePath = (backendId: string): string =>
  `/backends/${encodeURIComponent(backendId)}/certificates`;
