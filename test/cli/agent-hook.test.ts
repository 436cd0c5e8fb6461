/** Room: test. Hooks that hang, that do not want to end, and that leave something behind. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runHook } from "../../cli/agent-hook.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function terminal(interrupted: AbortSignal = new AbortController().signal): Terminal & { text(): string } {
  let text = "";
  const stream = {
    isTTY: false,
    write(chunk: string) {
      text += chunk;
      return true;
    },
  };
  async function* stdin(): AsyncGenerator<string> {
    yield "";
  }
  const env = { PATH: process.env["PATH"] ?? "" };
  return {
    env,
    stdin: stdin(),
    stdout: stream,
    stderr: stream,
    interrupted,
    now: Date.now,
    text: () => text,
  };
}

function hook(...lines: string[]): { readonly place: string; readonly program: string } {
  const place = temporaryDirectory();
  const program = join(place, "hook");
  writeFileSync(program, `#!/bin/sh\ncd ${place}\n${lines.join("\n")}\n`);
  chmodSync(program, 0o700);
  return { place, program };
}

it("a hook that hangs, and does not hear that it is to end, is ended", async () => {
  const { place, program } = hook("trap '' TERM", "while :; do sleep 0.05; done");
  const running = runHook(program, place, "renewed", terminal(), { run: 100, end: 100 });
  await expect(running).rejects.toMatchObject({
    code: "hook_failed",
    message: expect.stringContaining("SIGKILL"),
  });
});

it("an interruption asks the hook to end, and waits for that", async () => {
  const { place, program } = hook(
    "trap 'echo asked > heard; exit 3' TERM",
    "echo ready",
    "while :; do sleep 0.05; done",
  );
  const stop = new AbortController();
  const seen = terminal(stop.signal);
  const running = runHook(program, place, "renewed", seen, { run: 60_000, end: 30_000 });
  await expect.poll(seen.text, { timeout: 10_000 }).toContain("ready");
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: "hook_failed" });
  expect(readFileSync(join(place, "heard"), "utf8")).toBe("asked\n");
});

it("what a hook has left running keeps nobody waiting, and what the hook printed is passed on", async () => {
  const { place, program } = hook("sleep 30 &", "echo $! > left", "echo reloaded");
  const pipes = () => process.getActiveResourcesInfo().filter((name) => name === "PipeWrap").length;
  const before = pipes();
  const seen = terminal();
  const running = runHook(program, place, "trust-updated", seen);
  expect(pipes()).toBeGreaterThan(before);
  await running;
  await expect.poll(seen.text).toContain("reloaded");
  // The streams of the one that was left are ours no more: nothing of it keeps this process from its end.
  await expect.poll(pipes).toBe(before);
  process.kill(Number(readFileSync(join(place, "left"), "utf8")), "SIGKILL");
});
