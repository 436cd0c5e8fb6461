/**
 * Room: bench. The load of bench/enrollment.ts. Arguments: url, bootstrap directory, "kept" or "fresh", count.
 * Tokens and CSRs are made before the clock starts. Prints one JSON report.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { deviceCsr, deviceKey } from "../test/support/device.ts";

const [url = "", bootstrap = "", mode = "kept", countText = "0"] = process.argv.slice(2);
const count = Number(countText);
const inFlight = 16;
const ca = readFileSync(join(bootstrap, "root.pem"));
const operator = {
  cert: readFileSync(join(bootstrap, "operator.pem")),
  key: readFileSync(join(bootstrap, "operator.key")),
};

function post(agent: Agent, path: string, headers: Record<string, string>, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent, method: "POST", headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts);
        if (answer.statusCode === 201) resolve(text);
        else reject(new Error(`${path} answered ${answer.statusCode}: ${text.toString()}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function pooled(work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

const key = deviceKey();
const csr = deviceCsr(key);
const run = Date.now().toString(36);
const tokens: string[] = [];
const operatorAgent = new Agent({ ca, ...operator, keepAlive: true, maxSockets: inFlight });
await pooled(async (index) => {
  const body = Buffer.from(JSON.stringify({ deviceId: `bench-${run}-${index}` }));
  const headers = { "content-type": "application/json" };
  const answer = await post(operatorAgent, "/v1/fleets/default/enrollment-tokens", headers, body);
  tokens[index] = String((JSON.parse(answer.toString()) as { token: unknown }).token);
});
operatorAgent.destroy();

// Without a session cache every connection of the fresh mode is a full handshake.
const agent = new Agent({ ca, keepAlive: mode === "kept", maxSockets: inFlight, maxCachedSessions: 0 });
const times: number[] = [];
const begin = performance.now();
await pooled(async (index) => {
  const headers = { "content-type": "application/pkcs10", authorization: `Bearer ${tokens[index] ?? ""}` };
  const start = performance.now();
  await post(agent, "/v1/fleets/default/certificates", headers, csr);
  times.push(performance.now() - start);
});
const seconds = (performance.now() - begin) / 1000;
agent.destroy();
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
process.stdout.write(`${JSON.stringify({ perSecond: count / seconds, p50: at(0.5), p99: at(0.99) })}\n`);
