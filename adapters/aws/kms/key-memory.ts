/**
 * Room: adapters/aws. Public keys by key id. A KMS key never changes, so what is known stays true; the number of
 * keys remembered is bounded.
 */
import type { KeyDescription } from "../../../core/ports.ts";

export class KeyMemory {
  readonly #limit: number;
  readonly #keys = new Map<string, Promise<KeyDescription>>();

  /** @param limit Keys remembered; the oldest is forgotten first. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The key remembered under `keyId`, or what `ask` gives: once for all who ask meanwhile. Failures are forgotten. */
  async get(keyId: string, ask: () => Promise<KeyDescription>): Promise<KeyDescription> {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return known;
    const asked = ask();
    this.#remember(keyId, asked);
    try {
      return await asked;
    } catch (error) {
      if (this.#keys.get(keyId) === asked) this.#keys.delete(keyId);
      throw error;
    }
  }

  put(key: KeyDescription): void {
    this.#remember(key.keyId, Promise.resolve(key));
  }

  #remember(keyId: string, key: Promise<KeyDescription>): void {
    this.#keys.delete(keyId);
    this.#keys.set(keyId, key);
    if (this.#keys.size <= this.#limit) return;
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest);
      return;
    }
  }
}
