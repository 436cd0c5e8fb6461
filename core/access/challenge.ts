/** Room: core/access. Challenges for registrations and sign-ins: 32 random octets, good once and for minutes. */
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { AppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import { challengeItem, challengeKey, challengeRecord } from "../records/challenge-record.ts";
import { accessPeriods } from "../standard/access.ts";
import { drawSecret, secretDigest } from "./secret.ts";
import type { Step } from "./steps.ts";

export interface Site {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** The origin's host: WebAuthn Level 3 §5.1.2 lets a page use no other by default. */
  readonly relyingPartyId: string;
}

/** Where the fleet's operators use their passkeys; undefined for a fleet that has no such page. */
export function siteOf({ record }: Fleet): Site | undefined {
  const { origin } = record;
  return origin === undefined ? undefined : { origin, relyingPartyId: new URL(origin).hostname };
}

/** @throws AppError passkey_invalid: the fleet has no page. */
export function ownSite(fleet: Fleet): Site {
  const site = siteOf(fleet);
  if (site !== undefined) return site;
  throw new AppError(
    "passkey_invalid",
    "the fleet has no origin for passkeys; its deployment names one, or sign in with an identity provider",
  );
}

export interface Challenge {
  /** base64url of 32 octets. */
  readonly challenge: string;
  readonly relyingPartyId?: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** @throws AppError not_found: no such fleet. */
export async function createChallenge(app: KeylessApp, fleet: string): Promise<Challenge> {
  const site = siteOf(await getFleet(app, fleet));
  const challenge = drawSecret(app);
  const expiresAt = app.clock.now() + accessPeriods.challenge.seconds * 1000;
  const put = challengeItem({ fleet, digest: secretDigest(challenge), state: "fresh", expiresAt });
  await app.items.transact([{ put, when: "absent" }]);
  return {
    challenge,
    expiresAt: isoSeconds(expiresAt),
    ...(site === undefined ? {} : { relyingPartyId: site.relyingPartyId }),
  };
}

const invalid = () =>
  new AppError("challenge_invalid", "the challenge is unknown here, used or expired; ask for a new one");

/**
 * The step that spends the challenge; it goes into the transaction of what the challenge was for.
 * @throws AppError challenge_invalid: unknown in this fleet, spent or expired.
 */
export async function spendChallenge(app: KeylessApp, fleet: string, challenge: string): Promise<Step> {
  const item = await app.items.get(challengeKey(fleet, secretDigest(challenge)));
  if (item === undefined) throw invalid();
  const { value, version } = challengeRecord(item);
  if (value.state === "spent" || value.expiresAt <= app.clock.now()) throw invalid();
  return { write: { put: challengeItem({ ...value, state: "spent" }), when: version }, lost: invalid };
}
