/** Room: core/access. Invitations to register a passkey: 256 random bits, one working day, one use. */
import type { Fleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp, WriteOperation } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import {
  type InvitationRecord,
  invitationItem,
  invitationKey,
  invitationRecord,
} from "../records/invitation-record.ts";
import { accessPeriods } from "../standard/access.ts";
import { drawSecret, secretDigest } from "./secret.ts";
import type { Step } from "./steps.ts";

export interface Invitation {
  readonly operatorId: string;
  /** 43 characters of base64url. It is shown here once and kept nowhere. */
  readonly invitation: string;
  /** The page to open, with the invitation in its fragment; absent while the fleet has no page. */
  readonly url?: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** The page reads the operator's id too: it becomes the passkey's user handle. */
function pageUrl({ record }: Fleet, operatorId: string, invitation: string): string | undefined {
  if (record.origin === undefined) return undefined;
  const fragment = new URLSearchParams({ fleet: record.fleet, invitation, operator: operatorId });
  return `${record.origin}/passkeys#${fragment}`;
}

/** An invitation and the write that makes it good. */
export function drawInvitation(
  app: KeylessApp,
  fleet: Fleet,
  invited: Pick<InvitationRecord, "operatorId" | "kind" | "createdBy">,
): { readonly answer: Invitation; readonly write: WriteOperation } {
  const invitation = drawSecret(app);
  const createdAt = app.clock.now();
  const expiresAt = createdAt + accessPeriods.invitation.seconds * 1000;
  const record: InvitationRecord = {
    ...invited,
    fleet: fleet.record.fleet,
    digest: secretDigest(invitation),
    state: "fresh",
    createdAt,
    expiresAt,
  };
  const url = pageUrl(fleet, invited.operatorId, invitation);
  return {
    answer: {
      operatorId: invited.operatorId,
      invitation,
      expiresAt: isoSeconds(expiresAt),
      ...(url === undefined ? {} : { url }),
    },
    write: { put: invitationItem(record), when: "absent" },
  };
}

const spent = () => new AppError("credential_spent", "the invitation was used; ask an owner for another one");

/** @throws AppError credential_invalid (unknown in this fleet), credential_spent, credential_expired. */
export async function readInvitation(
  app: KeylessApp,
  fleet: string,
  invitation: string,
): Promise<Stored<InvitationRecord>> {
  const item = await app.items.get(invitationKey(fleet, secretDigest(invitation)));
  if (item === undefined)
    throw new AppError("credential_invalid", "the invitation is not known in this fleet; ask for a new one");
  const stored = invitationRecord(item);
  if (stored.value.state === "spent") throw spent();
  if (app.clock.now() < stored.value.expiresAt) return stored;
  throw new AppError("credential_expired", "the invitation has expired; ask an owner for another one");
}

/** The step that spends it, in the transaction of what it was for. */
export function spendInvitation({ value, version }: Stored<InvitationRecord>): Step {
  return { write: { put: invitationItem({ ...value, state: "spent" }), when: version }, lost: spent };
}
