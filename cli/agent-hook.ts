/** Room: cli. The program that the agent runs when files have changed: itself, without a shell. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { Failure, systemCode } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export type AgentEvent = "renewed" | "trust-updated";

/** How long a hook may take, and then take to end; milliseconds. */
export interface HookPatience {
  readonly run: number;
  readonly end: number;
}

const usual: HookPatience = { run: 300_000, end: 10_000 };
/** What an ended hook has printed is read within. */
const drain = 500;

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

/** Asks a hook that takes too long, or is not waited for any more, to end, and ends it where it does not. */
function limit(child: ChildProcess, { interrupted }: Terminal, { run, end }: HookPatience): void {
  let last: NodeJS.Timeout | undefined;
  const ask = (): void => {
    child.kill("SIGTERM");
    last ??= setTimeout(() => child.kill("SIGKILL"), end);
  };
  const first = setTimeout(ask, run);
  if (interrupted.aborted) ask();
  interrupted.addEventListener("abort", ask, { once: true });
  const over = (): void => {
    clearTimeout(first);
    clearTimeout(last);
    interrupted.removeEventListener("abort", ask);
  };
  child.once("exit", over).once("error", over);
}

/** Passes on what a hook prints; what it has started and left behind may hold its streams open for ever. */
function passOn(child: ChildProcess, { stderr }: Terminal): void {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams)
    stream.on("data", (chunk: Buffer) => void stderr.write(chunk.toString("utf8")));
  const leave = (): void => {
    for (const stream of streams) stream.destroy();
  };
  child.once("exit", () => {
    const timer = setTimeout(leave, drain);
    child.once("close", () => clearTimeout(timer));
  });
}

/** Resolves when the hook has ended well; what it prints goes to stderr. Throws `hook_failed`. */
export function runHook(
  program: string,
  directory: string,
  event: AgentEvent,
  terminal: Terminal,
  patience: HookPatience = usual,
): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  const env = environment(terminal, directory, event);
  const child = spawn(program, [], { env, stdio: ["ignore", "pipe", "pipe"] });
  limit(child, terminal, patience);
  passOn(child, terminal);
  child.on("error", (error) =>
    reject(failed(program, `cannot be run (${systemCode(error) ?? "error"})`, error)),
  );
  child.on("exit", (code, signal) => {
    if (code === 0) done();
    else reject(failed(program, code === null ? `was ended by ${signal}` : `ended with ${code}`));
  });
  return promise;
}
