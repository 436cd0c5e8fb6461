/**
 * Room: cli. The signed trust manifest: fetched from where the file stands to the newest version, believed because a
 * known root certified its first signer and each version names who signs the next.
 */
import { isSigned, readManifest } from "../core/distribution/manifest-signature.ts";
import {
  type FetchManifest,
  type KnownManifest,
  manifestInForce,
  type TrustAnchor,
  walk,
} from "../core/distribution/manifest-walk.ts";
import { manifestCharacters, type TrustManifest } from "../core/distribution/trust-manifest.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { encodePem } from "../core/formats/pem.ts";
import { readFileBytes, readFileIfPresent } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import type { FleetApi } from "./fleet-api.ts";
import type { ClientCredential } from "./https-client.ts";
import { fingerprintOf, parseCertificates } from "./issued-certificate.ts";
import { readRoots, withFleetApi } from "./session.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { knownRoots, pullTrustBundle } from "./trust-bundle.ts";
import { judging } from "./untrusted.ts";

/** What a device holds already: its credential, and the roots that it trusts, PEM. */
export interface HeldTrust {
  readonly credential: ClientCredential;
  readonly roots: string;
}

export interface PullRequest {
  readonly settings: Settings;
  readonly path?: string;
  readonly fingerprint: string | undefined;
  /** Begins from these roots instead, and shows this credential: a host for devices lets in nobody else. */
  readonly held?: HeldTrust;
}

export interface PulledManifest {
  readonly manifest: TrustManifest;
  readonly text: string;
  /** The version that the file held. */
  readonly previous?: number;
}

const accept = "application/jose";

function fetcher(api: FleetApi): FetchManifest {
  return async (version) => {
    const path = version === "newest" ? "/trust.jws" : `/trust/${version}.jws`;
    try {
      return (await api.fetch({ method: "GET", path, accept })).body.toString("latin1");
    } catch (error) {
      // Only on the way to the newest does a missing version mean anything.
      if (!(error instanceof Failure) || error.code !== "not_found" || version === "newest") throw error;
      throw new AppError("not_found", `there is no ${path}`, { cause: error });
    }
  };
}

/** PEM of the roots of the manifest. */
export const rootsPem = ({ roots }: TrustManifest): string =>
  roots.map(({ certificate }) => encodePem("CERTIFICATE", Buffer.from(certificate, "base64"))).join("");

/**
 * What an earlier pull has verified and written; undefined where there is no file. Throws `trust_malformed`,
 * `trust_foreign` for a file that was changed since.
 */
async function readKnown(path: string): Promise<KnownManifest | undefined> {
  const text = await readFileIfPresent(path);
  if (text === undefined) return undefined;
  try {
    const read = readManifest(text);
    if (await isSigned(read)) return { manifest: read.manifest, text };
    throw new AppError("trust_foreign", "its signature does not verify; it was changed after it was written");
  } catch (error) {
    if (!isAppError(error)) throw error;
    const remedy =
      "name another file with --manifest, or move this one away and begin anew from --fingerprint HEX";
    throw new Failure("localFile", error.code, `${path}: ${error.message}`, { remedy, cause: error });
  }
}

/** The roots that the file knows vouch for the connection too: those of the CA file may be over by now. */
async function rootsToConnect(settings: Settings, known: KnownManifest): Promise<string> {
  if (settings.ca.value === systemRoots) return readRoots(settings);
  const configured = (await readFileIfPresent(settings.ca.value)) ?? "";
  return `${configured}\n${rootsPem(known.manifest)}`;
}

async function beginning(settings: Settings, fingerprint: string | undefined, terminal: Terminal) {
  const { pem } = await pullTrustBundle(settings, fingerprint, terminal);
  const { fingerprints } = await knownRoots(settings, fingerprint);
  const ca = settings.ca.value === systemRoots ? await readRoots(settings) : pem;
  return { ca, anchor: { roots: fingerprints, fleet: settings.fleet.value } satisfies TrustAnchor };
}

async function heldBeginning(settings: Settings, { roots }: HeldTrust) {
  const fingerprints = parseCertificates(roots, "the device's roots").map(fingerprintOf);
  const ca = settings.ca.value === systemRoots ? await readRoots(settings) : roots;
  return { ca, anchor: { roots: fingerprints, fleet: settings.fleet.value } satisfies TrustAnchor };
}

/**
 * The newest manifest, in force, believed from the one at `path` on; where there is none, from the root that
 * `fingerprint` names or those of the CA file. Writes nothing.
 * @throws Failure `untrusted`: trust_foreign, trust_rollback, trust_truncated, trust_expired, trust_malformed.
 */
export async function pullManifest(
  { settings, path, fingerprint, held }: PullRequest,
  terminal: Terminal,
): Promise<PulledManifest> {
  const known = path === undefined ? undefined : await readKnown(path);
  const { ca, anchor } =
    known === undefined
      ? await (held === undefined
          ? beginning(settings, fingerprint, terminal)
          : heldBeginning(settings, held))
      : { ca: await rootsToConnect(settings, known), anchor: { known } };
  return withFleetApi({ settings, terminal, ca, credential: held?.credential }, (api) =>
    judging(async () => {
      const verified = await walk(fetcher(api), anchor, terminal.now());
      const manifest = manifestInForce(verified);
      return {
        manifest,
        text: verified.text,
        ...(known === undefined ? {} : { previous: known.manifest.version }),
      };
    }),
  );
}

/** The text of a manifest in a file; throws `file_missing`, `file_too_large`. */
export async function readManifestText(path: string): Promise<string> {
  const remedy = "fetch one first: fleetkey trust pull --manifest FILE";
  return (await readFileBytes(path, manifestCharacters, remedy)).toString("latin1").trim();
}
