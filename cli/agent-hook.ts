/** Room: cli. The program that the agent runs when files have changed: itself, without a shell. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { Failure, systemCode } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export type AgentEvent = "renewed" | "trust-updated";

const patience = 300_000;

/** What is meant for us (a token, a passphrase) is not for the hook. */
function environment({ env }: Terminal, directory: string, event: AgentEvent): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith("FLEETKEY_"));
  return { ...Object.fromEntries(others), FLEETKEY_DIR: resolve(directory), FLEETKEY_EVENT: event };
}

const failed = (program: string, how: string, cause?: unknown): Failure =>
  new Failure("hookFailed", "hook_failed", `${program} ${how}`, {
    remedy: "the files are in place; mend the hook, which the next round runs again",
    cause,
  });

/** Resolves when the hook has ended well; what it prints goes to stderr. Throws `hook_failed`. */
export function runHook(
  program: string,
  directory: string,
  event: AgentEvent,
  terminal: Terminal,
): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  const child = spawn(program, [], {
    env: environment(terminal, directory, event),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: patience,
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => void terminal.stderr.write(chunk.toString("utf8")));
  child.on("error", (error) =>
    reject(failed(program, `cannot be run (${systemCode(error) ?? "error"})`, error)),
  );
  child.on("exit", (code, signal) => {
    if (code === 0) done();
    else reject(failed(program, code === null ? `was ended by ${signal}` : `ended with ${code}`));
  });
  return promise;
}
