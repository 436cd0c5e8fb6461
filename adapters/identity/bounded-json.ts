/**
 * Room: adapters/identity. JSON from a configured https URL, and from nowhere else: no redirect is followed, no more
 * than a limit is read, nothing is waited for longer than the caller says.
 */
import { Agent, type RequestOptions, request } from "node:https";
import { AppError } from "../../core/errors.ts";

export interface FetchOptions {
  /** PEM of roots that vouch for issuers. @default those that Node trusts */
  readonly ca?: string | readonly string[];
  /** Milliseconds from the first octet sent to the last received, discovery and keys together. @default 5,000 */
  readonly timeout?: number;
}

/** Larger than any issuer's key set that we know by a factor of ten. */
const maximumOctets = 262_144;
/** Seconds; also how long an issuer that failed is left alone. */
export const retryAfter = 5;

/** @param cause Never what a caller sent: only what the network or the issuer did. */
export function unavailable(what: string, cause?: unknown): AppError {
  return new AppError("issuer_unavailable", `the token issuer ${what}; repeat the same request in a moment`, {
    retryAfter,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** True for an https URL that carries no credentials. */
export function isHttps(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" && url.username === "" && url.password === "";
}

function exchange(url: string, options: RequestOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request(url, options, (response) => {
    response.on("error", reject);
    // A redirect leads where nobody configured us to go.
    if (response.statusCode !== 200) {
      reject(unavailable(`answered ${response.statusCode ?? 0} where its keys should be`));
      response.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maximumOctets) {
        chunks.push(chunk);
        return;
      }
      reject(unavailable(`sent more than ${maximumOctets} octets`));
      response.destroy();
    });
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}

/**
 * @param url https, as its caller has checked.
 * @param signal Ends the exchange, whatever state it is in.
 * @throws AppError issuer_unavailable for whatever comes instead of a JSON object.
 */
export async function fetchJson(
  url: string,
  ca: FetchOptions["ca"],
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const agent = new Agent({
    keepAlive: false,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
  });
  try {
    // No encoding is asked for: what is measured is what arrives.
    const headers = { accept: "application/json", "user-agent": "fleetkey" };
    const value: unknown = JSON.parse(await exchange(url, { agent, headers, signal }));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unavailable("cannot be read", error);
  } finally {
    agent.destroy();
  }
  throw unavailable("sent no JSON object");
}
