#!/usr/bin/env node
/**
 * Room: cli. Starts main.ts with a Node that runs it: this one if new enough, else the one in node_modules.
 * Plain JavaScript, because a Node that cannot strip types cannot load anything else.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

// 24.6 is the first release with ML-DSA in node:crypto.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 24 || (major === 24 && minor >= 6);
const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const ownNode = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));

if (isNewEnough) {
  const { start } = await import("./main.ts");
  await start();
} else if (existsSync(ownNode)) {
  // Signals are caught before there is a child: one that came in between would end this process alone.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends its interrupt to both processes; anyone else sends it to this one only.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal));
  }
  const child = spawn(ownNode, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 1)));
} else {
  console.error(
    `fleetkey needs Node 24.6 or later, and this is ${process.version}.\n` +
      "Run `npm ci` in the project, which brings its own Node, or install Node 24 or later.",
  );
  process.exitCode = 2;
}
