/**
 * Room: core/distribution. Publishes a fleet's trust. A version is taken on record with all it says, then signed,
 * written once under its number, put in the place of the older one, and marked as placed. Whoever dies on the way has
 * left a record that the next run goes on from; of many publishers each step is one's alone.
 */
import { getFleet } from "../authority/issuer.ts";
import { clockSkewMilliseconds } from "../clock-skew.ts";
import { AppError, isAppError } from "../errors.ts";
import type { DeploymentApp, PublisherApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type PublicationRecord, publicationItem } from "../records/publication-record.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { signerIn, trustSigners } from "./known-signers.ts";
import { contentDigest, datedManifest, trustContent } from "./manifest-content.ts";
import { decodeManifest } from "./manifest-decoding.ts";
import { manifestDigest } from "./manifest-walk.ts";
import { contentOf } from "./trust-manifest.ts";
import { placeArtifacts, versionText } from "./trust-placement.ts";
import { assertMaySign, createTrustSigner, signerJwk } from "./trust-signer.ts";
import { findPublication } from "./trust-version.ts";

export type TrustOutcome = "published" | "unchanged";

type State = Stored<PublicationRecord>;

const { refreshSeconds } = publicationSchedules.trustManifest;

/** Not due again; and not made by a clock that ran ahead, for a time that has not come. */
function isYoung({ refreshAt }: PublicationRecord, now: number): boolean {
  return now < refreshAt && refreshAt <= now + refreshSeconds * 1000 + clockSkewMilliseconds;
}

/** What comes after `state`, ready to be taken; undefined while nothing is to be said, or nobody can say it. */
async function dueVersion(
  app: PublisherApp,
  fleet: string,
  state: State | undefined,
): Promise<PublicationRecord | undefined> {
  // Read after the state: whoever is behind the state's version takes nothing.
  const [signers, record] = await Promise.all([trustSigners(app, fleet), getFleet(app, fleet)]);
  const [active, next] = [signerIn(signers, "active"), signerIn(signers, "next")];
  if (active === undefined) return undefined;
  const named = next === undefined ? [active] : [active, next];
  const content = trustContent(
    record,
    named.map(({ value }) => signerJwk(value)),
  );
  if (content === undefined) return undefined;
  const now = app.clock.now();
  const digest = contentDigest(content);
  if (state !== undefined && state.value.contentDigest === digest && isYoung(state.value, now))
    return undefined;
  const trustVersion = (state?.value.trustVersion ?? 0) + 1;
  const previous = state?.value.placedSha256;
  const place = { version: trustVersion, ...(previous === undefined ? {} : { previous }) };
  assertMaySign(active.value, now, named.length);
  const { manifest, nextUpdate, refreshAt } = datedManifest(content, place, now);
  const payload = JSON.stringify(manifest);
  // What will be signed is read back: a number that was taken for what no reader takes would be in the way for good.
  decodeManifest(Buffer.from(payload));
  return {
    fleet,
    trustVersion,
    payload,
    signerId: active.value.signerId,
    contentDigest: digest,
    nextUpdate,
    refreshAt,
    placedVersion: state?.value.placedVersion ?? 0,
    ...(previous === undefined ? {} : { placedSha256: previous }),
  };
}

const isPlaced = ({ value }: State): boolean => value.placedVersion === value.trustVersion;

/** @throws AppError store_condition_failed: a newer version was taken. */
async function assertNewest(app: PublisherApp, { fleet, trustVersion }: PublicationRecord): Promise<void> {
  const now = await findPublication(app, fleet);
  if (now?.value.trustVersion === trustVersion) return;
  throw new AppError(
    "store_condition_failed",
    `version ${trustVersion} of fleet "${fleet}" is not the newest`,
  );
}

/** Signs the version on record unless that was done, puts everything in its place, and marks it so. */
async function place(app: PublisherApp, state: State): Promise<void> {
  const { value, version } = state;
  const text = await versionText(app, value);
  await placeArtifacts(app, value.fleet, text, () => assertNewest(app, value));
  if (isPlaced(state)) return;
  const placed: PublicationRecord = {
    ...value,
    // A store of items that was set back finds versions that it does not know of: what they say is what was said.
    contentDigest: contentDigest(
      contentOf(decodeManifest(Buffer.from(text.split(".")[1] ?? "", "base64url"))),
    ),
    placedVersion: value.trustVersion,
    placedSha256: manifestDigest(text),
  };
  await app.items.transact([{ put: publicationItem(placed), when: version }]);
}

/**
 * One step towards what is to be published; `settled` when there is none.
 * @param again Puts in place what is marked as placed too.
 */
async function step(
  app: PublisherApp,
  fleet: string,
  again: boolean,
): Promise<"taken" | "placed" | "settled"> {
  const state = await findPublication(app, fleet);
  if (state !== undefined && (again || !isPlaced(state))) {
    await place(app, state);
    return "placed";
  }
  const due = await dueVersion(app, fleet, state);
  if (due === undefined) return "settled";
  await app.items.transact([{ put: publicationItem(due), when: state?.version ?? "absent" }]);
  return "taken";
}

/** Each lost race means that another publisher has made progress; a version is two steps. */
const attempts = 50;

/**
 * Makes a new version when what is to be said has changed, or the last is due for refreshment; finishes what another
 * run began. A fleet without a signer or an address has nothing to publish.
 * @throws AppError not_found (no such fleet), store_condition_failed when others publish all the time, key_overdue (the
 * signer is past its grace), signature_invalid, key_service_unavailable, store_unavailable.
 */
export async function publishTrust(app: PublisherApp, fleet: string): Promise<TrustOutcome> {
  let outcome: TrustOutcome = "unchanged";
  let again = false;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      if ((await step(app, fleet, again)) === "settled") return outcome;
      outcome = "published";
      again = false;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed")) throw error;
      // Overtaken: what was put in place meanwhile may look like what others have found there before.
      again = true;
    }
  }
  throw new AppError(
    "store_condition_failed",
    `the trust of fleet "${fleet}" was changed by others in each of ${attempts} attempts; run the task again`,
    { retryAfter: 1 },
  );
}

const firstSigner = "trust-1";

/**
 * For deployments: the first signer, certified by the root, the first version, and everything in its place again if
 * somebody else has changed or removed it.
 * @throws AppError authority_unavailable, and as `publishTrust`.
 */
export async function ensureTrust(app: DeploymentApp, fleet: string): Promise<void> {
  await createTrustSigner(app, fleet, firstSigner, "active");
  await publishTrust(app, fleet);
  const state = await findPublication(app, fleet);
  try {
    if (state !== undefined) await place(app, state);
  } catch (error) {
    // A newer version takes the places.
    if (!isAppError(error, "store_condition_failed")) throw error;
  }
}
