/** Room: cli. The fleet's roots, fetched and tied to something known: a configured root or a fingerprint. */
import type { X509Certificate } from "node:crypto";
import { readFileIfPresent } from "./credential-files.ts";
import { Failure, usageFailure } from "./failure.ts";
import { createFleetApi } from "./fleet-api.ts";
import { createHttpsClient, createUnauthenticatedClient, type HttpsClient } from "./https-client.ts";
import { fingerprintOf, parseCertificates } from "./issued-certificate.ts";
import type { Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface TrustBundle {
  readonly pem: string;
  /** SHA-256, lowercase hex, in the order of the bundle. */
  readonly fingerprints: readonly string[];
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

/**
 * Fetches trust.pem over a connection that a known root vouches for. Known is what `fingerprint` names, or
 * else the configured CA file. The bundle must hold that root; otherwise `trust_mismatch`. With neither,
 * `fingerprint_required`: no root is ever taken on the server's own word.
 */
export async function pullTrustBundle(
  settings: Settings,
  fingerprint: string | undefined,
  terminal: Terminal,
): Promise<TrustBundle> {
  const known = await knownRoots(settings, fingerprint, terminal);
  const pem = await fetchBundle(settings, known.map((root) => root.toString()).join(""), terminal);
  const roots = parseCertificates(pem, "the trust bundle");
  const fingerprints = roots.map(fingerprintOf);
  if (!known.some((root) => fingerprints.includes(fingerprintOf(root)))) {
    throw mismatch("none of the roots that are trusted here", fingerprints);
  }
  return { pem: roots.map((root) => root.toString()).join(""), fingerprints };
}

async function knownRoots(
  settings: Settings,
  fingerprint: string | undefined,
  terminal: Terminal,
): Promise<X509Certificate[]> {
  const { value: path } = settings.ca;
  if (fingerprint === undefined) {
    const configured = await readFileIfPresent(path);
    const roots = configured === undefined ? [] : parseCertificates(configured, path);
    if (roots.length > 0) return roots;
    throw new Failure(
      "usage",
      "fingerprint_required",
      `${path} holds no root, so there is nothing to compare with`,
      {
        remedy: "pass --fingerprint HEX, obtained from the service's operators; `fleetkey serve` prints it",
      },
    );
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

function mismatch(what: string, offered: readonly string[]): Failure {
  const found = offered.length === 0 ? "no root" : offered.join(", ");
  return new Failure("refused", "trust_mismatch", `the service shows ${what}; it shows ${found}`, {
    remedy: "do not go on: check the fingerprint with the service's operators, and --url",
  });
}
