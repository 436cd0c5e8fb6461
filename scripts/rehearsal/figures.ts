/**
 * Room: scripts/rehearsal. How fast the deployed service is on this machine. The emulator's own work is most of it,
 * so the figures tell whether a change made something worse, and nothing of AWS.
 */
import { makeDeviceKey } from "../../cli/device-key.ts";
import { connected, operatorCredential, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const devices = 60;
const atOnce = 4;

interface Prepared {
  readonly token: string;
  readonly csr: string;
}

/** Runs `work` on every value, `atOnce` at a time. */
async function inParallel<T, R>(values: readonly T[], work: (value: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = [...values];
  const worker = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) results.push(await work(next));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

async function prepare(stage: RehearsedStage): Promise<readonly Prepared[]> {
  const ids = Array.from({ length: devices }, (_, index) => `bench-${String(index).padStart(4, "0")}`);
  return connected(stage, await operatorCredential(stage), ({ api }) =>
    inParallel(ids, async (deviceId) => {
      const { csr } = await makeDeviceKey(deviceId, "P-256");
      const { token } = await api.createToken({ deviceId, expiresInSeconds: 600 });
      stage.secrets.push(token, csr);
      return { token, csr };
    }),
  );
}

export async function rehearseFigures(stage: RehearsedStage, report: Report): Promise<void> {
  await report.check(
    `${devices} devices enrol, ${atOnce} at once, each with a serial number of its own`,
    async () => {
      const prepared = await prepare(stage);
      const latencies: number[] = [];
      const started = performance.now();
      const serials = await connected(stage, undefined, ({ api }) =>
        inParallel(prepared, async (request) => {
          const sent = performance.now();
          const { serialNumber } = await api.enroll(request);
          latencies.push(performance.now() - sent);
          return serialNumber;
        }),
      );
      const seconds = (performance.now() - started) / 1000;
      expectThat(
        new Set(serials).size === devices,
        `${new Set(serials).size} serial numbers for ${devices} devices`,
      );
      const median = latencies.sort((a, b) => a - b)[devices / 2] ?? 0;
      report.figure(`warm enrolments: ${(devices / seconds).toFixed(1)} /s, median ${Math.round(median)} ms`);
    },
  );
}
