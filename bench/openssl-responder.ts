/**
 * Room: bench. `openssl ocsp` as a responder: an authority of its own that signs its answers itself, and an index of one
 * certificate. It listens on all addresses and cannot be told otherwise: see bench/ocsp.ts for where it may run.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { opensslEnvironment } from "../test/support/openssl.ts";

const port = 18_888;
const serialNumber = "1234ABCD";

function run(...parameters: readonly string[]): void {
  execFileSync("openssl", parameters, { stdio: ["ignore", "ignore", "pipe"] });
}

function makeAuthority(directory: string) {
  const [key, certificate] = [join(directory, "ca.key"), join(directory, "ca.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  run("req", "-x509", ...curve, "-subj", "/CN=ca", "-keyout", key, "-out", certificate);
  const index = join(directory, "index.txt");
  writeFileSync(index, `V\t401231235959Z\t\t${serialNumber}\tunknown\t/CN=pump-1\n`);
  return { key, certificate, index };
}

export interface OpensslResponder {
  readonly port: number;
  /** OCSPRequest about its certificate, DER. */
  readonly request: Buffer;
  readonly process: ChildProcess;
}

/** Starts it with its files in `directory`; whoever calls ends the process. */
export async function startOpensslResponder(directory: string): Promise<OpensslResponder> {
  const { key, certificate, index } = makeAuthority(directory);
  const request = join(directory, "request.der");
  const about = ["-issuer", certificate, "-sha256", "-serial", `0x${serialNumber}`];
  run("ocsp", ...about, "-no_nonce", "-reqout", request);
  const signer = ["-rsigner", certificate, "-rkey", key, "-CA", certificate, "-ndays", "1"];
  // A connection that asks nothing, to see whether it listens, would keep it busy for good.
  const log = join(directory, "openssl.log");
  const process = spawn("openssl", ["ocsp", "-index", index, "-port", String(port), ...signer], {
    env: opensslEnvironment,
    stdio: ["ignore", "ignore", openSync(log, "w")],
  });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (readFileSync(log, "utf8").includes("waiting for OCSP client connections"))
      return { port, request: readFileSync(request), process };
    await wait(50);
  }
  process.kill();
  throw new Error("openssl ocsp does not listen");
}
