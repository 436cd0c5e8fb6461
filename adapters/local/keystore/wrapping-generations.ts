/**
 * Room: adapters/local. The generations of fleets' wrapping keys in the key store's directory, for several processes at
 * once: made one at a time, opened in memory, rotated when their time is over, destroyed together.
 */

import type { KeyObject } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import type { Clock } from "../../../core/ports.ts";
import { FileLock } from "../file-lock.ts";
import { destroyFile } from "./key-destruction.ts";
import { fileFailure, isPresent, publishPrivateFile, readPrivateFile } from "./private-files.ts";
import {
  checkFleet,
  type GenerationName,
  generationFileName,
  parseGenerationFile,
  parseGenerationId,
  tombstoneName,
} from "./wrapping-key-name.ts";
import {
  type GenerationCause,
  newGenerationFile,
  type OpenGeneration,
  openGenerationFile,
} from "./wrapping-key-record.ts";

const dayMilliseconds = 86_400_000;
/**
 * Days after which a generation wraps nothing any more: the next one is made by itself. KMS's own default, and the
 * originator-usage period of a key-wrapping key (SP 800-57 Part 1 r5 §5.3.6).
 */
export const generationDays = 365;

/** When `generation` gives way to the next one, in milliseconds since the epoch. */
export const endOfGeneration = ({ createdAt }: Pick<OpenGeneration, "createdAt">): number =>
  createdAt + generationDays * dayMilliseconds;

export function generationGone(): AppError {
  return new AppError(
    "key_not_found",
    "no such generation of the fleet's wrapping key is in the key store; restore its file from a backup",
  );
}

export class WrappingGenerations {
  readonly #directory: string;
  readonly #masterKey: KeyObject;
  readonly #clock: Pick<Clock, "now">;
  readonly #lock: FileLock;
  readonly #open = new Map<string, OpenGeneration>();
  readonly #highest = new Map<string, number>();

  /** @param directory The key store's, which exists. */
  constructor(directory: string, masterKey: KeyObject, clock: Pick<Clock, "now">) {
    this.#directory = directory;
    this.#masterKey = masterKey;
    this.#clock = clock;
    this.#lock = new FileLock(join(directory, "wrapping.lock"));
  }

  /**
   * The one that wraps now: made on first use, and anew when its time is over.
   * @throws AppError key_not_found (no fleet's name), key_disabled (destroyed), key_store_locked,
   * key_service_unavailable.
   */
  async current(fleet: string): Promise<OpenGeneration> {
    const newest = await this.#newest(fleet);
    if (newest !== undefined && !this.#isOver(newest)) return newest;
    return await this.#alone(async () => {
      // Another process may have made it, or destroyed all of them, while this one waited.
      const before = await this.#newest(fleet);
      if (before !== undefined && !this.#isOver(before)) return before;
      return await this.#make(fleet, before, before === undefined ? "first" : "automatic");
    });
  }

  /** @throws AppError as `current`; key_not_found also for what the fleet does not have. */
  async named(fleet: string, keyId: string): Promise<OpenGeneration> {
    const name = parseGenerationId(fleet, keyId);
    this.#assertKept(fleet);
    return await this.#load(name);
  }

  /** Oldest first; empty where none was made, or all are destroyed. @throws AppError as `current`. */
  async all(fleet: string): Promise<readonly OpenGeneration[]> {
    checkFleet(fleet);
    if (this.isDestroyed(fleet)) return [];
    const found: OpenGeneration[] = [];
    for (const name of await this.#names(fleet)) found.push(await this.#load(name));
    return found;
  }

  /** Fleets that have a generation. @throws AppError key_service_unavailable. */
  async fleets(): Promise<readonly string[]> {
    const fleets = new Set((await this.#names()).map(({ fleet }) => fleet));
    return [...fleets].filter((fleet) => !this.isDestroyed(fleet));
  }

  /**
   * One more generation because people ask.
   * @param mayRotate Looks at all that there are, while nobody adds one; throws to refuse.
   * @throws AppError key_not_found (none was made yet); as `current`.
   */
  async rotate(fleet: string, mayRotate: (all: readonly OpenGeneration[]) => void): Promise<OpenGeneration> {
    return await this.#alone(async () => {
      const newest = await this.#newest(fleet);
      if (newest === undefined) throw generationGone();
      mayRotate(await this.all(fleet));
      return await this.#make(fleet, newest, "onDemand");
    });
  }

  /**
   * Destroys all of the fleet's generations, for good; none is ever made again. Repeating it finishes what a crash has
   * left, and changes nothing else.
   * @returns When that was decided. @throws AppError key_not_found (no fleet's name), key_service_unavailable.
   */
  async destroyAll(fleet: string): Promise<number> {
    checkFleet(fleet);
    return await this.#alone(async () => {
      const path = join(this.#directory, tombstoneName(fleet));
      const destroyedAt = this.#clock.now();
      const content = `${JSON.stringify({ version: 1, fleet, destroyedAt }, null, 2)}\n`;
      // First, so that from here on no process uses what is still there.
      const isNew = await publishPrivateFile(path, Buffer.from(content, "utf8"));
      for (const name of await this.#names(fleet))
        await destroyFile(join(this.#directory, generationFileName(name)));
      this.#forget(fleet);
      return isNew ? destroyedAt : ((await readDestroyedAt(path)) ?? destroyedAt);
    });
  }

  /**
   * Some microseconds: asked before every use, whichever process has destroyed them.
   * @throws AppError key_service_unavailable: what cannot be known is no leave to use them.
   */
  isDestroyed(fleet: string): boolean {
    return isPresent(join(this.#directory, tombstoneName(fleet)));
  }

  #assertKept(fleet: string): void {
    checkFleet(fleet);
    if (!this.isDestroyed(fleet)) return;
    this.#forget(fleet);
    throw new AppError(
      "key_disabled",
      "the fleet's wrapping keys are destroyed, and what they wrapped is unreadable for good; make a new fleet",
    );
  }

  #forget(fleet: string): void {
    this.#highest.delete(fleet);
    for (const [file, generation] of this.#open) if (generation.fleet === fleet) this.#open.delete(file);
  }

  readonly #isOver = (generation: OpenGeneration): boolean =>
    this.#clock.now() >= endOfGeneration(generation);

  async #newest(fleet: string): Promise<OpenGeneration | undefined> {
    this.#assertKept(fleet);
    let number = this.#highest.get(fleet) ?? (await this.#names(fleet)).at(-1)?.number;
    if (number === undefined) return undefined;
    // Another process may have rotated: no directory is read for that.
    while (isPresent(join(this.#directory, generationFileName({ fleet, number: number + 1 })))) number += 1;
    const newest = await this.#load({ fleet, number });
    this.#highest.set(fleet, number);
    return newest;
  }

  async #make(
    fleet: string,
    before: OpenGeneration | undefined,
    cause: GenerationCause,
  ): Promise<OpenGeneration> {
    const name = { fleet, number: (before?.number ?? 0) + 1 };
    const file = newGenerationFile(this.#masterKey, name, { cause, createdAt: this.#clock.now() });
    await publishPrivateFile(join(this.#directory, generationFileName(name)), file);
    // Read back: what is used is what the disk holds.
    const made = await this.#load(name);
    this.#highest.set(fleet, name.number);
    return made;
  }

  async #load(name: GenerationName): Promise<OpenGeneration> {
    const file = generationFileName(name);
    const known = this.#open.get(file);
    if (known !== undefined) return known;
    const content = await readPrivateFile(join(this.#directory, file));
    if (content === undefined) throw generationGone();
    const generation = openGenerationFile(this.#masterKey, name, content);
    this.#open.set(file, generation);
    return generation;
  }

  /** Of one fleet or of all, in the order of their numbers. */
  async #names(fleet?: string): Promise<readonly GenerationName[]> {
    try {
      const names = (await readdir(this.#directory)).flatMap((file) => parseGenerationFile(file) ?? []);
      return names
        .filter((name) => fleet === undefined || name.fleet === fleet)
        .sort((left, right) => left.number - right.number);
    } catch (error) {
      throw fileFailure(this.#directory, error);
    }
  }

  /** One caller at a time among all processes. */
  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#lock.hold(work);
    } catch (error) {
      throw fileFailure(join(this.#directory, "wrapping.lock"), error);
    }
  }
}

/** Undefined for a tombstone that was damaged: it stays one. */
async function readDestroyedAt(path: string): Promise<number | undefined> {
  try {
    const stored: unknown = JSON.parse((await readPrivateFile(path))?.toString("utf8") ?? "");
    if (typeof stored !== "object" || stored === null || !("destroyedAt" in stored)) return undefined;
    return typeof stored.destroyedAt === "number" ? stored.destroyedAt : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
