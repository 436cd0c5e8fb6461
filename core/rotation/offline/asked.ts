/** Room: core/rotation. What a rollover needs from a machine without a network, now: nothing, or what to ask for. */
import type { Fleet, Issuer } from "../../authority/issuer.ts";
import { AppError } from "../../errors.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { rootInForce } from "../signing-root.ts";
import type { OfflinePurpose } from "./request.ts";

/** What is to be asked, and of which root. */
export interface OfflineNeed {
  readonly purpose: OfflinePurpose;
  /** issuing: the root that signs; root: the predecessor; list: the root whose list it is. */
  readonly root: Issuer;
}

const isOffline = ({ record }: Issuer): boolean => record.custody === "offline";

function issuingNeed(fleet: Fleet): OfflineNeed | undefined {
  const root = rootInForce(fleet);
  return isOffline(root) ? { purpose: "issuing", root } : undefined;
}

function rootNeed(fleet: Fleet, rollover: RolloverRecord): OfflineNeed | undefined {
  const root = rootInForce(fleet);
  if (rollover.custody !== "offline") {
    if (!isOffline(root) || rollover.emergency) return undefined;
    throw new AppError(
      "key_offline",
      `root "${root.record.authorityId}" is kept offline, and its successor would not be: plan it with custody "offline"`,
    );
  }
  return { purpose: "root", root };
}

/** The list of a root that was made offline, from its publication to its end. */
function listNeed(fleet: Fleet, { kind, toId }: RolloverRecord): OfflineNeed | undefined {
  const root = fleet.authorities.find(({ record }) => record.authorityId === toId);
  if (kind !== "root" || root === undefined || !isOffline(root)) return undefined;
  const { state } = root.record;
  return state === "retired" || state === "destroyed" ? undefined : { purpose: "list", root };
}

/**
 * Undefined when the key service has all keys that the rollover needs, or nothing is left to sign.
 * @throws AppError authority_unavailable; key_offline: an offline root cannot be followed by one in the key service.
 */
export function offlineNeed(fleet: Fleet, rollover: RolloverRecord): OfflineNeed | undefined {
  if (rollover.state !== "planned") return listNeed(fleet, rollover);
  return rollover.kind === "issuing" ? issuingNeed(fleet) : rootNeed(fleet, rollover);
}
