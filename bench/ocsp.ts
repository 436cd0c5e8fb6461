/**
 * Room: bench. OCSP answers a second: in process, kept ones and freshly signed ones, against what node:crypto needs to
 * sign and to verify; and over HTTP against `openssl ocsp` as a responder, with the same client. OpenSSL's responder
 * listens on all addresses, so that part runs in a network of its own, or not at all.
 */
import { execFile, spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeOcspRequest } from "../core/formats/ocsp/request.ts";
import { ocspResponder } from "../core/ocsp/answer.ts";
import { certIdFor, enrolled, plainRequest, startAnswering } from "../test/ocsp/answering-fleet.ts";
import { testFleet as fleet, openFleetApp } from "../test/support/fleet-app.ts";
import { opensslInstalled } from "../test/support/openssl.ts";
import { type Rate, rates, table } from "./measure.ts";

const run = promisify(execFile);
const count = 3_000;
const inFlight = 16;

/** Signs an answer's octets and verifies that, on the thread pool, as the responder does. */
function floor(): () => Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const data = randomBytes(230);
  return async () => {
    const signature = await new Promise<Buffer>((resolve) =>
      sign("sha256", data, privateKey, (_, value) => resolve(value)),
    );
    await new Promise((resolve) =>
      verify("sha256", data, publicKey, signature, (_, valid) => resolve(valid)),
    );
  };
}

async function inProcess(): Promise<readonly Rate[]> {
  const opened = await openFleetApp({ onDisk: true });
  await startAnswering(opened.app, fleet);
  const subject = await enrolled(opened.app, fleet);
  const answer = ocspResponder(opened.app);
  const plain = plainRequest(subject);
  const fresh = encodeOcspRequest({ certIds: [certIdFor(subject)], nonce: Buffer.alloc(32, 1) });
  const report = await rates(
    [
      { name: "fleetkey, kept", run: () => answer({ fleet, request: plain }), inFlight },
      { name: "fleetkey, signed", run: () => answer({ fleet, request: fresh }), inFlight },
      { name: "node:crypto, sign and verify", run: floor(), inFlight },
    ],
    count,
  );
  await opened.close();
  return report;
}

/** A command that gives what follows it a network in which there is this machine alone; undefined: not here. */
function isolation(): readonly string[] | undefined {
  const command = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"'];
  const { status } = spawnSync(command[0] ?? "", [...command.slice(1), "true"], { stdio: "ignore" });
  return status === 0 ? command : undefined;
}

async function overHttp(): Promise<readonly Rate[] | undefined> {
  const command = opensslInstalled ? isolation() : undefined;
  if (command === undefined) return undefined;
  const [program = "", ...parameters] = command;
  const script = join(import.meta.dirname, "ocsp-http.ts");
  const { stdout } = await run(program, [...parameters, process.execPath, script], { timeout: 180_000 });
  return JSON.parse(stdout) as readonly Rate[];
}

const perSecond = (report: readonly Rate[], name: string): number =>
  report.find((rate) => rate.name === name)?.perSecond ?? Number.NaN;

const row = (name: string, rate: number): readonly string[] => [name, `${rate.toFixed(0)}/s`];

async function peerLines(): Promise<readonly string[]> {
  const report = await overHttp();
  if (report === undefined)
    return ["  openssl ocsp was not asked: it needs OpenSSL, and Linux namespaces for a network of its own"];
  const [kept, signed, openssl] = ["kept", "signed", "openssl"].map((name) => perSecond(report, name));
  if (kept === undefined || signed === undefined || openssl === undefined) throw new Error("no rates");
  return [
    "OCSP over plain HTTP, 8 at once, one client on the same machine",
    table([
      row("fleetkey, kept, a connection each", kept),
      row("fleetkey, signed for its nonce, a connection each", signed),
      row("openssl ocsp, signed, a connection each", openssl),
      row("fleetkey, kept, over kept connections", perSecond(report, "keptAlive")),
    ]),
    `  fleetkey kept / openssl ocsp = ${(kept / openssl).toFixed(2)}`,
    `  fleetkey signed / openssl ocsp = ${(signed / openssl).toFixed(2)}`,
  ];
}

export async function benchOcsp(): Promise<string> {
  const report = await inProcess();
  const ratio = perSecond(report, "fleetkey, signed") / perSecond(report, "node:crypto, sign and verify");
  return [
    "OCSP answers in process, 16 at once, the store on disk",
    table(report.map((rate) => row(rate.name, rate.perSecond))),
    `  signed / node:crypto = ${ratio.toFixed(2)}`,
    ...(await peerLines()),
  ].join("\n");
}
