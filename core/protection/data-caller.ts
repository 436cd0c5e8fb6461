/**
 * Room: core/protection. Who protects or reads data, and what for: the door has let the caller in to the operation, the
 * purposes are judged here.
 */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import { type ContextRequest, encryptionContext } from "../policy/encryption-context.ts";
import type { EncryptionContext } from "../ports.ts";

export interface DataCaller {
  readonly fleet: string;
  /** As the audit log names it: `backend:…`, `pipeline:…`. */
  readonly actor: string;
  /** Words, or `*` for all but the service's own. */
  readonly purposes: readonly string[];
  readonly fleetState: Fleet;
}

export interface DataRequest {
  readonly caller: DataCaller;
  readonly context: ContextRequest;
}

/** A context as it is bound to, with the members that its keys are found by. */
export interface DataContext {
  readonly fleet: string;
  readonly purpose: string;
  readonly subject: string;
  readonly context: EncryptionContext;
}

/** Two people have decided it; the fleet's record says so to every request. @throws AppError subject_shredded. */
export function assertNotShredded({ record }: Fleet): void {
  if (record.dataShreddedAt === undefined) return;
  throw new AppError(
    "subject_shredded",
    "the keys of all of the fleet's data were destroyed; nothing new is made",
  );
}

function assertPurpose({ purposes }: DataCaller, purpose: string): void {
  if (purposes.includes("*") || purposes.includes(purpose)) return;
  throw new AppError(
    "purpose_not_permitted",
    "the fleet lets this caller work with other purposes; ask its owners to add this one to the caller's entry",
  );
}

/** For what opens every purpose at once. @throws AppError purpose_not_permitted. */
export function assertEveryPurpose({ purposes }: DataCaller): void {
  if (purposes.includes("*")) return;
  throw new AppError(
    "purpose_not_permitted",
    "a subject's key opens every purpose, and this caller has some; ask the fleet's owners for \"*\" in its entry",
  );
}

/** @throws AppError request_invalid, name_not_permitted, purpose_not_permitted. */
export function dataContext(caller: DataCaller, request: ContextRequest): DataContext {
  const { fleet } = caller;
  const context = encryptionContext(fleet, request);
  const { purpose, subject } = request;
  assertPurpose(caller, purpose);
  return { fleet, purpose, subject, context };
}

/** Whether new data of that purpose are wrapped under the fleet's own key. */
export const isFleetWrapped = ({ fleetState }: Pick<DataCaller, "fleetState">, purpose: string): boolean =>
  fleetState.configuration.fleetWrappedPurposes.includes(purpose);
