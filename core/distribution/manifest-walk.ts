/**
 * Room: core/distribution. What a relying party does with trust manifests: believe the first because a root that it
 * has pinned certified the signer, and each later one because the one before names its signer. Pure; no store, no
 * clock, no network.
 */
import { hash } from "node:crypto";
import { AppError, isAppError } from "../errors.ts";
import {
  isCertifiedBy,
  isCrossCertificate,
  isSigned,
  readManifest,
  type UnverifiedManifest,
} from "./manifest-signature.ts";
import type { TrustManifest } from "./trust-manifest.ts";

/** A manifest that was verified once, with the text that it was read from. */
export interface KnownManifest {
  readonly manifest: TrustManifest;
  readonly text: string;
}

/** Where trust begins: fingerprints of roots (SHA-256 of the DER, lowercase hexadecimal), or a manifest known before. */
export type TrustAnchor =
  | {
      readonly roots: readonly string[];
      /** Whose manifest is expected. @default the roots decide */
      readonly fleet?: string;
    }
  | { readonly known: KnownManifest };

/**
 * Authentic and not older than what was known. `expired`: nextUpdate has passed, so that newer ones may be withheld;
 * whether old trust is better than none is the caller's to decide.
 */
export type VerifiedManifest = KnownManifest &
  ({ readonly state: "current" } | { readonly state: "expired"; readonly expiredSeconds: number });

/** SHA-256 of a manifest's whole text, as the next one names it. */
export const manifestDigest = (text: string): string => hash("sha256", text);

const foreign = (what: string): AppError => new AppError("trust_foreign", what);

/** By the pinned root itself, or by one that it has certified since (RFC 9810 §4.4). */
async function isCertifiedUnder(read: UnverifiedManifest, root: Uint8Array, now: number): Promise<boolean> {
  if (await isCertifiedBy(read, root)) return true;
  for (const { certificate } of read.manifest.crossCertificates) {
    const cross = Buffer.from(certificate, "base64");
    if ((await isCrossCertificate(cross, root, now)) && (await isCertifiedBy(read, cross))) return true;
  }
  return false;
}

async function isCertified(
  read: UnverifiedManifest,
  pinned: readonly string[],
  now: number,
): Promise<boolean> {
  for (const { certificate, sha256 } of read.manifest.roots) {
    if (!pinned.includes(sha256)) continue;
    try {
      if (await isCertifiedUnder(read, Buffer.from(certificate, "base64"), now)) return true;
    } catch (error) {
      // A certificate that cannot be read certifies nobody.
      if (!isAppError(error)) throw error;
    }
  }
  return false;
}

function assertSignerInForce({ signer }: UnverifiedManifest, now: number): void {
  const { notBefore, notAfter } = signer.tbs.validity;
  if (notBefore <= now && now <= notAfter) return;
  throw new AppError(
    "trust_expired",
    `the signer's certificate is valid from ${new Date(notBefore).toISOString()} to ${new Date(notAfter).toISOString()}, not now; set the clock, or fetch the newest manifest`,
  );
}

async function assertCertified(
  read: UnverifiedManifest,
  { roots, fleet = read.manifest.fleet }: Extract<TrustAnchor, { readonly roots: unknown }>,
  now: number,
): Promise<void> {
  if (read.manifest.fleet !== fleet)
    throw foreign(`the manifest is of fleet "${read.manifest.fleet}", wanted "${fleet}"`);
  if (!(await isCertified(read, roots, now)))
    throw foreign("no pinned root has certified the manifest's signer; check the fingerprint that is pinned");
  assertSignerInForce(read, now);
}

function assertNotOlder({ manifest, text }: UnverifiedManifest, known: KnownManifest): void {
  const at = known.manifest.version;
  if (manifest.version > at || (manifest.version === at && text === known.text)) return;
  const found = manifest.version === at ? `another version ${at}` : `version ${manifest.version}`;
  throw new AppError("trust_rollback", `${found} was served, version ${at} is known; tell the security team`);
}

const truncated = (what: string): AppError =>
  new AppError("trust_truncated", `${what}; fetch every version since the known one`);

function assertSuccessor(read: UnverifiedManifest, known: KnownManifest): void {
  const { fleet, trustDomain, version, previous } = read.manifest;
  if (fleet !== known.manifest.fleet || trustDomain !== known.manifest.trustDomain)
    throw foreign(`the manifest is of fleet "${fleet}" in "${trustDomain}", not of the known one`);
  assertNotOlder(read, known);
  if (version === known.manifest.version) return;
  if (!known.manifest.signers.some(({ kid }) => kid === read.kid))
    throw foreign(
      `version ${version} is signed by a key that version ${known.manifest.version} does not name`,
    );
  if (version === known.manifest.version + 1 && previous !== manifestDigest(known.text))
    throw truncated(`version ${version} follows another version ${known.manifest.version} than the known`);
}

function judged({ manifest, text }: UnverifiedManifest, now: number): VerifiedManifest {
  if (Date.parse(manifest.notBefore) > now) {
    const wait = `${Math.ceil((Date.parse(manifest.notBefore) - now) / 1000)} s`;
    throw new AppError("trust_expired", `the manifest is valid only in ${wait}; the clock runs late, set it`);
  }
  const age = now - Date.parse(manifest.nextUpdate);
  return age < 0
    ? { state: "current", manifest, text }
    : { state: "expired", manifest, text, expiredSeconds: Math.floor(age / 1000) };
}

/**
 * @param now Milliseconds since the epoch.
 * @throws AppError trust_malformed; trust_foreign (another fleet, a signer that nothing known vouches for, a signature
 * that does not verify); trust_rollback; trust_truncated (the next version, but of another history); trust_expired (not
 * valid yet, or the signer's certificate is not in force).
 */
export async function verifyManifest(
  text: string,
  anchor: TrustAnchor,
  now: number,
): Promise<VerifiedManifest> {
  const read = readManifest(text);
  if ("known" in anchor) assertSuccessor(read, anchor.known);
  else await assertCertified(read, anchor, now);
  if (!(await isSigned(read))) throw foreign("the manifest's signature does not verify");
  return judged(read, now);
}

/** The manifest, when it is in force. @throws AppError trust_expired, and says for how long. */
export function manifestInForce(verified: VerifiedManifest): TrustManifest {
  if (verified.state === "current") return verified.manifest;
  const { manifest, expiredSeconds } = verified;
  throw new AppError(
    "trust_expired",
    `version ${manifest.version} was to be replaced ${expiredSeconds} s ago, at ${manifest.nextUpdate}; newer ones may be withheld, ask at another place`,
  );
}

/** Fetches the text of one version, or of the newest. @throws AppError not_found where there is none. */
export type FetchManifest = (version: number | "newest") => Promise<string>;

async function fetchStep(fetchVersion: FetchManifest, version: number): Promise<string> {
  try {
    return await fetchVersion(version);
  } catch (cause) {
    if (!isAppError(cause, "not_found")) throw cause;
    throw new AppError("trust_truncated", `version ${version} is missing; ask at another place`, { cause });
  }
}

async function nextStep(
  fetchVersion: FetchManifest,
  newest: UnverifiedManifest,
  known: KnownManifest,
  now: number,
): Promise<KnownManifest> {
  const version = known.manifest.version + 1;
  const text = version === newest.manifest.version ? newest.text : await fetchStep(fetchVersion, version);
  const step = await verifyManifest(text, { known }, now);
  if (step.manifest.version === version) return step;
  throw truncated(`version ${step.manifest.version} was served in the place of version ${version}`);
}

/**
 * The newest manifest, believed from `anchor` on: at once when what is known names its signer, else version by version.
 * That versions on the way have expired does not matter, they are steps.
 * @throws AppError as `verifyManifest`; trust_truncated also when a version on the way is missing; what `fetchVersion`
 * throws otherwise.
 */
export async function walk(
  fetchVersion: FetchManifest,
  anchor: TrustAnchor,
  now: number,
): Promise<VerifiedManifest> {
  const text = await fetchVersion("newest");
  if (!("known" in anchor)) return verifyManifest(text, anchor, now);
  const newest = readManifest(text);
  let { known } = anchor;
  const names = (manifest: TrustManifest): boolean => manifest.signers.some(({ kid }) => kid === newest.kid);
  // What is not newer is judged as it stands; a forged number ends where there is no authentic version.
  while (newest.manifest.version > known.manifest.version && !names(known.manifest))
    known = await nextStep(fetchVersion, newest, known, now);
  return verifyManifest(text, { known }, now);
}
