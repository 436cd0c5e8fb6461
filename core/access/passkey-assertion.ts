/**
 * Room: core/access. An operator proves to hold one of its passkeys, with user verification: possession and a factor
 * of the person. The answer is for one challenge, which the caller of these names.
 */
import type { Fleet } from "../authority/issuer.ts";
import { AppError } from "../errors.ts";
import type { CredentialJson, KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import type { OperatorRecord } from "../records/operator-record.ts";
import { type PasskeyRecord, passkeyItem, passkeyKey, passkeyRecord } from "../records/passkey-record.ts";
import { ownSite } from "./challenge.ts";
import { findOperator } from "./operator.ts";
import type { Step } from "./steps.ts";

/** A passkey that the fleet knows, and whose it is. Nothing is proved yet. */
export interface ClaimedPasskey {
  readonly passkey: Stored<PasskeyRecord>;
  readonly operator: Stored<OperatorRecord>;
  readonly credential: CredentialJson;
}

// One message for every reason: a stranger learns nothing about which credentials there are.
const invalid = (cause?: unknown): AppError =>
  new AppError(
    "passkey_invalid",
    "the passkey is not one of this operator's here; use one that was registered by invitation",
    { cause },
  );

/** WebAuthn Level 3 §4: a credential id has at most 1,023 octets. */
const credentialIdForm = /^[A-Za-z0-9_-]{1,1364}$/;

function textMember(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const member: unknown = (value as Readonly<Record<string, unknown>>)[name];
  return typeof member === "string" ? member : undefined;
}

/** A member of `response`, undefined when it is absent or no text. */
export function responseText(credential: CredentialJson, name: string): string | undefined {
  return textMember(credential["response"], name);
}

/** WebAuthn Level 3 §7.2 step 6: the user handle, where there is one, names the account. It is the operator's id. */
function namesOperator(credential: CredentialJson, { operatorId }: OperatorRecord): boolean {
  const handle = responseText(credential, "userHandle");
  return handle === undefined || handle === "" || handle === Buffer.from(operatorId).toString("base64url");
}

/** Two reads. @throws AppError passkey_invalid: unknown in this fleet, or another operator's by its user handle. */
export async function findClaimedPasskey(
  app: KeylessApp,
  fleet: string,
  credential: CredentialJson,
): Promise<ClaimedPasskey> {
  const id = textMember(credential, "id");
  if (id === undefined || !credentialIdForm.test(id)) throw invalid();
  const item = await app.items.get(passkeyKey(fleet, id));
  if (item === undefined) throw invalid();
  const passkey = passkeyRecord(item);
  const operator = await findOperator(app, fleet, passkey.value.operatorId);
  const registered = operator?.value.passkeys.includes(passkey.value.credentialId) === true;
  if (operator === undefined || !registered || !namesOperator(credential, operator.value)) throw invalid();
  return { passkey, operator, credential };
}

const usedMeanwhile = () =>
  new AppError("passkey_invalid", "the passkey was used at the same moment; try again");

/**
 * @returns The step that keeps the new signature counter; none for authenticators that keep no counter.
 * @throws AppError passkey_invalid.
 */
export async function verifyClaimedPasskey(
  app: KeylessApp,
  fleet: Fleet,
  { passkey, credential }: ClaimedPasskey,
  challenge: string,
): Promise<readonly Step[]> {
  const expected = { challenge, ...ownSite(fleet) };
  const signCount = await app.identities.verifyAssertion(credential, expected, passkey.value);
  if (signCount === passkey.value.signCount) return [];
  const put = passkeyItem({ ...passkey.value, signCount });
  return [{ write: { put, when: passkey.version }, lost: usedMeanwhile }];
}
