/**
 * Room: local. The listener's own certificate, from the fleet it serves. Its key lives in memory only: each
 * start makes a new one, and a running server replaces it when renewal is due.
 */
import { isIP } from "node:net";
import { issueForDeployment } from "../core/bootstrap/end-entity.ts";
import type { App } from "../core/ports.ts";
import { keyWithRequest } from "./certification.ts";

export interface ListenerCertificate {
  /** PKCS#8, PEM. */
  readonly key: string;
  /** PEM, with the chain below the root. */
  readonly cert: string;
  /** Milliseconds since the epoch. */
  readonly renewAfter: number;
}

/** Loopback names, and `host` when it is another. */
export async function issueListenerCertificate(
  app: App,
  fleet: string,
  host: string,
): Promise<ListenerCertificate> {
  const isAddress = isIP(host) !== 0;
  const dnsNames = new Set(["localhost"]);
  const ipAddresses = new Set(["127.0.0.1", "::1"]);
  // The unspecified address is where a server listens, not what a client calls it.
  if (!isAddress) dnsNames.add(host);
  else if (host !== "0.0.0.0" && host !== "::") ipAddresses.add(host);
  const { privateKey, csr } = keyWithRequest();
  const issued = await issueForDeployment(app, {
    fleet,
    subject: { kind: "server", dnsNames: [...dnsNames], ipAddresses: [...ipAddresses] },
    csr,
  });
  return {
    key: privateKey,
    cert: issued.certificate + issued.chain,
    renewAfter: Date.parse(issued.renewAfter),
  };
}
