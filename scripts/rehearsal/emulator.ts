/**
 * Room: scripts/rehearsal. Starts and ends ministack, an independent emulator of AWS, on this machine's loopback. It
 * speaks HTTPS, because bucket policies that refuse plain HTTP are evaluated too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:https";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repository, runCommand } from "../deployment/command.ts";
import { StepFailure } from "../deployment/failure.ts";
import type { ServerFiles } from "./throwaway-authority.ts";

export interface EmulatorOptions {
  /** For its state and log; on exit nothing of it is needed. */
  readonly directory: string;
  readonly server: ServerFiles;
  readonly region: string;
  /** Whether every call is checked against the caller's policies. */
  readonly evaluatesIam: boolean;
}

export interface Emulator {
  readonly port: number;
  readonly url: string;
  readonly processId: number;
  /** Environment in which the SDK and the CDK find it. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends it and what it started. */
  stop(): Promise<void>;
}

const python = join(repository, ".judges/python/bin/python");

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer().on("error", reject);
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

/** What both sides need: the emulator takes the root credentials from its environment. */
const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

/** Only what is named here: an account of the person who rehearses is never in reach. */
function baseEnvironment({ directory, region, server }: EmulatorOptions): NodeJS.ProcessEnv {
  return {
    ...credentials,
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
    HOME: join(directory, "home"),
    TMPDIR: join(directory, "tmp"),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    CI: "true",
    NO_COLOR: "1",
    NODE_EXTRA_CA_CERTS: server.authority,
  };
}

function emulatorEnvironment(options: EmulatorOptions, port: number): NodeJS.ProcessEnv {
  const { directory, region, server, evaluatesIam } = options;
  return {
    ...baseEnvironment(options),
    BIND_HOST: "127.0.0.1",
    GATEWAY_PORT: String(port),
    EDGE_PORT: String(port),
    // Listeners of its own that nobody here needs.
    IOT_MTLS_ENABLED: "0",
    SFTP_ENABLED: "0",
    USE_SSL: "1",
    MINISTACK_SSL_CERT: server.chain,
    MINISTACK_SSL_KEY: server.key,
    MINISTACK_REGION: region,
    S3_DATA_DIR: join(directory, "s3"),
    STATE_DIR: join(directory, "state"),
    AUTH: String(evaluatesIam),
    // Finds corrected_emulator.py, and leaves nothing beside it.
    PYTHONPATH: import.meta.dirname,
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

function probe(url: string, ca: Buffer): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const agent = new Agent({ ca });
  request(`${url}/_ministack/ready`, { agent, timeout: 2_000 }, (response) => {
    response.resume();
    response.on("end", () => resolve(response.statusCode ?? 0));
  })
    .on("error", () => resolve(0))
    .on("timeout", () => resolve(0))
    .end();
  return promise.finally(() => agent.destroy());
}

async function waitUntilReady(url: string, child: ChildProcess, options: EmulatorOptions): Promise<void> {
  const ca = await readFile(options.server.authority);
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break;
    if ((await probe(url, ca)) === 200) return;
    await sleep(100);
  }
  const log = await readFile(join(options.directory, "emulator.log"), "utf8");
  throw new StepFailure(
    `ministack does not answer at ${url}:\n${log.slice(-2_000)}`,
    "see .ci/install-emulators",
  );
}

/** Asked to end; after five seconds ended with everything in its process group. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, 5_000);
  await ended;
  clearTimeout(timer);
}

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { directory } = options;
  if (!existsSync(python)) throw new StepFailure("ministack is not installed", "bash .ci/install-emulators");
  for (const name of ["home", "tmp", "s3", "state"]) await mkdir(join(directory, name), { recursive: true });
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  // Hypercorn itself, in one process: ministack's own start would also take port 443 of the loopback.
  const serve = [
    "-m",
    "hypercorn",
    "corrected_emulator:app",
    "--workers",
    "0",
    "--bind",
    `127.0.0.1:${port}`,
  ];
  const tls = ["--certfile", options.server.chain, "--keyfile", options.server.key];
  const child = spawn(python, [...serve, ...tls, "--keep-alive", "75"], {
    cwd: directory,
    env: emulatorEnvironment(options, port),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const log = createWriteStream(join(directory, "emulator.log"));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  // Whatever ends this process ends the emulator and its functions too.
  const endAtExit = (): void => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", endAtExit);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off("exit", endAtExit);
    log.end();
    await rm(join(directory, "tmp"), { recursive: true, force: true });
  };
  try {
    await waitUntilReady(url, child, options);
  } catch (error) {
    await stop();
    throw error;
  }
  const env = { ...baseEnvironment(options), AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_S3: url };
  return { port, url, processId: child.pid ?? 0, env, stop };
}

/** Addresses beyond the loopback on which `processId` or a process it started listens. */
export async function listenersBeyondLoopback(processId: number): Promise<readonly string[]> {
  const { stdout: tree } = await runCommand("ps", ["-e", "-o", "pid=,ppid="]);
  const pairs = tree
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const family = new Set([processId]);
  // Parents come before their children only mostly: go on until nothing is added.
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [pid = 0, parent = 0] of pairs) if (family.has(parent)) family.add(pid);
  }
  const { stdout } = await runCommand("ss", ["-Hlntup"]);
  return stdout
    .split("\n")
    .filter((line) => [...line.matchAll(/pid=(\d+)/g)].some(([, pid]) => family.has(Number(pid))))
    .map((line) => line.trim().split(/\s+/)[4] ?? "")
    .filter((address) => !/^(127\.|\[::1\])/.test(address));
}
