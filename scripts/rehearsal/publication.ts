/**
 * Room: scripts/rehearsal. How soon others know that a certificate is revoked: those who read its list, and those who ask
 * by OCSP. OpenSSL reads and judges both. The promise is a minute, on whichever machine.
 */
import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import type { HttpRequest } from "../../cli/https-client.ts";
import { revocationStandard } from "../../core/standard/revocation.ts";
import { outputOf } from "../deployment/cdk.ts";
import { runCommand } from "../deployment/command.ts";
import { operatorFiles } from "../deployment/operator.ts";
import { assertEnded } from "../deployment/smoke.ts";
import { stackNames } from "../deployment/stage.ts";
import { invokeTask } from "../deployment/tasks.ts";
import { enrol } from "./device-life.ts";
import { connected, fleetkey, functionOf, operatorFlags, type RehearsedStage } from "./rehearsed-stage.ts";
import { expectThat, type Report } from "./report.ts";

const deviceId = "sensor-0002";
const promised = 1_000 * revocationStandard.publishedWithinSeconds;

interface Watched {
  readonly directory: string;
  readonly serialNumber: string;
  /** Path of its list below the API, from the certificate itself. */
  readonly list: string;
}

async function openssl(directory: string, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand("openssl", argv, { directory });
  expectThat(code === 0, `openssl ${argv.slice(0, 2).join(" ")}: ${stderr}`);
  return `${stdout}${stderr}`;
}

async function watched(stage: RehearsedStage): Promise<Watched> {
  const directory = join(stage.directory, deviceId);
  const serialNumber = await enrol(stage, deviceId, directory);
  const text = await openssl(directory, "x509", "-in", "device.crt", "-noout", "-text");
  const [, url = ""] = /CRL Distribution Points:[\s\S]*?URI:(\S+)/.exec(text) ?? [];
  expectThat(URL.canParse(url), "the certificate names no list");
  const { infoAccess = "" } = new X509Certificate(await readFile(join(directory, "device.crt")));
  expectThat(/OCSP - URI:https:\S+\/ocsp/.test(infoAccess), "the certificate names no OCSP responder");
  return { directory, serialNumber, list: new URL(url).pathname };
}

/** The body of an answer to somebody who shows no certificate. */
async function fetchOf(stage: RehearsedStage, request: HttpRequest): Promise<Buffer> {
  const { status, body } = await connected(stage, undefined, ({ client }) => client.send(request));
  expectThat(status === 200, `${request.method} ${request.path}: ${status} ${body.toString("utf8")}`);
  return body;
}

/** What OpenSSL reads in the list, once it has verified the signature. */
async function readList(stage: RehearsedStage, { directory, list }: Watched): Promise<string> {
  await writeFile(join(directory, "list.crl"), await fetchOf(stage, { method: "GET", path: list }));
  const argv = ["crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "chain.pem", "-noout", "-text"];
  const read = await openssl(directory, ...argv);
  expectThat(/verify OK/.test(read), "openssl crl does not verify the list");
  return read;
}

const isListed = async (stage: RehearsedStage, one: Watched): Promise<boolean> =>
  (await readList(stage, one)).includes(`Serial Number: ${one.serialNumber.toUpperCase()}`);

/** RFC 6960 Appendix A.1: both forms of a question over HTTP. */
function questionBy(method: "GET" | "POST", path: string, question: Buffer): HttpRequest {
  if (method === "GET") return { method, path: `${path}/${encodeURIComponent(question.toString("base64"))}` };
  return { method, path, headers: { "content-type": "application/ocsp-request" }, body: question };
}

/** `good` or `revoked`, once OpenSSL has verified the answer to its own question. */
async function askOcsp(stage: RehearsedStage, one: Watched, method: "GET" | "POST"): Promise<string> {
  const { directory } = one;
  const about = ["-issuer", "chain.pem", "-cert", "device.crt"];
  await openssl(directory, "ocsp", ...about, "-no_nonce", "-reqout", "question.der");
  const question = await readFile(join(directory, "question.der"));
  const request = questionBy(method, `/v1/fleets/${stage.fleet.fleet}/ocsp`, question);
  await writeFile(join(directory, "answer.der"), await fetchOf(stage, request));
  const { root } = operatorFiles(stage.operatorDirectory);
  const trust = ["-CAfile", root, "-verify_other", "chain.pem"];
  const answer = await openssl(directory, "ocsp", ...about, ...trust, "-respin", "answer.der");
  expectThat(/Response verify OK/i.test(answer), "openssl ocsp does not verify the answer");
  return /device\.crt: (\w+)/.exec(answer)?.[1] ?? "nothing";
}

/** Milliseconds from now until `isSo`; fails after the time that is promised. */
async function timed(what: string, isSo: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  for (;;) {
    if (await isSo()) return performance.now() - started;
    const waited = performance.now() - started;
    expectThat(waited < promised, `${what} does not know it after ${Math.round(waited / 1_000)} s`);
    await sleep(200);
  }
}

/** The function that serves lists reads them from there, as CloudFront does. */
async function liesInBucket({ clients, outputs, stage }: RehearsedStage, { list }: Watched): Promise<string> {
  const Bucket = outputOf(outputs, stackNames(stage).state, "ArtifactsBucket");
  const Key = list.replace(/^\/v1\//, "");
  const { ContentType = "none" } = await clients.s3.send(new HeadObjectCommand({ Bucket, Key }));
  expectThat(ContentType === "application/pkix-crl", `${Key} is ${ContentType}`);
  return Key;
}

async function revoke(stage: RehearsedStage, { serialNumber }: Watched): Promise<void> {
  const words = ["cert", "revoke", serialNumber, "--reason", "keyCompromise", ...operatorFlags(stage)];
  assertEnded(await fleetkey(stage, words), "cert revoke", "see emulator.log with --keep");
}

async function runTask(stage: RehearsedStage, duty: "publication" | "maintenance"): Promise<string> {
  const report = await invokeTask(stage.clients.lambda, await functionOf(stage, duty), {});
  const text = JSON.stringify(report);
  expectThat((report as { readonly failed?: number }).failed === 0, `it reports ${text}`);
  return text;
}

export async function rehearsePublication(stage: RehearsedStage, report: Report): Promise<void> {
  await report.check("publication runs when it is invoked, and fails at nothing", () =>
    runTask(stage, "publication"),
  );
  const one = await report.need("a device's certificate names its list and a responder", () =>
    watched(stage),
  );
  await report.check("the list lies in the bucket", () => liesInBucket(stage, one));
  await report.check("OpenSSL verifies the list and the responder's answer: nobody revoked it", async () => {
    expectThat(!(await isListed(stage, one)), "the list has it");
    for (const method of ["GET", "POST"] as const) {
      const status = await askOcsp(stage, one, method);
      expectThat(status === "good", `OCSP by ${method} says ${status}`);
    }
  });
  await report.check(`within ${promised / 1_000} s of its revocation both have it`, async () => {
    await revoke(stage, one);
    const [listed, answered] = await Promise.all([
      timed("the list", () => isListed(stage, one)),
      timed("the responder", async () => (await askOcsp(stage, one, "POST")) === "revoked"),
    ]);
    report.figure(`from the end of "fleetkey cert revoke" to the list that has it: ${Math.round(listed)} ms`);
    report.figure(`and to the OCSP answer that says so: ${Math.round(answered)} ms`);
  });
  await report.check("maintenance runs when it is invoked, and fails at nothing", () =>
    runTask(stage, "maintenance"),
  );
}
