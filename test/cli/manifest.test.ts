import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCsvRows } from "../../cli/csv-rows.ts";
import { makeDeviceKey } from "../../cli/device-key.ts";
import { checkManifest, type ManifestEntry, readManifest, readManifestCsr } from "../../cli/manifest.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function manifest(name: string, text: string): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function entriesOf(path: string): Promise<ManifestEntry[]> {
  return collect(readManifest(path));
}

describe("RFC 4180: CSV", () => {
  const rows = async (...chunks: string[]) => {
    async function* stream() {
      yield* chunks;
    }
    return (await collect(readCsvRows(stream()))).map(({ line, cells }) => [line, ...cells]);
  };
  const cases = [
    {
      name: "plain rows",
      text: "a,b\nc,d\n",
      expected: [
        [1, "a", "b"],
        [2, "c", "d"],
      ],
    },
    {
      name: "CRLF and no line end at the end",
      text: "a,b\r\nc,d",
      expected: [
        [1, "a", "b"],
        [2, "c", "d"],
      ],
    },
    {
      name: "quotes around commas, quotes and lines",
      text: '"a,1","b ""x""\ny"\nc,d',
      expected: [
        [1, "a,1", 'b "x"\ny'],
        [3, "c", "d"],
      ],
    },
    {
      name: "empty cells and lines",
      text: ',\n\n"",x\n',
      expected: [
        [1, "", ""],
        [3, "", "x"],
      ],
    },
    { name: "a byte order mark", text: "\ufeffa,b", expected: [[1, "a", "b"]] },
    { name: "nothing", text: "", expected: [] },
  ];
  it.each(cases)("reads $name, however the stream is cut", async ({ text, expected }) => {
    expect(await rows(text)).toEqual(expected);
    expect(await rows(...text)).toEqual(expected);
  });

  it.each([{ text: 'a,"b' }, { text: 'a,b"c' }, { text: 'a,"b"c' }])("refuses $text", async ({ text }) => {
    await expect(rows(text)).rejects.toMatchObject({ code: "manifest_malformed", exit: "localFile" });
  });
});

describe("a manifest", () => {
  it("is JSON Lines, blank lines and further members allowed", async () => {
    const path = manifest(
      "m.jsonl",
      '{"deviceId":"a","csr":"a.csr"}\n\n{"deviceId":"b","csr":"b.csr","token":"t","note":1}',
    );
    expect(await entriesOf(path)).toEqual([
      { line: 1, deviceId: "a", csr: "a.csr" },
      { line: 3, deviceId: "b", csr: "b.csr", token: "t" },
    ]);
    expect(await checkManifest(path)).toEqual({ devices: 2, withoutToken: 1 });
  });

  it("is CSV with a header, columns in any order", async () => {
    const path = manifest("m.csv", 'token,csr,deviceId,note\n,a.csr,a,\nt,"-----BEGIN\n…",b,x\n');
    expect(await entriesOf(path)).toEqual([
      { line: 2, deviceId: "a", csr: "a.csr" },
      { line: 3, deviceId: "b", csr: "-----BEGIN\n…", token: "t" },
    ]);
  });

  const bad = [
    { name: "no JSON", file: "m.jsonl", text: '{"deviceId":"a","csr":"x"}\n{"deviceId":', line: 2 },
    { name: "no object", file: "m.jsonl", text: "7", line: 1 },
    { name: "no device", file: "m.jsonl", text: '{"csr":"x"}', line: 1 },
    { name: "a device that is a path", file: "m.jsonl", text: '{"deviceId":"../a","csr":"x"}', line: 1 },
    { name: "no csr", file: "m.jsonl", text: '{"deviceId":"a","csr":" "}', line: 1 },
    {
      name: "a token with a line end",
      file: "m.jsonl",
      text: '{"deviceId":"a","csr":"x","token":"a\\nb"}',
      line: 1,
    },
    {
      name: "a device twice",
      file: "m.jsonl",
      text: '{"deviceId":"a","csr":"x"}\n{"deviceId":"a","csr":"y"}',
      line: 2,
    },
    { name: "no header", file: "m.csv", text: "a,x.csr\n", line: 1 },
    { name: "a short row", file: "m.csv", text: "deviceId,csr\na,x\nb\n", line: 3 },
  ];
  it.each(bad)(
    "with $name is refused by line number, and nothing of it is shown",
    async ({ file, text, line }) => {
      const failure = await checkManifest(manifest(file, text)).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "manifest_malformed",
        exit: "localFile",
        message: expect.stringContaining(`line ${line}:`),
      });
    },
  );

  it("that is missing is a local file problem", async () => {
    await expect(checkManifest("/nowhere/m.jsonl")).rejects.toMatchObject({ code: "file_missing" });
    await expect(checkManifest("/nowhere/m.csv")).rejects.toMatchObject({ code: "file_missing" });
  });
});

describe("a row's CSR", () => {
  it.each(["P-256", "Ed25519", "RSA-2048", "ML-DSA-44"] as const)(
    "of %s is PEM, base64 or a path",
    async (algorithm) => {
      const { csr } = await makeDeviceKey("a", algorithm);
      const [der = Buffer.alloc(0)] = decodePem(csr, "CERTIFICATE REQUEST");
      const path = manifest("m.jsonl", "");
      writeFileSync(join(path, "..", "a.csr"), csr);
      writeFileSync(join(path, "..", "a.der"), der);
      for (const text of [csr, der.toString("base64"), "a.csr", "a.der", join(path, "..", "a.csr")]) {
        expect(await readManifestCsr({ line: 1, deviceId: "a", csr: text }, path)).toEqual(der);
      }
    },
  );

  it("that is no file is this row's failure", async () => {
    const entry = { line: 1, deviceId: "a", csr: "missing.csr" };
    await expect(readManifestCsr(entry, "/nowhere/m.jsonl")).rejects.toMatchObject({ code: "file_missing" });
  });
});
