/**
 * Room: core/distribution. A fleet's trust gets a new signer, in deployments only. One version names both keys and is
 * signed by the old one; the next is signed by the new one. Whoever knows any version walks over both.
 */
import { AppError } from "../errors.ts";
import type { DeploymentApp } from "../ports.ts";
import { publicationItem, type TrustSignerRecord, trustSignerItem } from "../records/publication-record.ts";
import { nextSignerId, signerIn, trustSigners } from "./known-signers.ts";
import { decodeManifest } from "./manifest-decoding.ts";
import { publishTrust } from "./trust-publication.ts";
import { createTrustSigner, signerJwk } from "./trust-signer.ts";
import { findPublication } from "./trust-version.ts";

/**
 * Lets the next signer sign, when a version that names it is in its place. Conditioned on that very version: nobody who
 * has read the signers before takes another.
 * @throws AppError store_condition_failed: something was published meanwhile.
 */
async function activate(app: DeploymentApp, fleet: string): Promise<void> {
  const state = await findPublication(app, fleet);
  const signers = await trustSigners(app, fleet);
  const [active, next] = [signerIn(signers, "active"), signerIn(signers, "next")];
  // Another run was faster.
  if (next === undefined) return;
  const placed = state !== undefined && state.value.placedVersion === state.value.trustVersion;
  const { kid } = signerJwk(next.value);
  const named =
    placed && decodeManifest(Buffer.from(state.value.payload)).signers.some((each) => each.kid === kid);
  if (!named || active === undefined)
    throw new AppError(
      "store_condition_failed",
      `no version names signer ${next.value.signerId} yet; repeat this`,
      {
        retryAfter: 1,
      },
    );
  await app.items.transact([
    { put: publicationItem(state.value), when: state.version },
    { put: trustSignerItem({ ...active.value, state: "former" }), when: active.version },
    { put: trustSignerItem({ ...next.value, state: "active" }), when: next.version },
  ]);
}

/** The signer that may sign now, and what it has published itself. */
async function isUnfinished(app: DeploymentApp, fleet: string, active: TrustSignerRecord): Promise<boolean> {
  const state = await findPublication(app, fleet);
  return state !== undefined && state.value.signerId !== active.signerId;
}

export interface TrustRotation {
  /** Who signs from now on. */
  readonly signerId: string;
}

/**
 * Replaces the signer; a run that died is finished by the next, which begins no other.
 * @param from The signer to replace: nothing is done when it signs no more, so that a repetition of a run that ended
 * changes nothing either. @default whoever signs now
 * @throws AppError authority_unavailable (no signer yet: deploy the fleet), store_condition_failed, and as `publishTrust`.
 */
export async function rotateTrustSigner(
  app: DeploymentApp,
  fleet: string,
  from?: string,
): Promise<TrustRotation> {
  const signers = await trustSigners(app, fleet);
  const active = signerIn(signers, "active")?.value;
  if (active === undefined)
    throw new AppError("authority_unavailable", `fleet "${fleet}" has no trust signer; deploy it first`);
  const done = from !== undefined && active.signerId !== from;
  const next = signerIn(signers, "next")?.value;
  if (done || (next === undefined && (await isUnfinished(app, fleet, active)))) {
    await publishTrust(app, fleet);
    return { signerId: active.signerId };
  }
  const signerId = next?.signerId ?? nextSignerId(signers);
  await createTrustSigner(app, fleet, signerId, "next");
  await publishTrust(app, fleet);
  await activate(app, fleet);
  await publishTrust(app, fleet);
  return { signerId };
}
