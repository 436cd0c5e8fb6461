import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

// Corpora lie beside the project, not in it: they are other projects' files under their own licences.
const corpora = process.env["FLEETKEY_CORPORA"] ?? resolve(import.meta.dirname, "../shared/corpora");

const judges = resolve(import.meta.dirname, ".judges/bin");

const shared = {
  env: { FLEETKEY_CORPORA: corpora },
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
          env: { ...shared.env, PATH: `${judges}:${process.env["PATH"] ?? ""}` },
          testTimeout: 300_000,
        },
      },
    ],
  },
});
