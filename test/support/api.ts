/** Room: test/support. A plain HTTPS client for the API, with nothing of ours between it and the wire. */
import { Agent, type AgentOptions, request } from "node:https";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Api {
  call(path: string, options?: Call): Promise<Answer>;
  close(): void;
}

/** `credentials` are TLS options: ca, and cert with key for a client certificate. */
export function apiClient(url: string, credentials: AgentOptions): Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...credentials });
  return {
    close: () => agent.destroy(),
    call: (path, { method = "GET", headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const outgoing = request(`${url}${path}`, { agent, method, headers }, (incoming) => {
          const parts: Buffer[] = [];
          incoming.on("data", (part: Buffer) => parts.push(part));
          incoming.on("error", reject);
          incoming.on("end", () => {
            const text = Buffer.concat(parts).toString("utf8");
            const json = () => JSON.parse(text) as Record<string, unknown>;
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text, json });
          });
        });
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
  };
}
