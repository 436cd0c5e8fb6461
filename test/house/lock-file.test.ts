import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { completeLockFile, holes, type LockFile } from "../../scripts/lock-file.ts";

const root = resolve(import.meta.dirname, "../..");
const lockText = readFileSync(join(root, "package-lock.json"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};

describe("package-lock.json", () => {
  it("names no registry, so that any may serve it", () => {
    expect(lockText).not.toContain('"resolved"');
  });

  it("describes the binaries of every platform: `npm ci` fails for all when one is missing", () => {
    expect(holes(JSON.parse(lockText) as LockFile)).toEqual([]);
  });

  it("knows every package that wants to run an install script, by name", () => {
    const { packages } = JSON.parse(lockText) as {
      packages: Record<string, { hasInstallScript?: boolean; os?: unknown }>;
    };
    const wanting = Object.entries(packages)
      .filter(([, locked]) => locked.hasInstallScript === true && locked.os === undefined)
      .map(([path]) => path.replace(/^.*node_modules\//, ""));
    expect(wanting.filter((name) => manifest.allowScripts[name] === undefined)).toEqual([]);
  });
});

describe("package.json", () => {
  it("pins every version exactly", () => {
    const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(ranges.filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
  });
});

describe("completeLockFile", () => {
  const withOptional = (optionalDependencies: Record<string, string>): LockFile => ({
    packages: { "node_modules/tool": { version: "1.0.0", dev: true, optionalDependencies } },
  });

  const cases = [
    { name: "@a/tool-darwin-arm64", entry: { cpu: ["arm64"], os: ["darwin"] } },
    { name: "@a/tool-linux-x64-musl", entry: { cpu: ["x64"], libc: ["musl"], os: ["linux"] } },
    { name: "@a/tool-linux-s390x-gnu", entry: { cpu: ["s390x"], libc: ["glibc"], os: ["linux"] } },
    { name: "@a/tool-win32-x64-msvc", entry: { cpu: ["x64"], os: ["win32"] } },
  ];
  for (const { name, entry } of cases) {
    it(`describes ${name}`, () => {
      const lockFile = withOptional({ [name]: "1.2.3" });
      expect(completeLockFile(lockFile)).toEqual([name]);
      expect(lockFile.packages[`node_modules/${name}`]).toEqual({
        version: "1.2.3",
        dev: true,
        optional: true,
        ...entry,
      });
      expect(holes(lockFile)).toEqual([]);
    });
  }

  it("leaves alone what it cannot know: a name without a platform, a version that is a range", () => {
    const lockFile = withOptional({ fsevents: "2.3.3", "@a/tool-darwin-x64": "^1.0.0" });
    expect(completeLockFile(lockFile)).toEqual([]);
    expect(holes(lockFile)).toHaveLength(2);
  });

  it("leaves alone what is described", () => {
    const described = { version: "1.2.3", integrity: "sha512-x", os: ["darwin"] };
    const lockFile = withOptional({ "@a/tool-darwin-arm64": "1.2.3" });
    lockFile.packages["node_modules/@a/tool-darwin-arm64"] = described;
    expect(completeLockFile(lockFile)).toEqual([]);
    expect(lockFile.packages["node_modules/@a/tool-darwin-arm64"]).toBe(described);
  });
});
