/** Room: core/access. Registers a passkey by invitation, which makes its operator active. */
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { CredentialJson, KeylessApp, Passkey } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { InvitationRecord } from "../records/invitation-record.ts";
import { isCurrent, type OperatorRecord, operatorItem } from "../records/operator-record.ts";
import { passkeyItem } from "../records/passkey-record.ts";
import { ownSite, spendChallenge } from "./challenge.ts";
import { readInvitation, spendInvitation } from "./invitation.ts";
import { findOperator } from "./operator.ts";
import { type Step, takeSteps } from "./steps.ts";

export interface Registration {
  readonly fleet: string;
  readonly invitation: string;
  readonly challenge: string;
  readonly credential: CredentialJson;
}

export interface RegisteredPasskey {
  readonly operatorId: string;
  /** base64url. */
  readonly credentialId: string;
  readonly state: "active";
}

/** Keys that one person carries. */
const maximumPasskeys = 16;

async function invitedOperator(
  app: KeylessApp,
  invitation: InvitationRecord,
): Promise<Stored<OperatorRecord>> {
  const { fleet, operatorId, kind } = invitation;
  const operator = await findOperator(app, fleet, operatorId);
  if (
    operator === undefined ||
    operator.value.state === "suspended" ||
    !isCurrent(operator.value, invitation)
  )
    throw new AppError(
      "operator_not_active",
      "the invited operator is suspended, or was since; ask one of the owners",
    );
  const { passkeys } = operator.value;
  if (kind === "first" && passkeys.length > 0)
    throw new AppError(
      "credential_spent",
      "this invitation was for the operator's first passkey, and it has one; ask an owner to invite it",
    );
  if (passkeys.length < maximumPasskeys) return operator;
  throw new AppError(
    "access_denied",
    `the operator has ${maximumPasskeys} passkeys, the limit; invite another operator`,
  );
}

const known = () =>
  new AppError("already_exists", "this passkey is registered in the fleet; register another one");

function registrationSteps(
  app: KeylessApp,
  operator: Stored<OperatorRecord>,
  passkey: Passkey,
): readonly Step[] {
  const { fleet, operatorId, passkeys } = operator.value;
  const record = passkeyItem({ ...passkey, fleet, operatorId, createdAt: app.clock.now() });
  const active = operatorItem({
    ...operator.value,
    state: "active",
    passkeys: [...passkeys, passkey.credentialId],
  });
  const actor = `operator:${operatorId}`;
  const act = {
    fleet,
    action: "passkey.registered",
    actor,
    subject: operatorId,
    result: "success",
  } as const;
  return [
    { write: { put: record, when: "absent" }, lost: known },
    { write: { put: active, when: operator.version } },
    { write: auditEntry(app, act) },
  ];
}

/**
 * Passkey, operator, invitation and challenge change in one transaction.
 * @throws AppError not_found, credential_invalid, credential_expired, credential_spent, challenge_invalid,
 * passkey_invalid, operator_not_active, access_denied (too many), already_exists, store_condition_failed (the operator
 * was changed meanwhile; nothing is spent).
 */
export async function registerPasskey(app: KeylessApp, request: Registration): Promise<RegisteredPasskey> {
  const { fleet, credential } = request;
  const site = ownSite(await getFleet(app, fleet));
  const invitation = await readInvitation(app, fleet, request.invitation);
  const challenge = await spendChallenge(app, fleet, request.challenge);
  const operator = await invitedOperator(app, invitation.value);
  const expected = { challenge: request.challenge, ...site };
  const passkey = await app.identities.verifyRegistration(credential, expected);
  await takeSteps(app, [
    spendInvitation(invitation),
    challenge,
    ...registrationSteps(app, operator, passkey),
  ]);
  const { operatorId } = operator.value;
  return { operatorId, credentialId: passkey.credentialId, state: "active" };
}
