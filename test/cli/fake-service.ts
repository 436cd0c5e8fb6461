/** A small HTTPS server with the shape of the API and the service's promise about retries. */
import { hash, randomBytes, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type FakeAuthority, makeFakeAuthority } from "./fake-authority.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface FakeRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What happens instead of the answer; `afterwards` answers are lost after the work is done. */
export type Interception = FakeAnswer | "reset" | "resetAfterwards" | "silence" | undefined;

export interface FakeService {
  readonly url: string;
  readonly authority: FakeAuthority;
  readonly requests: FakeRequest[];
  /** One entry a certificate, whatever the number of answers. */
  readonly issued: { readonly deviceId: string; readonly csr: string }[];
  intercept: (request: FakeRequest) => Interception;
  /** Paths of --ca, --cert and --key. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Flags that point a command here. */
  readonly flags: readonly string[];
  addToken(deviceId: string): string;
  /** How many connections were made. */
  connections(): number;
  /** Ends every connection at once. */
  close(): Promise<void>;
  /** Listens again after close, with all that it knew. */
  reopen(port: number): Promise<void>;
}

export const problemAnswer = (
  status: number,
  code: string,
  headers: Record<string, string> = {},
): FakeAnswer => ({
  status,
  headers: { "content-type": "application/problem+json", ...headers },
  body: {
    type: `urn:fleetkey:problem:${code}`,
    title: `Title of ${code}`,
    status,
    code,
    detail: `detail of ${code}`,
    instance: "urn:fleetkey:request:1",
  },
});

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

interface ApprovalWish {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Of an operation that people have approved before anybody asks. */
const approvalOf = (wish: ApprovalWish): object => ({
  ...wish,
  approvalId: "a".repeat(32),
  critical: "fleetConfiguration",
  operationDigest: "d".repeat(64),
  challenge: "c".repeat(43),
  state: "approved",
  persons: 2,
  requestedBy: "operator-1",
  approvedBy: ["operator-1", "operator-2"],
  createdAt: "2026-01-01T00:00:00Z",
  expiresAt: "2099-01-01T00:00:00Z",
});

export async function startFakeService(): Promise<FakeService> {
  const authority = makeFakeAuthority();
  const directory = temporaryDirectory();
  const server = authority.issueServer("127.0.0.1");
  const files = {
    ca: join(directory, "root.pem"),
    cert: join(directory, "op.pem"),
    key: join(directory, "op.key"),
  };
  await writeFile(files.ca, authority.root);
  await writeFile(files.cert, server.certificate);
  await writeFile(files.key, server.privateKey, { mode: 0o600 });

  const tokens = new Map<string, { deviceId: string; csr?: string }>();
  const answers = new Map<string, object>();
  const state = { requests: [] as FakeRequest[], issued: [] as FakeService["issued"] };

  const issue = async (key: string, csr: string, deviceId: string): Promise<FakeAnswer> => {
    const known = answers.get(key);
    if (known !== undefined) return { status: 201, body: known };
    const certificate = await authority.issue(csr, deviceId || undefined);
    const soon = {
      notBefore: "2026-01-01T00:00:00Z",
      notAfter: "2099-01-01T00:00:00Z",
      renewAfter: "2098-01-01T00:00:00Z",
    };
    const body = { ...certificate, chain: "", ...soon };
    answers.set(key, body);
    state.issued.push({ deviceId, csr });
    return { status: 201, body };
  };

  const route = async ({ method, path, headers, body }: FakeRequest): Promise<FakeAnswer> => {
    const json = body === "" ? {} : (JSON.parse(body) as Record<string, string>);
    if (path.endsWith("/trust.pem")) return { status: 200, body: authority.root };
    if (path === "/healthz") return { status: 200, body: { status: "ok" } };
    if (method === "POST" && path.endsWith("/enrollment-tokens")) {
      const deviceId = json["deviceId"] ?? "";
      return {
        status: 201,
        body: { token: addToken(deviceId), deviceId, profile: "device", expiresAt: "2099-01-01T00:00:00Z" },
      };
    }
    if (method === "POST" && path.endsWith("/certificates/renew")) {
      return issue(`renew ${hash("sha256", json["csr"] ?? "")}`, json["csr"] ?? "", "");
    }
    if (method === "POST" && path.endsWith("/approvals"))
      return { status: 201, body: approvalOf(JSON.parse(body) as ApprovalWish) };
    if (method === "POST" && /\/backends\/[^/]+\/certificates(?:\/renewal)?$/.test(path)) {
      return issue(`backend ${hash("sha256", json["csr"] ?? "")}`, json["csr"] ?? "", "");
    }
    if (method === "POST" && path.endsWith("/certificates")) {
      const own = json["csr"] ?? "";
      const previous = json["previousCertificate"];
      if (previous !== undefined) {
        const { subject } = new X509Certificate(previous);
        return issue(`return ${hash("sha256", own)}`, own, subject.replace("CN=", ""));
      }
      const token = headers.authorization?.replace("Bearer ", "") ?? "";
      const known = tokens.get(token);
      const csr = json["csr"] ?? "";
      if (known === undefined) return problemAnswer(401, "credential_invalid");
      if (known.csr !== undefined && known.csr !== csr) return problemAnswer(409, "credential_spent");
      known.csr = csr;
      return issue(token, csr, known.deviceId);
    }
    if (method === "GET" && path.includes("/certificates?"))
      return { status: 200, body: { certificates: [] } };
    return problemAnswer(404, "not_found");
  };

  const addToken = (deviceId: string): string => {
    // As the service draws them: none begins with "-".
    const token = randomBytes(32).toString("base64url").replace(/^-/, "A");
    tokens.set(token, { deviceId });
    return token;
  };

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: await readBody(incoming) };
    state.requests.push(request);
    const interception = service.intercept(request);
    if (interception === "silence") return;
    if (interception === "reset") return void incoming.socket.destroy();
    const result = typeof interception === "object" ? interception : await route(request);
    if (interception === "resetAfterwards") return void incoming.socket.destroy();
    const type = typeof result.body === "string" ? "application/pem-certificate-chain" : "application/json";
    outgoing.writeHead(result.status, { "content-type": type, ...result.headers });
    outgoing.end(typeof result.body === "string" ? result.body : JSON.stringify(result.body));
  };

  const listener = createServer(
    { cert: server.certificate, key: server.privateKey, requestCert: true, rejectUnauthorized: false },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  let connections = 0;
  listener.on("secureConnection", () => {
    connections += 1;
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const service: FakeService = {
    ...state,
    url,
    authority,
    files,
    intercept: () => undefined,
    flags: ["--url", url, "--ca", files.ca, "--cert", files.cert, "--key", files.key],
    addToken,
    connections: () => connections,
    reopen: listen,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  };
  return service;
}
