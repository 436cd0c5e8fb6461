import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openAppendLog } from "../../cli/append-log.ts";
import { openResultsFile } from "../../cli/results-file.ts";
import { failingWrites } from "./failing-writes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

afterEach(() => vi.restoreAllMocks());

async function restored(path: string): Promise<object[]> {
  const records: object[] = [];
  const log = await openAppendLog(path, (record) => records.push(record));
  await log.close();
  return records;
}

describe("an append log", () => {
  it("gives back what was appended, in order, mode 0600", async () => {
    const path = join(temporaryDirectory(), "log");
    const log = await openAppendLog(path, () => undefined);
    const records = Array.from({ length: 500 }, (_, index) => ({ index, text: "ü\n".repeat(index % 7) }));
    await Promise.all(records.map((record) => log.append(record)));
    await log.close();
    expect(await restored(path)).toEqual(records);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("is on disk when append resolves", async () => {
    const path = join(temporaryDirectory(), "log");
    const log = await openAppendLog(path, () => undefined);
    await log.append({ a: 1 });
    expect(readFileSync(path, "utf8")).toBe('{"a":1}\n');
    await log.close();
  });

  it("tolerates a last line cut anywhere, and appends after the last whole one", async () => {
    const whole = '{"a":1}\n{"a":2}\n';
    const last = '{"b":"ünfinished"}\n';
    const bytes = Buffer.from(last);
    for (let cut = 1; cut < bytes.length; cut++) {
      const path = join(temporaryDirectory(), "log");
      writeFileSync(path, Buffer.concat([Buffer.from(whole), bytes.subarray(0, cut)]));
      const log = await openAppendLog(path, () => undefined);
      await log.append({ c: 3 });
      await log.close();
      expect(readFileSync(path, "utf8")).toBe(`${whole}{"c":3}\n`);
    }
  });

  it("tolerates a last line of zeros with its line end, as a power cut leaves", async () => {
    const path = join(temporaryDirectory(), "log");
    writeFileSync(path, '{"a":1}\n\0\0\0\0\n');
    expect(await restored(path)).toEqual([{ a: 1 }]);
    expect(readFileSync(path, "utf8")).toBe('{"a":1}\n');
  });

  it("refuses a broken line that is not the last, and leaves the file alone", async () => {
    const path = join(temporaryDirectory(), "log");
    const text = '{"a":1}\nbroken\n{"a":2}\n';
    writeFileSync(path, text);
    await expect(restored(path)).rejects.toMatchObject({
      code: "results_malformed",
      message: expect.stringContaining("line 2"),
    });
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("reads records longer than a chunk of the stream", async () => {
    const path = join(temporaryDirectory(), "log");
    const records = [{ text: "x".repeat(200_000) }, { text: "y".repeat(70_000) }];
    writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    expect(await restored(path)).toEqual(records);
  });

  it("in a directory that is missing is a local file problem", async () => {
    await expect(restored("/nowhere/log")).rejects.toMatchObject({ code: "file_missing", exit: "localFile" });
  });
});

describe("an append log on a full disk", () => {
  const unwritable = {
    code: "results_unwritable",
    exit: "localFile",
    message: expect.stringMatching(/ENOSPC/),
  };

  it("leaves whole lines only, and refuses all further records even when there is space again", async () => {
    const path = join(temporaryDirectory(), "log");
    const log = await openAppendLog(path, () => undefined);
    await log.append({ a: "ü" });
    await failingWrites(1, 7);
    const torn = log.append({ b: 2 });
    // The batch that waits behind the torn one.
    const next = torn.catch(() => log.append({ c: 3 }));
    await expect(torn).rejects.toMatchObject(unwritable);
    await expect(next).rejects.toMatchObject(unwritable);
    await expect(log.append({ d: 4 })).rejects.toMatchObject(unwritable);
    await log.close();
    expect(readFileSync(path, "utf8")).toBe('{"a":"ü"}\n');
    expect(await restored(path)).toEqual([{ a: "ü" }]);
  });

  it("that cannot be cut either ends in the torn line, which the next run removes", async () => {
    const path = join(temporaryDirectory(), "log");
    const log = await openAppendLog(path, () => undefined);
    await log.append({ a: 1 });
    const prototype = await failingWrites(1, 5);
    vi.spyOn(prototype, "truncate").mockRejectedValueOnce(Object.assign(new Error("EIO"), { code: "EIO" }));
    await expect(log.append({ b: 2 })).rejects.toMatchObject(unwritable);
    await expect(log.append({ c: 3 })).rejects.toMatchObject(unwritable);
    await log.close();
    expect(readFileSync(path, "utf8")).toBe('{"a":1}\n{"b":');
    expect(await restored(path)).toEqual([{ a: 1 }]);
  });
});

describe("a results file", () => {
  const key = { deviceId: "a", csrSha256: "00" };
  const issued = {
    serialNumber: "01",
    certificate: "c",
    chain: "",
    notBefore: "n",
    notAfter: "n",
    renewAfter: "n",
  };

  it("knows a device by its CSR as well", async () => {
    const path = join(temporaryDirectory(), "results");
    const first = await openResultsFile(path);
    await first.recordFailed(
      { deviceId: "b", csrSha256: "00" },
      { code: "key_weak", detail: "d" },
      new Date(0),
    );
    await first.recordIssued(key, issued, new Date(0));
    await first.close(false);
    const second = await openResultsFile(path);
    expect(second.isIssued(key)).toBe(true);
    expect(second.isIssued({ ...key, csrSha256: "01" })).toBe(false);
    expect(second.isIssued({ deviceId: "b", csrSha256: "00" })).toBe(false);
    await second.close(true);
  });

  it("keeps tokens in a file of their own until all is done", async () => {
    const path = join(temporaryDirectory(), "results");
    const first = await openResultsFile(path);
    await first.recordToken(key, "secret-token");
    await first.close(false);
    expect(readFileSync(path, "utf8")).toBe("");
    expect(statSync(`${path}.tokens`).mode & 0o777).toBe(0o600);
    const second = await openResultsFile(path);
    expect(second.tokenOf(key)).toBe("secret-token");
    await second.close(true);
    expect(() => statSync(`${path}.tokens`)).toThrow("ENOENT");
  });
});
