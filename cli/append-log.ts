/** Room: cli. JSON Lines that survive a kill: whole records on disk before anyone relies on them. */
import { type FileHandle, open } from "node:fs/promises";
import { fileFailure } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import { parseJsonText } from "./json-text.ts";

export interface AppendLog {
  /** Resolves when the record is on disk; records of the same moment share one fsync. */
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
    } catch (error) {
      await file.close();
      throw error;
    }
    return batching(file, path);
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

function batching(file: FileHandle, path: string): AppendLog {
  let waiting: { text: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let writing: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await file.appendFile(batch.map(({ text }) => text).join(""));
        await file.datasync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(toFileFailure(error, path));
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

function toFileFailure(error: unknown, path: string): unknown {
  try {
    return fileFailure(error, path);
  } catch (thrown) {
    return thrown;
  }
}

function malformed(path: string, line: number): Failure {
  return new Failure("localFile", "results_malformed", `${path}, line ${line} is no JSON object`, {
    remedy: "name another file with --results, or repair this one",
  });
}
