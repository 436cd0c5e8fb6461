/**
 * Room: bench. The load of bench/ocsp.ts: one client, in this process, asks both responders over HTTP in turn. Prints
 * one JSON report. It must run where nothing but the machine itself is reachable.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeOcspRequest, encodeOcspRequest } from "../core/formats/ocsp/request.ts";
import { decodeOcspResponse } from "../core/formats/ocsp/response.ts";
import { rates } from "./measure.ts";
import { startOpensslResponder } from "./openssl-responder.ts";

const count = 1_000;
const inFlight = 8;

function post(agent: Agent, port: number, body: Buffer): Promise<Buffer> {
  const headers = { "content-type": "application/ocsp-request", "content-length": body.length };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { agent, host: "127.0.0.1", port, method: "POST", path: "/", headers },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => resolve(Buffer.concat(parts)));
        answer.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error(`port ${port} does not answer`)));
    outgoing.end(body);
  });
}

/** A question that is asked again and again; the answer of the first time must say good. */
async function question(agent: Agent, port: number, request: Buffer): Promise<() => Promise<Buffer>> {
  const response = decodeOcspResponse(await post(agent, port, request));
  if (response.status !== 0 || response.responses[0]?.status.kind !== "good")
    throw new Error(`the responder at port ${port} does not say good`);
  return () => post(agent, port, request);
}

const directory = await mkdtemp(join(tmpdir(), "fleetkey-bench-"));
const own = spawn(process.execPath, [join(import.meta.dirname, "ocsp-server.ts")], {
  stdio: ["pipe", "pipe", "inherit"],
});
const peer = await startOpensslResponder(directory);
try {
  const [line] = (await once(own.stdout, "data")) as [Buffer];
  const { port, request: text } = JSON.parse(line.toString()) as { port: number; request: string };
  const request = Buffer.from(text, "base64");
  const fresh = encodeOcspRequest({ ...decodeOcspRequest(request), nonce: Buffer.alloc(32, 1) });
  const [closing, keeping] = [
    new Agent({ keepAlive: false }),
    new Agent({ keepAlive: true, maxSockets: inFlight }),
  ];
  const report = await rates(
    [
      { name: "kept", run: await question(closing, port, request), inFlight },
      { name: "signed", run: await question(closing, port, fresh), inFlight },
      { name: "openssl", run: await question(closing, peer.port, peer.request), inFlight },
      { name: "keptAlive", run: await question(keeping, port, request), inFlight },
    ],
    count,
  );
  keeping.destroy();
  process.stdout.write(JSON.stringify(report));
} finally {
  peer.process.kill();
  own.stdin.end();
  await rm(directory, { recursive: true, force: true });
}
