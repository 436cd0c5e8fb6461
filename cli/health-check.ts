/** Room: cli. What `fleetkey doctor` looks at: the machine, the files, the service. */
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { systemCode } from "./failure.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import { fingerprintOf, parseCertificates } from "./issued-certificate.ts";
import { checkManifest, checkNewestList } from "./published-check.ts";
import { readClientCredential, readRoots, withFleetApi, withOperatorApi } from "./session.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { pullTrustBundle } from "./trust-bundle.ts";

export interface HealthCheck {
  readonly name: string;
  /** Throws a Failure for what is wrong; the doctor shows it as `fail` with its remedy. */
  readonly check: (settings: Settings, terminal: Terminal) => Promise<readonly Finding[]>;
}

const day = 86_400_000;
const warnDays = 14;
// Certificates are backdated by 300 s, so a clock further behind finds a new one not valid yet.
const skewLimits = { warn: 30_000, fail: 300_000 };

function expiry(what: string, notAfter: number, now: number, remedy: string): Finding {
  const date = new Date(notAfter).toISOString();
  const days = Math.floor((notAfter - now) / day);
  if (notAfter <= now) return fail(`${what} expired ${date}`, remedy);
  return days < warnDays
    ? warn(`${what} ends ${date}, in ${days} d`, remedy)
    : ok(`${what} good until ${date}`);
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function checkNode(): Promise<Finding[]> {
  // An older Node does not come this far: see fleetkey.js.
  return [ok(`Node ${process.version}, OpenSSL ${process.versions.openssl}`)];
}

async function checkOpenssl(): Promise<Finding[]> {
  try {
    const { stdout } = await promisify(execFile)("openssl", ["version"], { timeout: 5_000 });
    return [ok(stdout.trim())];
  } catch {
    return [
      warn(
        "openssl is not on the PATH",
        "install it to judge certificates from outside; fleetkey works without",
      ),
    ];
  }
}

async function checkDataDirectory({ dataDir, url }: Settings): Promise<Finding[]> {
  const mode = await modeOf(dataDir.value);
  if (mode === undefined) {
    if (url.source !== "default")
      return [ok(`no ${dataDir.value}, and none is needed to call another machine`)];
    return [
      warn(
        `no ${dataDir.value}`,
        "start a local server with `fleetkey serve`, or name its directory with --data-dir",
      ),
    ];
  }
  if ((mode & 0o077) === 0) return [ok(`${dataDir.value} is its owner's alone`)];
  return [
    fail(`${dataDir.value} is open to others (mode ${mode.toString(8)})`, `chmod 700 ${dataDir.value}`),
  ];
}

async function checkRoots(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  const roots = parseCertificates(await readRoots(settings), settings.ca.value);
  if (settings.ca.value === systemRoots) return [ok(`${roots.length} roots of this machine`)];
  return roots.map((root) => {
    const what = `root SHA-256 ${fingerprintOf(root)}`;
    return expiry(
      what,
      root.validToDate.getTime(),
      terminal.now(),
      "fetch the new root: fleetkey trust pull --out FILE",
    );
  });
}

async function checkService(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  const answer = await withFleetApi({ settings, terminal }, (api) => api.health());
  const { tlsVersion = "TLS", serverNotAfter } = answer;
  const findings = [
    ok(`${settings.url.value} answers over ${tlsVersion}, signed by a root that is trusted here`),
  ];
  if (serverNotAfter !== undefined) {
    findings.push(
      expiry(
        "its certificate",
        serverNotAfter,
        terminal.now(),
        "restart or redeploy the service to renew it",
      ),
    );
  }
  return [...findings, ...checkClock(answer.headers.date, terminal.now())];
}

function checkClock(date: string | undefined, now: number): Finding[] {
  const there = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(there))
    return [warn("the service sends no date", "compare this machine's clock with a time server")];
  const skew = now - there;
  const detail = `this clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew < 0 ? "behind" : "ahead of"} the service's`;
  if (Math.abs(skew) > skewLimits.fail)
    return [fail(detail, "set the clock: certificates count as expired or not yet valid")];
  return [Math.abs(skew) > skewLimits.warn ? warn(detail, "synchronise the clock") : ok(detail)];
}

async function checkTrust(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  if (settings.ca.value === systemRoots) return compareByHand(settings, terminal);
  const { fingerprints } = await pullTrustBundle(settings, undefined, terminal);
  return [ok(`fleet ${settings.fleet.value} publishes ${fingerprints.length} root(s), ours among them`)];
}

/** A public authority vouches for the host, not for the fleet: only a person can say whether these are its roots. */
async function compareByHand(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  const pem = await withFleetApi({ settings, terminal }, (api) => api.trust());
  return parseCertificates(pem, "the trust bundle").map((root) =>
    warn(
      `fleet ${settings.fleet.value} publishes a root with SHA-256 ${fingerprintOf(root)}`,
      "compare it with the fingerprint that the service's operators gave you",
    ),
  );
}

async function checkOperator(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  const { cert, key } = settings;
  const { certificate } = await readClientCredential(cert.value, key.value);
  const notAfter = new X509Certificate(certificate).validToDate.getTime();
  const found = [
    expiry("operator certificate", notAfter, terminal.now(), "get a new one from the service's operators"),
  ];
  const mode = (await modeOf(key.value)) ?? 0;
  if ((mode & 0o077) !== 0)
    found.push(fail(`${key.value} is open to others (mode ${mode.toString(8)})`, `chmod 600 ${key.value}`));
  await withOperatorApi({ settings, terminal }, (api) => api.list({ limit: 1 }));
  return [...found, ok("the service takes it for an operator's")];
}

/** In the order in which one rests on another. */
export const healthChecks: readonly HealthCheck[] = [
  { name: "node", check: checkNode },
  { name: "openssl", check: checkOpenssl },
  { name: "data", check: checkDataDirectory },
  { name: "root", check: checkRoots },
  { name: "service", check: checkService },
  { name: "trust", check: checkTrust },
  { name: "manifest", check: checkManifest },
  { name: "operator", check: checkOperator },
  { name: "list", check: checkNewestList },
];
