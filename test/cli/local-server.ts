/** `fleetkey serve` as a process, for tests that go the whole way over HTTPS. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createHttpsClient, type HttpsClient } from "../../cli/https-client.ts";
import { type RunOptions, type RunResult, runCli } from "./run-cli.ts";

const root = resolve(import.meta.dirname, "../..");

export interface LocalServer {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** `https://localhost:PORT`: the origin of its page for passkeys. */
  readonly origin: string;
  /** Holds the data directory, and what a test writes; goes with the server. */
  readonly place: string;
  readonly dataDir: string;
  /** As the page's browser: trusts the server's root, shows no certificate. */
  readonly browser: HttpsClient;
  /** The command line, as the first fleet's first operator unless flags say otherwise. */
  fleetkey(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  stop(): Promise<void>;
}

async function urlOf(child: ChildProcess): Promise<string> {
  const { promise, resolve: done, reject } = Promise.withResolvers<string>();
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.endsWith("}\n")) done((JSON.parse(stdout) as { url: string }).url);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.on("exit", (code) => reject(new Error(`serve ended with ${code}: ${stderr}`)));
  return promise;
}

export async function startLocalServer(): Promise<LocalServer> {
  const place = mkdtempSync(join(tmpdir(), "fleetkey-served-"));
  const dataDir = join(place, "data");
  const argv = ["cli/main.ts", "serve", "--json", "--port", "0", "--data-dir", dataDir];
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const url = await urlOf(child);
  const origin = `https://localhost:${new URL(url).port}`;
  const ca = readFileSync(join(dataDir, "bootstrap", "root.pem"), "utf8");
  const browser = createHttpsClient({ url: origin, ca });
  return {
    url,
    origin,
    place,
    dataDir,
    browser,
    fleetkey: (words, options) => runCli([...words, "--data-dir", dataDir, "--url", url], options),
    async stop() {
      browser.close();
      const ended = new Promise((done) => child.on("exit", done));
      child.kill("SIGTERM");
      await ended;
      rmSync(place, { recursive: true, force: true });
    },
  };
}
