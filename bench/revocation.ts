/**
 * Room: bench. How long a revocation takes to be known: from the answer to `POST …/revocation` until the CRL and the OCSP
 * answer, asked for again and again over HTTPS, say it. The server is a process of its own, its store on disk.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { placeOfList } from "../cli/certificate-list.ts";
import { createHttpsClient, type HttpRequest, type HttpsClient } from "../cli/https-client.ts";
import { decodeCertificateList } from "../core/formats/crl/certificate-list.ts";
import { decodeOcspResponse } from "../core/formats/ocsp/response.ts";
import { decodePem } from "../core/formats/pem.ts";
import { decodeCertificate } from "../core/formats/x509/certificate.ts";
import { type LocalServer, startLocalServer } from "../test/cli/local-server.ts";
import { plainRequest } from "../test/ocsp/answering-fleet.ts";
import { deviceCsr, deviceKey } from "../test/support/device.ts";
import { table } from "./measure.ts";

const fleet = "default";
const base = `/v1/fleets/${fleet}`;
const count = 50;
/** Whoever asks more often measures the asking. */
const pollMilliseconds = 5;

function operatorClient({ url, dataDir }: LocalServer): HttpsClient {
  const read = (name: string): string => readFileSync(join(dataDir, "bootstrap", name), "utf8");
  const credential = { certificate: read("operator.pem"), privateKey: read("operator.key") };
  return createHttpsClient({ url, ca: read("root.pem"), credential });
}

async function send(client: HttpsClient, request: HttpRequest): Promise<Buffer> {
  const { status, body } = await client.send(request);
  if (status >= 200 && status < 300) return body;
  throw new Error(`${request.method} ${request.path} answered ${status}: ${body.toString()}`);
}

async function post<T>(client: HttpsClient, path: string, body: object, token?: string): Promise<T> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { "content-type": "application/json", accept: "application/json", ...authorization };
  const request = { method: "POST", path: base + path, headers, body: JSON.stringify(body) } as const;
  return JSON.parse((await send(client, request)).toString()) as T;
}

interface Issued {
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
  readonly chain: string;
}

async function enrol(operator: HttpsClient, device: HttpsClient, deviceId: string): Promise<Issued> {
  const { token } = await post<{ token: string }>(operator, "/enrollment-tokens", { deviceId });
  return post<Issued>(device, "/certificates", { csr: deviceCsr(deviceKey()).toString("base64") }, token);
}

/** What anybody asks to learn of it. Each is true once the answer says revoked. */
function questionsOf({ serialNumber, certificate, chain }: Issued, anybody: HttpsClient) {
  const [der] = decodePem(certificate, "CERTIFICATE");
  if (der === undefined) throw new Error("no certificate");
  const { path } = placeOfList(decodeCertificate(der), fleet);
  const request = plainRequest({ fleet, serialNumber, certificate, issuer: chain, root: "" });
  const headers = { "content-type": "application/ocsp-request", accept: "application/ocsp-response" };
  return {
    async list() {
      const body = await send(anybody, { method: "GET", path: base + path });
      return decodeCertificateList(body).revoked.some((entry) => entry.serialNumber === serialNumber);
    },
    async ocsp() {
      const body = await send(anybody, { method: "POST", path: `${base}/ocsp`, headers, body: request });
      const response = decodeOcspResponse(body);
      return response.status === 0 && response.responses[0]?.status.kind === "revoked";
    },
  };
}

async function millisecondsUntil(question: () => Promise<boolean>, since: number): Promise<number> {
  while (!(await question())) await wait(pollMilliseconds);
  return performance.now() - since;
}

interface Known {
  readonly list: number;
  readonly ocsp: number;
}

async function revokeOne(operator: HttpsClient, anybody: HttpsClient, issued: Issued): Promise<Known> {
  const { list, ocsp } = questionsOf(issued, anybody);
  // Kept by the service before: the answer that must give way.
  if ((await list()) || (await ocsp())) throw new Error("it is revoked already");
  await post(operator, `/certificates/${issued.serialNumber}/revocation`, { reason: "keyCompromise" });
  const accepted = performance.now();
  const [listed, answered] = await Promise.all([
    millisecondsUntil(list, accepted),
    millisecondsUntil(ocsp, accepted),
  ]);
  return { list: listed, ocsp: answered };
}

function row(name: string, milliseconds: readonly number[]): readonly string[] {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const [median = Number.NaN, maximum = Number.NaN] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return [name, `median ${median.toFixed(0)} ms`, `maximum ${maximum.toFixed(0)} ms`];
}

async function measure(server: LocalServer): Promise<readonly Known[]> {
  const operator = operatorClient(server);
  try {
    const issued: Issued[] = [];
    for (let index = 0; index < count; index += 1)
      issued.push(await enrol(operator, server.browser, `bench-${index}`));
    // The lists of a new fleet are made in its first seconds, and a device's is there before it is revoked.
    await wait(6_000);
    const known: Known[] = [];
    for (const one of issued) known.push(await revokeOne(operator, server.browser, one));
    return known;
  } finally {
    operator.close();
  }
}

export async function benchRevocation(): Promise<string> {
  const server = await startLocalServer();
  try {
    const known = await measure(server);
    return [
      `From the answer to a revocation until it is known, over HTTPS, ${count} one after the other`,
      table([
        row(
          "on the CRL",
          known.map(({ list }) => list),
        ),
        row(
          "by OCSP",
          known.map(({ ocsp }) => ocsp),
        ),
      ]),
    ].join("\n");
  } finally {
    await server.stop();
  }
}
