import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const judges = resolve(import.meta.dirname, ".judges/bin");

const shared = {
  // Forks, not threads: tests kill processes and open SQLite files, and a crash must stay in its file.
  pool: "forks",
  testTimeout: 30_000,
  hookTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    passWithNoTests: true,
    projects: [
      {
        test: {
          ...shared,
          name: "tests",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/support/missing-tools.ts",
        },
      },
      {
        // Judges call tools that npm does not install (see .ci/install-judges), so `npm test` leaves them out.
        test: {
          ...shared,
          name: "judges",
          include: ["test/judges/**/*.judge.ts"],
          env: { PATH: `${judges}:${process.env["PATH"] ?? ""}` },
          testTimeout: 300_000,
        },
      },
    ],
  },
});
