/** Room: adapters/identity. Where an issuer keeps its keys (OpenID Connect Discovery 1.0 §4), and the keys there. */
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import { AppError } from "../../core/errors.ts";
import type { TokenIssuer } from "../../core/ports.ts";
import { type FetchOptions, fetchJson, isHttps, unavailable } from "./bounded-json.ts";

export type KeySet = ReturnType<typeof createLocalJWKSet>;

const maximumKeys = 100;

/**
 * §3: https, without query and fragment, or it would swallow the path of the discovery document.
 * @throws AppError configuration_invalid.
 */
export function checkIssuer({ issuer, jwksUri = issuer }: TokenIssuer): void {
  if (isHttps(issuer) && isHttps(jwksUri) && !/[?#]/.test(issuer)) return;
  throw new AppError(
    "configuration_invalid",
    "a token issuer's URL is not https, or carries credentials, a query or a fragment; configure one that is plain https",
  );
}

/** A key set as it came: RFC 7517 §5. Members beside `keys` are not kept. */
function keySetOf({ keys }: Readonly<Record<string, unknown>>): KeySet {
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > maximumKeys)
    throw unavailable(`publishes no set of 1 to ${maximumKeys} keys`);
  try {
    return createLocalJWKSet({ keys } as JSONWebKeySet);
  } catch (error) {
    throw unavailable("publishes keys that are none (RFC 7517 §5)", error);
  }
}

/**
 * The document may send us to its own host only: where it says, a fetch goes, and whoever wrote it would choose the
 * target. An issuer that keeps its keys elsewhere is configured with `jwksUri`.
 */
async function discover(issuer: string, ca: FetchOptions["ca"], signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri: jwksUri } = await fetchJson(url, ca, signal);
  // §4.3: identical, or one issuer could speak for another.
  if (named !== issuer) throw unavailable("names another issuer in its discovery document");
  if (typeof jwksUri !== "string" || !isHttps(jwksUri) || new URL(jwksUri).host !== new URL(issuer).host)
    throw unavailable("names no https URL on its own host for its keys; configure jwksUri");
  return jwksUri;
}

/** Asks the issuer, now. @throws AppError issuer_unavailable. */
export async function fetchKeySet(
  { issuer, jwksUri }: TokenIssuer,
  { ca, timeout = 5_000 }: FetchOptions,
): Promise<KeySet> {
  const signal = AbortSignal.timeout(timeout);
  const url = jwksUri ?? (await discover(issuer, ca, signal));
  return keySetOf(await fetchJson(url, ca, signal));
}
