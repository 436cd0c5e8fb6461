/**
 * Room: bench. The responder of a new fleet, its store on disk, behind plain HTTP on 127.0.0.1: for bench/ocsp-http.ts.
 * Prints one line of JSON, its port and a request about a device; ends when its standard input does.
 */
import "../local/thread-pool.ts";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ocspResponder } from "../core/ocsp/answer.ts";
import { enrolled, plainRequest, startAnswering } from "../test/ocsp/answering-fleet.ts";
import { testFleet as fleet, openFleetApp } from "../test/support/fleet-app.ts";

const opened = await openFleetApp({ onDisk: true });
await startAnswering(opened.app, fleet);
const request = plainRequest(await enrolled(opened.app, fleet));
const answer = ocspResponder(opened.app);

const server = createServer((incoming, outgoing) => {
  const parts: Buffer[] = [];
  incoming.on("data", (part: Buffer) => parts.push(part));
  incoming.on("end", async () => {
    const { body } = await answer({ fleet, request: Buffer.concat(parts) });
    outgoing.writeHead(200, { "content-type": "application/ocsp-response", "content-length": body.length });
    outgoing.end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ port, request: request.toString("base64") })}\n`);
});

process.stdin.resume();
process.stdin.on("end", async () => {
  server.closeAllConnections();
  server.close();
  await opened.close();
});
