/**
 * Room: adapters/identity. The key sets of configured issuers, fetched when they are first needed, kept for a while,
 * and fetched again when a token names a key that is not among them: once, however many tokens do.
 */
import { AppError } from "../../core/errors.ts";
import type { TokenIssuer } from "../../core/ports.ts";
import { type FetchOptions, retryAfter, unavailable } from "./bounded-json.ts";
import { checkIssuer, fetchKeySet, type KeySet } from "./discovery.ts";

const maximumIssuers = 100;
/**
 * Issuers rotate within days; a key that they withdraw is not accepted longer than this. Not when the issuer is out of
 * reach either: who can silence an issuer must not be able to prolong the life of a key that was stolen from it.
 */
const freshMilliseconds = 600_000;
/** Between two fetches for the sake of unknown keys, whatever tokens ask for. */
const coolDownMilliseconds = 30_000;

interface Entry {
  set?: KeySet;
  /** When the set was fetched. */
  fetchedAt: number;
  /** When the last fetch failed. */
  failedAt: number;
  pending?: Promise<KeySet>;
}

export class KeySets {
  readonly #options: FetchOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /** The issuer's key set as it was fetched last, or now. @throws AppError issuer_unavailable, configuration_invalid. */
  async current(issuer: TokenIssuer, now: number): Promise<KeySet> {
    const entry = this.#entry(issuer);
    if (entry.set !== undefined && now - entry.fetchedAt < freshMilliseconds) return entry.set;
    return this.#fetch(issuer, entry, now);
  }

  /**
   * A set fetched after `used`, in which a key was missing; undefined when it is too early to ask again.
   * @throws AppError issuer_unavailable: nobody knows whether there is such a key.
   */
  async after(issuer: TokenIssuer, used: KeySet, now: number): Promise<KeySet | undefined> {
    const entry = this.#entry(issuer);
    if (entry.set !== used) return entry.set;
    if (entry.pending === undefined && now - entry.fetchedAt < coolDownMilliseconds) return undefined;
    return this.#fetch(issuer, entry, now);
  }

  #entry(configured: TokenIssuer): Entry {
    checkIssuer(configured);
    const { issuer, jwksUri } = configured;
    const name = JSON.stringify([issuer, jwksUri ?? null]);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= maximumIssuers && oldest !== undefined) this.#entries.delete(oldest);
    const entry: Entry = { fetchedAt: Number.NEGATIVE_INFINITY, failedAt: Number.NEGATIVE_INFINITY };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Whoever asks while a fetch is under way gets what that one brings. */
  async #fetch(issuer: TokenIssuer, entry: Entry, now: number): Promise<KeySet> {
    if (entry.pending === undefined && now - entry.failedAt < retryAfter * 1000)
      throw unavailable("did not answer a moment ago");
    entry.pending ??= this.#load(issuer, entry, now).finally(() => {
      delete entry.pending;
    });
    return entry.pending;
  }

  async #load(issuer: TokenIssuer, entry: Entry, now: number): Promise<KeySet> {
    try {
      entry.set = await fetchKeySet(issuer, this.#options);
      entry.fetchedAt = now;
      return entry.set;
    } catch (error) {
      entry.failedAt = now;
      throw error instanceof AppError ? error : unavailable("cannot be read", error);
    }
  }
}
