/** Room: core/rotation. The request that people carry to the machine without a network. */
import { getFleet } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import type { RevocationApp } from "../../ports.ts";
import type { Stored } from "../../records/certificate-record.ts";
import type { OfflineRequestRecord } from "../../records/offline-record.ts";
import { wake } from "../../revocation/wake.ts";
import { findRollover } from "../rollover-store.ts";
import type { RolloverName } from "../views.ts";
import { offlineNeed } from "./asked.ts";
import { findOfflineRequest, isOpen, requestOf } from "./kept-request.ts";
import type { OfflineRequest } from "./request.ts";
import { offlineRoot } from "./signer-need.ts";

export interface OfflineRequestView {
  readonly request: OfflineRequest;
  /** SHA-256 of the request's one text: what people compare on both machines. */
  readonly sha256: string;
}

const viewOf = (found: Stored<OfflineRequestRecord>): OfflineRequestView => ({
  request: requestOf(found),
  sha256: found.value.sha256,
});

/** Has it made, where something has to be signed. */
async function notThere(app: RevocationApp): Promise<AppError> {
  await wake(app, "ceremony");
  return new AppError(
    "ceremony_state_invalid",
    "there is no request to sign now: one is made when something has to be signed; ask again in a minute, unless its answer was imported",
    { retryAfter: 60 },
  );
}

/**
 * @throws AppError not_found; rollover_state_invalid: nothing of it is signed offline; ceremony_state_invalid: the
 * request is being made (Retry-After), or there is nothing left to sign; authority_unavailable, key_offline.
 */
export async function offlineRequest(app: RevocationApp, name: RolloverName): Promise<OfflineRequestView> {
  const { value: rollover } = await findRollover(app, name);
  const fleet = await getFleet(app, name.fleet);
  if (offlineNeed(fleet, rollover) === undefined)
    throw new AppError(
      "rollover_state_invalid",
      `nothing of rollover ${rollover.rolloverId} is signed offline in state ${rollover.state}; open a ceremony where its roots are`,
    );
  const found = await findOfflineRequest(app, name.fleet, name.rolloverId);
  if (found !== undefined && found.value.expiresAt > app.clock.now() && found.value.answeredAt === undefined)
    return viewOf(found);
  throw await notThere(app);
}

/**
 * What the fleet's offline root has to sign though no rollover is under way: the next signer of trust manifests, its list.
 * @throws AppError not_found; ceremony_state_invalid: the root in force is in the key service, the request is being made
 * (Retry-After), or there is nothing to sign.
 */
export async function fleetOfflineRequest(app: RevocationApp, name: string): Promise<OfflineRequestView> {
  const root = offlineRoot(await getFleet(app, name));
  if (root === undefined)
    throw new AppError(
      "ceremony_state_invalid",
      `the root in force of fleet "${name}" is in the key service, so nothing is signed offline; open a ceremony`,
    );
  const found = await findOfflineRequest(app, name);
  if (found !== undefined && isOpen(found, root, app.clock.now())) return viewOf(found);
  throw await notThere(app);
}
