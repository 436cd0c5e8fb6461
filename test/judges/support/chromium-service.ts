/**
 * Room: test/judges. The service as one machine runs it, and the same data behind a second listener whose clock can be
 * put forward: what is too old there is old, while browser and first listener stay in the present.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../adapters/system/clock.ts";
import { handlersOf } from "../../../lambdas/handlers.ts";
import { openLocalApp, startLocal } from "../../../local/app.ts";
import { startHttpsServer } from "../../../local/https-server.ts";
import { issueListenerCertificate } from "../../../local/listener-certificate.ts";
import { type Api, apiClient } from "../../support/api.ts";
import { recordingLog, recordingStarter } from "../../support/fleet-app.ts";

export interface Answered {
  readonly status: number;
  // Tests read members of answers by name; what is in them, the assertions say.
  readonly body: Record<string, unknown>;
}

/** A client with the certificate of the bootstrap's operator. */
export interface Client {
  get(path: string): Promise<Answered>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>;
}

export interface Service {
  /** `https://localhost:PORT`, where the page is. */
  readonly origin: string;
  readonly port: number;
  readonly fleet: string;
  readonly operator: Client;
  /** Whoever holds this certificate and key, PEM. */
  clientOf(certificate: string, privateKey: string): Client;
  /** The same, later. */
  readonly later: Client;
  /** How many milliseconds `later` is ahead. */
  putForward(milliseconds: number): void;
  close(): Promise<void>;
}

function client(api: Api): Client {
  return {
    async get(path) {
      const { status, json } = await api.call(path);
      return { status, body: json() };
    },
    async post(path, body, headers = {}) {
      const { status, json } = await api.call(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return { status, body: json() };
    },
  };
}

const host = "127.0.0.1";
const log = recordingLog([]);

async function startLater(dataDir: string, fleet: string, ahead: () => number) {
  const { app, close } = await openLocalApp({ dataDir, log });
  const { key, cert } = await issueListenerCertificate(app, fleet, host);
  const clock = { ...systemClock, now: () => systemClock.now() + ahead() };
  const handlers = handlersOf({ ...app, clock, tasks: recordingStarter([]) });
  const server = await startHttpsServer({ handlers, tls: { key, cert }, host, port: 0, log });
  return {
    url: server.url,
    async close() {
      await server.close();
      await close();
    },
  };
}

export async function startService(): Promise<Service> {
  const dataDir = await mkdtemp(join(tmpdir(), "fleetkey-passkeys-"));
  const server = await startLocal({ dataDir, host, port: 0, log });
  let ahead = 0;
  const second = await startLater(dataDir, server.fleet, () => ahead);
  const { root, operatorCertificate, operatorKey } = server.bootstrap;
  const [ca, cert, key] = await Promise.all(
    [root, operatorCertificate, operatorKey].map((path) => readFile(path)),
  );
  const apis = [server.url, second.url].map((url) => apiClient(url, { ca, cert, key }));
  const [operator, later] = apis.map(client);
  if (operator === undefined || later === undefined) throw new Error("two clients");
  const { port } = new URL(server.url);
  return {
    origin: `https://localhost:${port}`,
    port: Number(port),
    fleet: server.fleet,
    operator,
    clientOf(cert, key) {
      const api = apiClient(server.url, { ca, cert, key });
      apis.push(api);
      return client(api);
    },
    later,
    putForward: (milliseconds) => {
      ahead = milliseconds;
    },
    async close() {
      for (const api of apis) api.close();
      await second.close();
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
