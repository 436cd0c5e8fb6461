/** Room: test. The embedded server in a process of its own, with all that it writes kept, and clients who remember secrets. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { AgentOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Answer, type Api, apiClient, type Call } from "../../support/api.ts";

const script = join(import.meta.dirname, "../../local/fixtures/server.ts");

export interface Service {
  /** `https://localhost:PORT`, where sessions are used. */
  readonly origin: string;
  readonly directory: string;
  /** PEM files of the bootstrap. */
  readonly root: string;
  readonly operator: { readonly cert: string; readonly key: string };
  /** What proves something to whoever has it, and must come out nowhere. */
  readonly secrets: Set<string>;
  /** Signatures of approvals among them, which are kept with these for whoever audits. */
  readonly kept: Set<string>;
  /** Sends to the service. What is in `credentials` and headers is remembered as secret. */
  call(path: string, options?: Call & { readonly tls?: AgentOptions }): Promise<Answer>;
  /** Ends the process, and gives what it wrote to standard error and standard output. */
  stop(): Promise<{ readonly errors: string; readonly output: string }>;
  remove(): Promise<void>;
}

/** Lines of a PEM file, but for those that every such file has. */
export const pemLines = (pem: string): readonly string[] =>
  pem.split("\n").filter((line) => line.length === 64 && !line.startsWith("-----"));

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

async function failedStart(child: ChildProcess): Promise<never> {
  await once(child, "exit");
  throw new Error(`the server ended with ${child.exitCode} before it said its URL`);
}

/** @param trusted PEM of authorities of identity providers whom the service is to believe over TLS. */
export async function startService(trusted: string): Promise<Service> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-canary-"));
  const dataDir = join(directory, "data");
  await writeFile(join(directory, "trusted.pem"), trusted);
  const errorFile = join(directory, "stderr.log");
  const descriptor = openSync(errorFile, "w", 0o600);
  const child = spawn(process.execPath, [script, dataDir], {
    stdio: ["ignore", "pipe", descriptor],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, "trusted.pem") },
  });
  closeSync(descriptor);
  if (child.stdout === null) throw new Error("no output");
  const output: string[] = [];
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => output.push(line));
  const [url] = (await Promise.race([once(lines, "line"), failedStart(child)])) as [string];
  const read = (file: string) => readFile(join(dataDir, "bootstrap", file), "utf8");
  const [root, cert, key] = await Promise.all([read("root.pem"), read("operator.pem"), read("operator.key")]);
  const origin = `https://localhost:${new URL(url).port}`;
  const clients: Api[] = [];
  const secrets = new Set(pemLines(key));
  return {
    origin,
    directory: dataDir,
    root,
    operator: { cert, key },
    secrets,
    kept: new Set(),
    async call(path, { tls = {}, ...options } = {}) {
      const client = apiClient(origin, { ca: root, ...tls });
      clients.push(client);
      const { authorization = "", dpop } = options.headers ?? {};
      for (const secret of [authorization.replace(/^\w+ /, ""), dpop ?? ""])
        if (secret.length > 20) secrets.add(secret);
      return client.call(path, options);
    },
    async stop() {
      for (const client of clients) client.close();
      await ended(child);
      return { errors: await readFile(errorFile, "utf8"), output: output.join("\n") };
    },
    async remove() {
      await ended(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const keepsNoKey = (path: string): boolean => !path.endsWith("operator.key");

/** Every file below `directory`, but for those in which the service keeps a key for its owner. */
export async function filesOf(directory: string, wanted = keepsNoKey): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const));
  return new Map(files.filter(([path]) => wanted(path)));
}
