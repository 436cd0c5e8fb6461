/** Room: core/access. Who calls, once the door has judged it. Use cases receive these and never a credential. */
import type { Fleet } from "../authority/issuer.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { OperatorRecord } from "../records/operator-record.ts";
import type { PipelineOperation, Role } from "../standard/access.ts";
import type { ProfileId } from "../standard/profiles.ts";

export interface OperatorCaller {
  readonly kind: "operator";
  readonly fleet: string;
  /** The operator's opaque id. */
  readonly subjectId: string;
  /** `operator:{id}`, as the audit log names it. */
  readonly actor: string;
  readonly roles: readonly Role[];
  /** A session proves more than one factor; a certificate proves one. */
  readonly proof:
    | { readonly by: "certificate"; readonly serialNumber: string }
    | { readonly by: "session"; readonly sessionId: string };
  readonly operator: Stored<OperatorRecord>;
  readonly fleetState: Fleet;
}

export interface PipelineCaller {
  readonly kind: "pipeline";
  readonly fleet: string;
  /** Id of the trust entry that let it in. */
  readonly subjectId: string;
  /** `pipeline:{id}`, or `backend:{id}` of one that showed a certificate, as the audit log names it. */
  readonly actor: string;
  readonly operations: readonly PipelineOperation[];
  readonly profiles: readonly ProfileId[];
  /** Of the data that it may protect or read: words, or `*`. */
  readonly purposes: readonly string[];
  readonly fleetState: Fleet;
}
