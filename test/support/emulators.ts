/**
 * Room: test/support. Independent emulators of AWS (moto, ministack) as child processes on 127.0.0.1, for judges
 * and rehearsals. `.ci/install-emulators` installs them; a test that needs one fails without it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Where `.ci/install-emulators` puts it. */
export const python = resolve(import.meta.dirname, "../../.judges/python/bin/python");
const startMilliseconds = 60_000;
const stopMilliseconds = 5_000;
const keptLogCharacters = 4_000;

/** True where `.ci/install-emulators` has run. */
export const emulatorsInstalled = existsSync(python);

export interface Emulator {
  /** `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL` or a client's `endpoint`. */
  readonly url: string;
  /** The end of what it has printed. */
  readonly log: () => string;
  /** Ends the process and removes its directory; resolves when both are gone. */
  readonly close: () => Promise<void>;
}

export interface EmulatorOptions {
  /** Added to the emulator's environment, such as `AUTH: "true"` for ministack. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Credentials and region for clients of an emulator: names without any secret behind them. */
export const emulatorClient = {
  region: "eu-central-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
} as const;

/** moto's server: every service in one process, state in memory. Rejects when it does not answer within 60 s. */
export function startMoto(options: EmulatorOptions = {}): Promise<Emulator> {
  const environment = { ...options.environment };
  return start(
    "moto",
    (port) => ["-m", "moto.server", "-H", "127.0.0.1", "-p", port],
    () => environment,
  );
}

/** ministack: one gateway for every service, state in memory. Rejects when it does not answer within 60 s. */
export function startMinistack(options: EmulatorOptions = {}): Promise<Emulator> {
  const environment = (port: string): Record<string, string> => ({
    BIND_HOST: "127.0.0.1",
    GATEWAY_PORT: port,
    EDGE_PORT: port,
    IOT_MTLS_ENABLED: "0",
    SFTP_ENABLED: "0",
    MINISTACK_REGION: emulatorClient.region,
    ...options.environment,
  });
  return start("ministack", () => ["-m", "ministack"], environment);
}

async function start(
  name: string,
  parameters: (port: string) => readonly string[],
  environment: (port: string) => Record<string, string>,
): Promise<Emulator> {
  if (!emulatorsInstalled) throw new Error(`${name} is not installed; run .ci/install-emulators`);
  const port = String(await freePort());
  const directory = await mkdtemp(join(tmpdir(), `fleetkey-${name}-`));
  const child = spawn(python, parameters(port), {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, TMPDIR: directory, ...environment(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = keepLog(child);
  const close = async (): Promise<void> => {
    process.off("exit", kill);
    await stop(child);
    await rm(directory, { recursive: true, force: true });
  };
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilAnswering(url, child);
  } catch (cause) {
    await close();
    throw new Error(`${name} did not start on ${url}: ${log()}`, { cause });
  }
  return { url, log, close };
}

/** A port that was free a moment ago; whoever loses the race for it fails to start, and says so. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port on 127.0.0.1");
  return address.port;
}

function keepLog(child: ChildProcess): () => string {
  let kept = "";
  const keep = (chunk: Buffer): void => {
    kept = (kept + chunk.toString("utf8")).slice(-keptLogCharacters);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(error.message)));
  return () => kept;
}

const ended = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startMilliseconds;
  for (;;) {
    if (ended(child)) throw new Error("the process has ended");
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      await answer.arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() >= deadline) throw error;
    }
    await sleep(100);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (ended(child)) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMilliseconds);
  await gone;
  clearTimeout(timer);
}
