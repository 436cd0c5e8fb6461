import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** One line of code in a file of its own, and what the linter must say about it (nothing: it is allowed). */
interface Sample {
  readonly room: string;
  readonly code: string;
  readonly says?: string;
}

const samples: readonly Sample[] = [
  { room: "core", code: "export const t = Date.now();", says: "core/ reads no clock" },
  { room: "core", code: "export const clock = Date.now;", says: "core/ reads no clock" },
  { room: "core", code: "export const t = new Date();", says: "core/ reads no clock" },
  { room: "core", code: "export const t = performance.now();", says: "performance" },
  { room: "core", code: "export const n = Math.random();", says: "core/ draws no randomness" },
  { room: "core", code: "export const b = crypto.getRandomValues(new Uint8Array(1));", says: "crypto" },
  { room: "core", code: 'export const e = process.env["HOME"];', says: "process" },
  { room: "core", code: "export const e = globalThis.process;", says: "no global object" },
  { room: "core", code: 'export { randomBytes } from "node:crypto";', says: "verifies and hashes only" },
  ...[
    "randomBytes",
    "randomUUID",
    "sign",
    "createSign",
    "createPrivateKey",
    "generateKeyPairSync",
    "default as c",
  ].map((name) => ({
    room: "core",
    code: `import { ${name} } from "node:crypto";\nexport const f = ${name.split(" ").at(-1)};`,
    says: "verifies and hashes only",
  })),
  {
    room: "core",
    code: 'import * as c from "node:crypto";\nexport const f = c;',
    says: "verifies and hashes only",
  },
  { room: "core", code: 'export type T = import("./a.ts").T;', says: "write an `import type` statement" },
  {
    room: "cli",
    code: 'export type T = Map<string, import("./a.ts").T>;',
    says: "write an `import type` statement",
  },
  { room: "core", code: "export const t = (ms: number): Date => new Date(ms);" },
  { room: "core", code: 'import { verify } from "node:crypto";\n\nexport const f = verify;' },
  { room: "core", code: 'import type { KeyObject } from "node:crypto";\n\nexport type K = KeyObject;' },
  { room: "adapters/local", code: "export const t = Date.now();" },
  {
    room: "adapters/local",
    code: 'import { randomBytes } from "node:crypto";\n\nexport const f = randomBytes;',
  },
];

describe("core takes time, randomness and configuration as arguments", () => {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-purity-"));
  const diagnostics = new Map<string, string[]>();
  const fileOf = (sample: Sample): string => `${sample.room}/sample-${samples.indexOf(sample)}.ts`;

  beforeAll(() => {
    cpSync(join(root, "biome.json"), join(directory, "biome.json"));
    cpSync(join(root, "biome"), join(directory, "biome"), { recursive: true });
    for (const sample of samples) {
      const file = join(directory, fileOf(sample));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${sample.code}\n`);
    }
    const program = join(root, "node_modules/@biomejs/biome/bin/biome");
    const options = ["lint", "--vcs-enabled=false", "--reporter=json", "--max-diagnostics=none", "."];
    const { stdout } = spawnSync(process.execPath, [program, ...options], {
      cwd: directory,
      encoding: "utf8",
    });
    const report = JSON.parse(stdout) as {
      diagnostics: { message: string; location: { path: string } }[];
    };
    for (const { message, location } of report.diagnostics) {
      diagnostics.set(location.path, [...(diagnostics.get(location.path) ?? []), message]);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  for (const sample of samples) {
    const { room, code, says } = sample;
    it(`${says === undefined ? "allows" : "refuses"} in ${room}/: ${code.replaceAll("\n", " ")}`, () => {
      const messages = diagnostics.get(fileOf(sample)) ?? [];
      if (says === undefined) expect(messages).toEqual([]);
      else expect(messages.join("\n")).toContain(says);
    });
  }
});
