/**
 * Room: bench. Enrolments through the embedded server, disk included: over kept connections, and with a fresh
 * TLS handshake each. The load comes from a process of its own.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startLocal } from "../local/app.ts";
import { recordingLog } from "../test/support/fleet-app.ts";
import { table } from "./measure.ts";

const run = promisify(execFile);
const client = join(import.meta.dirname, "enrollment-client.ts");

interface ClientReport {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

async function load(
  url: string,
  bootstrap: string,
  mode: "kept" | "fresh",
  count: number,
): Promise<ClientReport> {
  const { stdout } = await run(process.execPath, [client, url, bootstrap, mode, String(count)]);
  return JSON.parse(stdout) as ClientReport;
}

export async function benchEnrollment(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "fleetkey-bench-"));
  const server = await startLocal({ dataDir, host: "127.0.0.1", port: 0, log: recordingLog([]) });
  const bootstrap = join(dataDir, "bootstrap");
  await load(server.url, bootstrap, "kept", 300);
  const kept = await load(server.url, bootstrap, "kept", 2_000);
  const fresh = await load(server.url, bootstrap, "fresh", 600);
  const memory = process.memoryUsage();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
  const row = (name: string, report: ClientReport) => [
    name,
    `${report.perSecond.toFixed(0)}/s`,
    `p50 ${report.p50.toFixed(1)} ms`,
    `p99 ${report.p99.toFixed(1)} ms`,
  ];
  return [
    "Enrolments through HTTPS, durable, client on the same machine",
    table([row("16 kept connections", kept), row("a fresh TLS 1.3 handshake each", fresh)]),
    `  fresh handshake / kept connection = ${(fresh.perSecond / kept.perSecond).toFixed(2)}`,
    `  server memory after it: ${(memory.rss / 2 ** 20).toFixed(0)} MiB resident, ${(memory.heapUsed / 2 ** 20).toFixed(0)} MiB heap`,
  ].join("\n");
}
