/**
 * Room: adapters/local. The custody of keys that lie in the software key store: a deletion is a file beside the key,
 * which the key service looks for before it signs; what is due is destroyed as soon as anybody asks about it.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { checkDeletionDays, checkLoanName } from "../../core/custody-limits.ts";
import { AppError } from "../../core/errors.ts";
import type { Clock, KeyCustody, KeyLoan, KeyState } from "../../core/ports.ts";
import { FileLock } from "./file-lock.ts";
import {
  type DeletionRecord,
  deletionPath,
  encodeDeletion,
  parseDeletion,
} from "./keystore/deletion-record.ts";
import { destroyKeyFile } from "./keystore/key-destruction.ts";
import { parseKeyId, unknownKey } from "./keystore/key-id.ts";
import { isKeyFileOf, keyFileName } from "./keystore/key-record.ts";
import { fileFailure, publishPrivateFile, readPrivateFile } from "./keystore/private-files.ts";
import { removeFile } from "./whole-files.ts";

export interface SoftwareKeyCustodyOptions {
  /** That of the key service, which has made it. */
  readonly directory: string;
  readonly clock: Pick<Clock, "now">;
}

/** As the port promises. `createdAt` is when the key's file was written, which a copy by hand may change. */
export function softwareKeyCustody({ directory, clock }: SoftwareKeyCustodyOptions): KeyCustody {
  return new SoftwareKeyCustody(directory, clock);
}

const dayMilliseconds = 86_400_000;
class SoftwareKeyCustody implements KeyCustody {
  readonly #directory: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #lock: FileLock;

  constructor(directory: string, clock: Pick<Clock, "now">) {
    this.#directory = directory;
    this.#clock = clock;
    this.#lock = new FileLock(join(directory, "custody.lock"));
  }

  stateOf(keyId: string): Promise<KeyState> {
    return this.#alone(keyId, () => this.#stateOf(keyId));
  }

  async scheduleDeletion(keyId: string, days: number): Promise<KeyState> {
    checkDeletionDays(days);
    return this.#alone(keyId, async () => {
      const state = await this.#stateOf(keyId);
      if (state.condition === "pendingDeletion") return state;
      const deletion = { keyId, deletionAt: this.#clock.now() + days * dayMilliseconds };
      await publishPrivateFile(deletionPath(this.#directory, keyId), encodeDeletion(deletion));
      return this.#stateOf(keyId);
    });
  }

  async cancelDeletion(keyId: string): Promise<KeyState> {
    return this.#alone(keyId, async () => {
      const state = await this.#stateOf(keyId);
      if (state.condition !== "pendingDeletion") return state;
      await removeFile(deletionPath(this.#directory, keyId));
      return this.#stateOf(keyId);
    });
  }

  /** Here whoever has the key store signs with all of it: a loan is the leave that was asked for, and nothing more. */
  async lend(keyId: string, name: string): Promise<KeyLoan> {
    checkLoanName(name);
    const { condition } = await this.stateOf(keyId);
    if (condition === "enabled") return { loanId: name };
    throw new AppError("key_disabled", "the key is to be destroyed and cannot be lent; cancel that first");
  }

  async endLoan(keyId: string): Promise<void> {
    parseKeyId(keyId);
  }

  /** One caller at a time among all processes. */
  async #alone(keyId: string, work: () => Promise<KeyState>): Promise<KeyState> {
    parseKeyId(keyId);
    try {
      return await this.#lock.hold(work);
    } catch (error) {
      throw fileFailure(join(this.#directory, "custody.lock"), error);
    }
  }

  async #stateOf(keyId: string): Promise<KeyState> {
    const deletion = await this.#deletion(keyId);
    if (deletion !== undefined && deletion.deletionAt <= this.#clock.now()) {
      await destroyKeyFile(this.#directory, keyId);
      throw unknownKey();
    }
    const createdAt = await this.#createdAt(keyId);
    if (deletion === undefined) return { keyId, condition: "enabled", createdAt };
    return { keyId, condition: "pendingDeletion", createdAt, deletionAt: deletion.deletionAt };
  }

  async #deletion(keyId: string): Promise<DeletionRecord | undefined> {
    const content = await readPrivateFile(deletionPath(this.#directory, keyId));
    return content === undefined ? undefined : parseDeletion(content, keyId);
  }

  /** @throws AppError key_not_found where the file is not there, or another key's. */
  async #createdAt(keyId: string): Promise<number> {
    const name = keyFileName(parseKeyId(keyId).alias);
    const path = join(this.#directory, name);
    const content = await readPrivateFile(path);
    if (content === undefined || !isKeyFileOf(content, keyId, name)) throw unknownKey();
    return Math.floor((await stat(path)).mtimeMs);
  }
}
