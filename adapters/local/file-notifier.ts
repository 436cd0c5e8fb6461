/**
 * Room: adapters/local. The Notifier on a file of JSON lines, which people or a program of theirs follow. A notice is on
 * the disk when its promise resolves; notices of the same moment share one fsync.
 */
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../../core/errors.ts";
import { encodeNotice } from "../../core/notice.ts";
import type { Notice, Notifier } from "../../core/ports.ts";
import { FileLock } from "./file-lock.ts";
import { isBusy } from "./sqlite/failures.ts";
import { makeDirectories, syncDirectory, systemCode } from "./whole-files.ts";

export interface FileNotifierOptions {
  /** Made with mode 0600 when absent, and its directory with 0700; `{path}.lock` stands beside it. */
  readonly path: string;
  /** Milliseconds since the epoch. @default the machine's clock */
  readonly now?: () => number;
}

/**
 * As the port promises. A line is the message of `core/notice.ts` with a first member `time` (ISO 8601, UTC). The file
 * may be moved away at any time: the next notice makes a new one.
 */
export function fileNotifier(options: FileNotifierOptions): Notifier {
  return new FileNotifier(options.path, options.now ?? Date.now);
}

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class FileNotifier implements Notifier {
  readonly #path: string;
  readonly #now: () => number;
  readonly #lock: FileLock;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#lock = new FileLock(`${path}.lock`);
  }

  async notify(notice: Notice): Promise<void> {
    const message: object = JSON.parse(encodeNotice(notice).message);
    const line = `${JSON.stringify({ time: new Date(this.#now()).toISOString(), ...message })}\n`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ line, resolve, reject });
    this.#writing ??= this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(batch.map(({ line }) => line).join(""));
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        for (const { reject } of batch) reject(failure(cause));
      }
    }
    this.#writing = undefined;
  }

  async #append(lines: string): Promise<void> {
    await makeDirectories(dirname(this.#path));
    await this.#lock.hold(async () => {
      const file = await open(this.#path, "a+", 0o600);
      try {
        await appendWhole(file, lines);
      } finally {
        await file.close();
      }
      await syncDirectory(dirname(this.#path));
    });
  }
}

function failure(cause: unknown): AppError {
  const message = isBusy(cause)
    ? "another process is writing notices; try again"
    : `notice file: ${systemCode(cause) ?? "failed"}; check the disk and its permissions`;
  return new AppError("notifier_unavailable", message, { cause, retryAfter: 1 });
}

/** While the lock is held: what stands behind the last whole line, nobody was told of. */
async function appendWhole(file: FileHandle, lines: string): Promise<void> {
  const { size } = await file.stat();
  const whole = await wholeOctets(file, size);
  if (whole < size) await file.truncate(whole);
  try {
    await file.appendFile(lines);
    await file.sync();
  } catch (cause) {
    // If this fails too, the next notice removes what is torn.
    await file.truncate(whole).catch(() => undefined);
    throw cause;
  }
}

const newline = 0x0a;
const blockOctets = 65_536;

/** Length of the file's whole lines. */
async function wholeOctets(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(Math.min(blockOctets, size));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockOctets);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const last = block.subarray(0, bytesRead).lastIndexOf(newline);
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}
