/** Room: core/rotation. The request that people carry to the machine without a network. */
import { getFleet } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import type { RevocationApp } from "../../ports.ts";
import { wake } from "../../revocation/wake.ts";
import { findRollover } from "../rollover-store.ts";
import type { RolloverName } from "../views.ts";
import { offlineNeed } from "./asked.ts";
import { findOfflineRequest } from "./kept-request.ts";
import { parseDocument } from "./members.ts";
import { decodeRequest, type OfflineRequest } from "./request.ts";

export interface OfflineRequestView {
  readonly request: OfflineRequest;
  /** SHA-256 of the request's one text: what people compare on both machines. */
  readonly sha256: string;
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
  if (
    found !== undefined &&
    found.value.expiresAt > app.clock.now() &&
    found.value.answeredAt === undefined
  ) {
    const request = decodeRequest(parseDocument(found.value.document, "the request"));
    return { request, sha256: found.value.sha256 };
  }
  await wake(app, "ceremony");
  throw new AppError(
    "ceremony_state_invalid",
    "there is no request to sign now: one is made when something has to be signed; ask again in a minute, unless its answer was imported",
    { retryAfter: 60 },
  );
}
