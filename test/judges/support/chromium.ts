/**
 * Room: test/judges. Chromium as a judge: a browser of its own, without a window, that trusts one server's key and
 * reaches nothing but this machine.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, type X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "node:tls";
import { ChromiumPage } from "./chromium-page.ts";
import { Protocol } from "./chromium-protocol.ts";

export interface Chromium {
  /** A page of another person: with cookies, storage and an authenticator of its own. */
  newPage(): Promise<ChromiumPage>;
  close(): Promise<void>;
}

function chromiumPath(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error("chromium is not in the PATH; bash .ci/install-judges installs it");
}

/** What the server at `port` of this machine shows. */
export async function shownCertificate(port: number): Promise<X509Certificate> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new Error(`the server at port ${port} shows no certificate`);
  return certificate;
}

/** As Chromium names keys: base64 of the SHA-256 of the SubjectPublicKeyInfo. */
function keyName({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

function flags(profile: string, server: X509Certificate): readonly string[] {
  return [
    "--headless",
    // Its sandbox asks for what containers and root do not have; it opens nothing but our own page.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    `--ignore-certificate-errors-spki-list=${keyName(server)}`,
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    "about:blank",
  ];
}

const startMilliseconds = 30_000;

/** The address that the browser prints when it listens. */
async function debuggingUrl(browser: ChildProcess): Promise<string> {
  if (browser.stderr === null) throw new Error("chromium: no standard error");
  const said: string[] = [];
  const deadline = setTimeout(() => browser.kill("SIGKILL"), startMilliseconds);
  try {
    for await (const line of createInterface(browser.stderr)) {
      said.push(line);
      const url = /^DevTools listening on (ws:\S+)$/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
  } finally {
    clearTimeout(deadline);
    // Unread, a full pipe would stop it.
    browser.stderr.resume();
  }
  throw new Error(`chromium does not start:\n${said.slice(-20).join("\n")}`);
}

/** Ends the browser and what it started: a group of processes that this one leads. */
async function end(browser: ChildProcess, profile: string): Promise<void> {
  if (browser.exitCode === null && browser.signalCode === null && browser.pid !== undefined) {
    const gone = once(browser, "exit");
    process.kill(-browser.pid, "SIGKILL");
    await gone;
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** @param server Whose key is trusted, beside none. @throws Error naming `.ci/install-judges` when it is missing. */
export async function startChromium(server: X509Certificate): Promise<Chromium> {
  const path = chromiumPath();
  const profile = await mkdtemp(join(tmpdir(), "fleetkey-chromium-"));
  const browser = spawn(path, flags(profile, server), {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
    // Nothing of it outlives the profile.
    env: { PATH: process.env["PATH"], HOME: profile, TMPDIR: profile },
  });
  try {
    const protocol = await Protocol.connect(await debuggingUrl(browser));
    return {
      newPage: () => ChromiumPage.open(protocol),
      async close() {
        protocol.close();
        await end(browser, profile);
      },
    };
  } catch (error) {
    await end(browser, profile);
    throw error;
  }
}
