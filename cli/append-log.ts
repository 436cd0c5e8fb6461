/** Room: cli. JSON Lines that survive a kill: whole records on disk before anyone relies on them. */
import { type FileHandle, open } from "node:fs/promises";
import { fileFailure } from "./credential-files.ts";
import { Failure, systemCode } from "./failure.ts";
import { parseJsonText } from "./json-text.ts";

export interface AppendLog {
  /**
   * Resolves when the record is on disk; records of the same moment share one fsync. Throws
   * `results_unwritable` when it could not be written, and from then on for every record.
   */
  append(record: object): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens `path` for appending and calls `restore` with each record that is there, in order. A last line that
 * a crash cut short is removed. Throws `results_malformed` for a broken line that is not the last.
 */
export async function openAppendLog(path: string, restore: (record: object) => void): Promise<AppendLog> {
  try {
    const file = await open(path, "a+", 0o600);
    try {
      const whole = await restoreRecords(file, path, restore);
      await file.truncate(whole);
      return batching(file, path, whole);
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** Resolves to the length of the whole lines, in bytes. */
async function restoreRecords(
  file: FileHandle,
  path: string,
  restore: (record: object) => void,
): Promise<number> {
  let whole = 0;
  let lines = 0;
  let broken: number | undefined;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      lines += 1;
      if (broken !== undefined) throw malformed(path, broken);
      const record = parseJsonText(rest.toString("utf8", 0, end));
      if (typeof record === "object" && record !== null) {
        restore(record);
        whole += end + 1;
      } else {
        broken = lines;
      }
      rest = rest.subarray(end + 1);
    }
  }
  return whole;
}

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** `length` is that of the whole lines in the file. */
function batching(file: FileHandle, path: string, length: number): AppendLog {
  let good = length;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let broken: Failure | undefined;

  const write = async (text: string): Promise<void> => {
    // What comes after a torn line would break the file in its middle, and after a failed fsync nobody knows
    // what the disk holds: the next run reads the file and goes on.
    if (broken !== undefined) throw broken;
    try {
      await file.appendFile(text);
      await file.datasync();
      good += Buffer.byteLength(text);
    } catch (error) {
      broken = unwritable(error, path);
      // If this fails too, the torn line stays the last one, and the next run removes it.
      await file.truncate(good).catch(() => undefined);
      throw broken;
    }
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await write(batch.map(({ text }) => text).join(""));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = undefined;
  };

  return {
    append(record) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ text: `${JSON.stringify(record)}\n`, resolve, reject });
      writing ??= drain();
      return promise;
    },
    async close() {
      await writing;
      await file.close();
    },
  };
}

function unwritable(error: unknown, path: string): Failure {
  const message = `${path} cannot be written: ${systemCode(error) ?? "failed"}`;
  return new Failure("localFile", "results_unwritable", message, {
    remedy: "free some space or see to the disk, and run the same command again; it goes on from here",
    cause: error,
  });
}

function malformed(path: string, line: number): Failure {
  return new Failure("localFile", "results_malformed", `${path}, line ${line} is no JSON object`, {
    remedy: "name another file with --results, or repair this one",
  });
}
