/** Room: cli. The fleet's roots, fetched and tied to something known: a configured root or a fingerprint. */
import type { X509Certificate } from "node:crypto";
import { readCredentialFile, readFileIfPresent } from "./credential-files.ts";
import { Failure, usageFailure } from "./failure.ts";
import { createFleetApi } from "./fleet-api.ts";
import { createHttpsClient, createUnauthenticatedClient, type HttpsClient } from "./https-client.ts";
import { fingerprintOf, parseCertificates } from "./issued-certificate.ts";
import { pullRoots, readRoots } from "./session.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface TrustBundle {
  readonly pem: string;
  /** SHA-256, lowercase hex, in the order of the bundle. */
  readonly fingerprints: readonly string[];
}

/** What ties a trust bundle to the fleet: one of these must be in it. */
export interface KnownRoots {
  /** SHA-256, lowercase hex. */
  readonly fingerprints: readonly string[];
  /**
   * Whether the rest of the bundle counts too. It does when a known root vouches for the connection; where another
   * authority does, the rest is anyone's word.
   */
  readonly bringOthers: boolean;
}

/** Lowercase hex; takes capitals, colons and a `SHA256:` prefix. Throws `usage`. */
export function parseFingerprint(text: string): string {
  const hex = text
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw usageFailure(
    "a fingerprint is the SHA-256 of the root certificate: 64 hexadecimal digits, colons allowed",
  );
}

function known(settings: Settings, fingerprints: readonly string[]): KnownRoots {
  return { fingerprints, bringOthers: settings.ca.value !== systemRoots };
}

/** The root that `fingerprint` names, else those of the CA file; `fingerprint_required` with --ca system. */
export async function knownRoots(settings: Settings, fingerprint: string | undefined): Promise<KnownRoots> {
  if (fingerprint !== undefined) {
    return { fingerprints: [parseFingerprint(fingerprint)], bringOthers: false };
  }
  if (settings.ca.value !== systemRoots) return rootsOfFile(settings, settings.ca.value);
  throw fingerprintRequired("--ca system says which hosts to trust, not which root is the fleet's");
}

/** The roots in the file at `path`; throws `file_missing` or `certificate_malformed`. */
export async function rootsOfFile(settings: Settings, path: string): Promise<KnownRoots> {
  const roots = parseCertificates(await readCredentialFile(path, pullRoots), path);
  return known(settings, roots.map(fingerprintOf));
}

/** PEM of the roots in `bundle` that may be relied on; throws `trust_mismatch` if none is known. */
export function tiedRoots(bundle: string, { fingerprints, bringOthers }: KnownRoots): string {
  const roots = parseCertificates(bundle, "the trust bundle");
  const matching = roots.filter((root) => fingerprints.includes(fingerprintOf(root)));
  if (matching.length === 0) {
    throw mismatch("none of the roots that are trusted here", roots.map(fingerprintOf));
  }
  return (bringOthers ? roots : matching).map((root) => root.toString()).join("");
}

/**
 * Fetches trust.pem over a connection that a known root, or with --ca system the machine's own roots, vouch for.
 * Known is what `fingerprint` names, or else the configured CA file. The bundle must hold that root; otherwise
 * `trust_mismatch`. With neither, `fingerprint_required`: no root is ever taken on the server's own word.
 */
export async function pullTrustBundle(
  settings: Settings,
  fingerprint: string | undefined,
  terminal: Terminal,
): Promise<TrustBundle> {
  const expected = fingerprint === undefined ? undefined : parseFingerprint(fingerprint);
  const pem =
    settings.ca.value === systemRoots
      ? await pullOverSystemRoots(settings, expected, terminal)
      : await pullOverKnownRoots(settings, expected, terminal);
  return { pem, fingerprints: parseCertificates(pem, "the trust bundle").map(fingerprintOf) };
}

async function pullOverSystemRoots(
  settings: Settings,
  expected: string | undefined,
  terminal: Terminal,
): Promise<string> {
  const roots = await knownRoots(settings, expected);
  return tiedRoots(await fetchBundle(settings, await readRoots(settings), terminal), roots);
}

async function pullOverKnownRoots(
  settings: Settings,
  expected: string | undefined,
  terminal: Terminal,
): Promise<string> {
  const roots = await rootsToConnect(settings, expected, terminal);
  const bundle = await fetchBundle(settings, roots.map((root) => root.toString()).join(""), terminal);
  return tiedRoots(bundle, known(settings, roots.map(fingerprintOf)));
}

async function rootsToConnect(
  settings: Settings,
  fingerprint: string | undefined,
  terminal: Terminal,
): Promise<X509Certificate[]> {
  const { value: path } = settings.ca;
  if (fingerprint === undefined) {
    const configured = await readFileIfPresent(path);
    const roots = configured === undefined ? [] : parseCertificates(configured, path);
    if (roots.length > 0) return roots;
    throw fingerprintRequired(`${path} holds no root, so there is nothing to compare with`);
  }
  const offered = parseCertificates(await fetchUnverified(settings, terminal), "the trust bundle");
  const matching = offered.filter((root) => fingerprintOf(root) === fingerprint);
  if (matching.length === 0) throw mismatch("not the root of that fingerprint", offered.map(fingerprintOf));
  return matching;
}

/** What the server shows to anyone. Nothing secret is sent, and nothing relies on it before it is matched. */
function fetchUnverified(settings: Settings, terminal: Terminal): Promise<string> {
  return fetchTrust(createUnauthenticatedClient(settings.url.value, 15_000), settings, terminal);
}

function fetchBundle(settings: Settings, ca: string, terminal: Terminal): Promise<string> {
  return fetchTrust(createHttpsClient({ url: settings.url.value, ca }), settings, terminal);
}

async function fetchTrust(client: HttpsClient, settings: Settings, terminal: Terminal): Promise<string> {
  const { now, interrupted } = terminal;
  try {
    return await createFleetApi({ client, fleet: settings.fleet.value, now, interrupted }).trust();
  } finally {
    client.close();
  }
}

function fingerprintRequired(reason: string): Failure {
  return new Failure("usage", "fingerprint_required", reason, {
    remedy:
      "pass --fingerprint HEX, obtained from the service's operators; `fleetkey serve` and `npm run deploy` print it",
  });
}

function mismatch(what: string, offered: readonly string[]): Failure {
  const found = offered.length === 0 ? "no root" : offered.join(", ");
  return new Failure("refused", "trust_mismatch", `the service shows ${what}; it shows ${found}`, {
    remedy: "do not go on: check the fingerprint with the service's operators, and --url",
  });
}
