/**
 * Room: core/bootstrap. What the gateway in front of the API lets through: it reads a trust store once for each version
 * that it is told of, so a successor that only our records trust could not connect there.
 */
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import { decodePem } from "../formats/pem.ts";
import type { DeploymentApp, Item } from "../ports.ts";
import { type GatewayRecord, gatewayItem, gatewayKey, gatewayRecord } from "../records/gateway-record.ts";
import { clientTrustKey } from "./deployment.ts";

export interface ConfirmedGateway {
  readonly fleet: string;
  readonly gateway: {
    readonly versionId: string;
    /** Of the fleet: those whose certificates the gateway reads. */
    readonly authorityIds: readonly string[];
  };
}

/** Each lost race means that another start has made progress. */
const attempts = 10;

const base64 = (der: Uint8Array): string => Buffer.from(der).toString("base64");

/**
 * Certificates of that very version, DER in base64.
 * @throws AppError store_condition_failed when the store holds another by now, or keeps no versions.
 */
async function trustStoreOf(
  app: Pick<DeploymentApp, "trustStores">,
  versionId: string,
): Promise<ReadonlySet<string>> {
  const stored = await app.trustStores.get(clientTrustKey);
  if (stored === undefined || stored.versionId !== versionId)
    throw new AppError(
      "store_condition_failed",
      `the trust store's version is ${stored?.versionId ?? "none"}, not ${versionId}, which the gateway reads; ` +
        "deploy again, so that it reads the present one",
    );
  return new Set(decodePem(Buffer.from(stored.body).toString("utf8"), "CERTIFICATE").map(base64));
}

function isSame(item: Item | undefined, record: GatewayRecord): boolean {
  if (item === undefined) return false;
  const { versionId, authorityIds } = gatewayRecord(item);
  return versionId === record.versionId && authorityIds.join() === record.authorityIds.join();
}

/**
 * Records which of the fleet's authorities stand in the trust store of that version, whatever is trusted now. Said
 * again, it changes nothing; of two who say different versions, the one who speaks of an older one is refused.
 * @param request.versionId Of the object `mutual-tls/clients.pem`, as the gateway was told it.
 * @throws AppError not_found (no such fleet), store_condition_failed (not the present version), store_unavailable.
 */
export async function confirmGateway(
  app: DeploymentApp,
  fleet: string,
  { versionId }: { readonly versionId: string },
): Promise<ConfirmedGateway> {
  for (let attempt = 1; ; attempt += 1) {
    // Before the store is read: whoever has confirmed a newer version since is not overwritten.
    const before = await app.items.get(gatewayKey(fleet));
    const { authorities } = await getFleet(app, fleet);
    const certificates = await trustStoreOf(app, versionId);
    const known = authorities.filter(({ certificate }) => certificates.has(base64(certificate.raw)));
    const authorityIds = known.map(({ record }) => record.authorityId);
    const record: GatewayRecord = { fleet, authorityIds, versionId, confirmedAt: app.clock.now() };
    const answer = { fleet, gateway: { versionId, authorityIds } };
    if (isSame(before, record)) return answer;
    try {
      await app.items.transact([{ put: gatewayItem(record), when: before?.version ?? "absent" }]);
      app.log.info("gateway_confirmed", { fleet, authorities: authorityIds.length });
      return answer;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}
