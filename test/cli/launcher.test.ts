import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");
/** Makes this Node say that it is an older one. */
const posingAs = (version: string): string[] => [
  "--import",
  `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`,
];
const run = (file: string, version: string | undefined, ...argv: string[]) =>
  spawnSync(process.execPath, [...(version === undefined ? [] : posingAs(version)), file, ...argv], {
    encoding: "utf8",
  });

/** A project whose own Node prints how it was called. */
function projectWithNode(script: string): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "cli"));
  mkdirSync(join(directory, "node_modules/node/bin"), { recursive: true });
  cpSync(join(root, "cli/fleetkey.js"), join(directory, "cli/fleetkey.js"));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  writeFileSync(join(directory, "node_modules/node/bin/node"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return join(directory, "cli/fleetkey.js");
}

describe("the launcher", () => {
  it("runs main.ts in this Node if it is new enough", () => {
    const { status, stdout, stderr } = run(join(root, "cli/fleetkey.js"), undefined, "--version");
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });

  it.each(["20.20.2", "22.18.0", "24.5.0"])(
    "hands over to the project's own Node on Node %s, arguments whole",
    (version) => {
      const file = projectWithNode('printf "%s|" "$@"; exit 7');
      const { status, stdout } = run(file, version, "cert", "list", "--device", "a b");
      expect(stdout).toMatch(/\/cli\/main\.ts\|cert\|list\|--device\|a b\|$/);
      expect(status).toBe(7);
    },
  );

  it("passes a signal on and ends as its child does", async () => {
    const file = projectWithNode(
      "trap 'echo stopped; exit 130' TERM; echo ready; for i in $(seq 200); do sleep 0.05; done",
    );
    const child = spawn(process.execPath, [...posingAs("20.0.0"), file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output === "ready\n") child.kill("SIGTERM");
    });
    const status = await new Promise((done) => child.on("close", done));
    expect({ status, output }).toEqual({ status: 130, output: "ready\nstopped\n" });
  });

  it("says what to do where there is no newer Node", () => {
    const directory = temporaryDirectory();
    cpSync(join(root, "cli/fleetkey.js"), join(directory, "fleetkey.mjs"));
    const { status, stderr } = run(join(directory, "fleetkey.mjs"), "20.20.2");
    expect(stderr).toContain("npm ci");
    expect(status).toBe(2);
  });
});

describe("main.ts", () => {
  it("refuses a Node that can load it and is too old all the same", () => {
    const { status, stderr } = run(join(root, "cli/main.ts"), "22.18.0", "--version");
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(/needs Node 24\.6/) });
  });

  it("runs through a symbolic link, as npm makes for a binary", () => {
    const link = join(temporaryDirectory(), "fleetkey");
    symlinkSync(join(root, "cli/fleetkey.js"), link);
    expect(run(link, undefined, "--version").status).toBe(0);
  });

  it("loads no command that was not named", () => {
    const { stderr } = spawnSync(process.execPath, [join(root, "cli/main.ts"), "--version"], {
      encoding: "utf8",
      env: { ...process.env, NODE_DEBUG: "esm" },
    });
    expect(stderr).toMatch(/file:\S+\/cli\/command-tree\.ts/);
    expect(stderr.match(/file:\S+\/(cli\/commands|local)\/\S+/g)).toBeNull();
  });

  it("ends quietly when its reader has seen enough", async () => {
    const child = spawn(process.execPath, ["cli/main.ts", "--help"], { cwd: root });
    // Its reader is gone before it has a word to say.
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const status = await new Promise((done) => child.on("exit", done));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
