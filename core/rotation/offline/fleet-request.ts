/**
 * Room: core/rotation. What the fleet's offline root has to sign though no rollover is under way: the next signer of
 * trust manifests, its list. A signer lives a year, a root ten.
 */
import { type Fleet, getFleet, type Issuer } from "../../authority/issuer.ts";
import type { App } from "../../ports.ts";
import type { OfflineRequestRecord } from "../../records/offline-record.ts";
import { findOfflineRequest, isOpen, requestOf } from "./kept-request.ts";
import { type AskedParts, isListDue, keepRequest, listOf, requestRecord } from "./making.ts";
import { base64Of } from "./members.ts";
import { askSigner, availableSigner, type SignerKey } from "./next-signer.ts";
import { offlineRoot } from "./signer-need.ts";

async function makeRequest(
  app: App,
  { record: { fleet } }: Fleet,
  { record }: Issuer,
  signer: SignerKey | undefined,
): Promise<OfflineRequestRecord> {
  const { authorityId } = record;
  const next = signer === undefined ? undefined : await askSigner(app, fleet, signer, authorityId);
  const parts: AskedParts = {
    fleet,
    purpose: next === undefined ? "list" : "signer",
    authorities: [{ authorityId, certificate: base64Of(record.certificate) }],
    ...(next === undefined ? {} : { signer: next.signer }),
    certificates: next === undefined ? [] : [next.certificate],
    lists: [await listOf(app, fleet, authorityId)],
  };
  return requestRecord(app, parts, next === undefined ? {} : { signerKeyId: next.keyId });
}

/**
 * Makes the fleet's own request when its root is offline and has something to sign, unless it is there. Idempotent: a
 * request that asks for the same stays as it is, its digest too.
 * @returns How many were made. @throws AppError not_found, key_service_unavailable, store_unavailable.
 */
export async function prepareFleet(app: App, name: string): Promise<number> {
  const fleet = await getFleet(app, name);
  const root = offlineRoot(fleet);
  if (root === undefined) return 0;
  const found = await findOfflineRequest(app, name);
  const signer = await availableSigner(app, fleet);
  if (
    found !== undefined &&
    isOpen(found, root, app.clock.now()) &&
    requestOf(found).signer?.signerId === signer?.signerId
  )
    return 0;
  if (signer === undefined && !(await isListDue(app, name, root.record.authorityId))) return 0;
  return (await keepRequest(app, await makeRequest(app, fleet, root, signer), found)) ? 1 : 0;
}
