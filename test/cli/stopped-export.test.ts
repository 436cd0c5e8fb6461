/** An export that stops: what is written is whole, and the cursor is told. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommandLine } from "../../cli/command-line.ts";
import { type FakeService, problemAnswer, startFakeService } from "./fake-service.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");

describe("an export that stops", () => {
  let service: FakeService;
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(() => service.close());

  const page = (text: string, cursor?: string) => ({
    status: 200,
    headers: {
      "content-type": "text/csv",
      // Elsewhere: of the address nothing but the cursor counts.
      ...(cursor === undefined
        ? {}
        : { link: `<https://evil.example/x?cursor=${cursor}&limit=1>; rel="next"` }),
    },
    body: text,
  });
  const argv = (file: string, ...more: string[]) => [
    "cert",
    "export",
    "--format",
    "csv",
    "--out",
    file,
    ...more,
    ...service.flags,
  ];

  it("keeps whole lines and says from where to go on; the rest is appended", async () => {
    const file = join(temporaryDirectory(), "all.csv");
    service.intercept = ({ path }) =>
      path.includes("cursor=two") ? problemAnswer(400, "request_invalid") : page("a,b\r\n1,2\r\n", "two");
    const stopped = await runCli(argv(file));
    expect(stopped).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("go on with the same flags and --cursor two"),
    });
    expect(readFileSync(file, "utf8")).toBe("a,b\r\n1,2\r\n");
    service.intercept = () => page("3,4\r\n");
    expect(await runCli(argv(file, "--cursor", "two"))).toMatchObject({
      code: 0,
      stderr: "1 certificates\n",
    });
    expect(readFileSync(file, "utf8")).toBe("a,b\r\n1,2\r\n3,4\r\n");
    expect(service.requests.every(({ path }) => path.startsWith("/v1/fleets/default/certificates?"))).toBe(
      true,
    );
  });

  it("by Ctrl-C ends with 130 and the cursor", async () => {
    const stop = new AbortController();
    service.intercept = ({ path }) => {
      if (!path.includes("cursor=two")) return page("a,b\r\n", "two");
      stop.abort();
      return "silence";
    };
    const file = join(temporaryDirectory(), "all.csv");
    expect(await runCli(argv(file), { interrupted: stop.signal })).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("--cursor two"),
    });
  });

  it("takes no answer of another kind for rows, and keeps the file", async () => {
    service.intercept = () => ({ ...page("<html>"), headers: { "content-type": "text/html" } });
    const file = join(temporaryDirectory(), "all.csv");
    writeFileSync(file, "of yesterday\n");
    expect(await runCli(argv(file))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[answer_malformed]"),
    });
    expect(readFileSync(file, "utf8")).toBe("of yesterday\n");
  });

  it.each([
    { name: "is no address", links: ["<http://[>"], written: "" },
    { name: "leads to the same page", links: ["</x?cursor=a>", "</x?cursor=a>"], written: "1\r\n" },
    {
      name: "leads back to an earlier one",
      links: ["</x?cursor=a>", "</x?cursor=b>", "</x?cursor=a>"],
      written: "1\r\n2\r\n",
    },
  ])("by a link to the next page that $name: this page is not written", async ({ links, written }) => {
    let asked = 0;
    service.intercept = () => {
      asked += 1;
      const link = `${links[asked - 1]}; rel="next"`;
      return { ...page(`${asked}\r\n`), headers: { "content-type": "text/csv", link } };
    };
    const file = join(temporaryDirectory(), "all.csv");
    const { code, stderr } = await runCli(argv(file));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("[answer_malformed]") });
    expect(existsSync(file) ? readFileSync(file, "utf8") : "").toBe(written);
  });

  /** The command in a process of its own, its stdout a file; the service stays in this one. */
  async function exportInto(descriptor: number, prefix: string) {
    const command = [process.execPath, "cli/main.ts", "cert", "export", "--format", "csv", ...service.flags];
    const child = spawn("sh", ["-c", `${prefix} exec "$0" "$@"`, ...command], {
      cwd: root,
      stdio: ["ignore", descriptor, "pipe"],
    });
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise((done) => child.on("close", done));
    closeSync(descriptor);
    return { code, stderr };
  }

  it.skipIf(process.platform !== "linux")(
    "by a full disk behind stdout: status 5, and no stack",
    async () => {
      service.intercept = () => page("a,b\r\n");
      const { code, stderr } = await exportInto(openSync("/dev/full", "w"), "");
      expect(stderr).toMatch(/^error: stdout: ENOSPC \[file_failed\]\n {2}free some space and run .+\n$/);
      expect(code).toBe(5);
    },
  );

  it("by a disk that has no room for the whole of a page: stdout has whole pages, stderr the cursor", async () => {
    const first = `${"1".repeat(98)}\r\n`;
    service.intercept = ({ path }) =>
      path.includes("cursor=two") ? page(first.repeat(300), "three") : page(first, "two");
    const file = join(temporaryDirectory(), "all.csv");
    // Blocks have 512 octets or 1,024, as the shell has it. Without the trap a signal would end the process.
    const { code, stderr } = await exportInto(openSync(file, "w"), "trap '' XFSZ; ulimit -f 8;");
    expect(stderr).toMatch(/^error: stdout: EFBIG \[file_failed\]\n.+ --cursor two\n$/);
    expect(code).toBe(5);
    expect(readFileSync(file, "utf8")).toBe(first);
  });

  it("asks for no more than a slow reader of stdout has taken", async () => {
    let asked = 0;
    service.intercept = () => {
      asked += 1;
      return page("1,2\r\n", asked < 3 ? `page-${asked}` : undefined);
    };
    const seen: number[] = [];
    const write = (): boolean => {
      seen.push(asked);
      return false;
    };
    const once = (_event: "drain", listener: () => void) => setTimeout(listener, 30);
    const code = await runCommandLine(["cert", "export", "--format", "csv", ...service.flags], {
      ...{ env: {}, stdin: Readable.from([]), stdout: { write, once }, stderr: { write: () => true } },
      ...{ interrupted: new AbortController().signal, now: Date.now },
    });
    expect({ code, seen }).toEqual({ code: 0, seen: [1, 2, 3] });
  });

  it("replaces what was in the file before", async () => {
    const file = join(temporaryDirectory(), "all.csv");
    writeFileSync(file, "of yesterday\n");
    service.intercept = () => page("a,b\r\n");
    expect((await runCli(argv(file))).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe("a,b\r\n");
  });
});
