/**
 * Room: test/support. AWS's own DynamoDB Local as a child process on 127.0.0.1, for judges. `.ci/install-emulators`
 * installs it; it needs a JDK of 17 or later.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Emulator } from "./emulators.ts";

const jars = resolve(import.meta.dirname, "../../.judges/dynamodb-local");
const server = join(import.meta.dirname, "dynamodb-local/LoopbackServer.java");
const startMilliseconds = 60_000;
const keptLogCharacters = 4_000;

/** Starts it with an empty store in memory. Rejects when it does not listen within 60 s. */
export async function startDynamoDbLocal(): Promise<Emulator> {
  const directory = await mkdtemp(join(tmpdir(), "fleetkey-dynamodb-"));
  // One thread collects garbage: the machine is shared with the tests.
  const parameters = ["-XX:+UseSerialGC", "-Xmx512m", `-Djava.library.path=${jars}`, "-cp", `${jars}/*`];
  const child = spawn("java", [...parameters, server], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, TMPDIR: directory },
    // It ends with its standard input, and so with this process, however that ends.
    stdio: ["pipe", "pipe", "pipe"],
  });
  const log = { text: "" };
  const keep = (chunk: Buffer | string): void => {
    log.text = (log.text + chunk.toString()).slice(-keptLogCharacters);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const close = async (): Promise<void> => {
    child.stdin.destroy();
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const port = await listeningPort(child);
    return { url: `http://127.0.0.1:${port}`, log: () => log.text, close };
  } catch (cause) {
    await close();
    throw new Error(`DynamoDB Local did not start; has .ci/install-emulators run? ${log.text}`, { cause });
  }
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error("no port within 60 s")), startMilliseconds);
    const stop = (error: Error): void => {
      clearTimeout(timer);
      failed(error);
    };
    child.once("error", stop);
    child.once("exit", (code) => stop(new Error(`the process has ended with ${code}`)));
    let printed = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString("utf8");
      const port = /^listening (\d+)$/m.exec(printed)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      found(Number(port));
    });
  });
}
