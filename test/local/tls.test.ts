/** The transport as outside judges see it: openssl s_client, and node:tls as a client. */
import { once } from "node:events";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tlsSettings } from "../../core/standard/transport.ts";
import { openssl, opensslInstalled, withFiles } from "../support/openssl.ts";
import { type EchoServer, startEcho } from "./echo-server.ts";
import { selfSigned } from "./tls-credentials.ts";

const device = selfSigned(["commonName", "pump-1"]);
let server: EchoServer;

beforeAll(async () => {
  server = await startEcho(selfSigned(["commonName", "localhost"]));
});
afterAll(() => server.close());

/** What OpenSSL says of a handshake with `options`. */
async function handshake(...options: readonly string[]): Promise<string> {
  return (await openssl(["s_client", "-connect", `127.0.0.1:${server.port}`, ...options])).output;
}

/** A client that would agree to anything, so that the refusal is the server's. */
const lax = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];

describe.skipIf(!opensslInstalled)("RFC 8996, RFC 9325 §3.1.1: versions (OpenSSL, where installed)", () => {
  it.each([
    ["-tls1", false],
    ["-tls1_1", false],
    ["-tls1_2", true],
    ["-tls1_3", true],
  ])("%s accepted: %s", async (version, accepted) => {
    const said = await handshake(version, ...lax);
    const cipher = /Cipher is (\S+)/.exec(said)?.[1] ?? "(NONE)";
    expect(cipher !== "(NONE)").toBe(accepted);
    expect(said.includes("alert protocol version")).toBe(!accepted);
  });
});

describe.skipIf(!opensslInstalled)("RFC 9325 §4: cipher suites of TLS 1.2 (OpenSSL, where installed)", () => {
  it.each([
    ["AES128-SHA", "no forward secrecy, CBC"],
    ["AES256-GCM-SHA384", "no forward secrecy"],
    ["ECDHE-ECDSA-AES128-SHA", "CBC, SHA-1"],
    ["ECDHE-ECDSA-AES256-SHA384", "CBC"],
    ["DHE-RSA-AES256-GCM-SHA384", "finite field"],
    ["NULL-SHA256", "no encryption"],
    ["aNULL", "no authentication"],
    ["ECDHE-ECDSA-AES128-CCM8", "short tag"],
  ])("%s is refused: %s", async (suite) => {
    const said = await handshake("-tls1_2", "-cipher", `${suite}:@SECLEVEL=0`);
    expect(said).not.toMatch(/Cipher is (?!\(NONE\))/);
    // The server's own refusal, and not a client that had nothing to offer.
    expect(said).toContain("alert handshake failure");
  });

  it.each(["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"])(
    "%s is accepted",
    async (suite) => {
      expect(tlsSettings.ciphers).toContain(suite);
      expect(await handshake("-tls1_2", "-cipher", suite)).toContain(`Cipher is ${suite}`);
    },
  );
});

describe.skipIf(!opensslInstalled)("client certificates (OpenSSL, where installed)", () => {
  it("are taken in TLS 1.2 and 1.3, though nobody vouches for them, as far as the access check", async () => {
    await withFiles({ ...device }, async (path) => {
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const said = await handshake(version, "-cert", path("cert"), "-key", path("key"));
        expect(said).toMatch(/Cipher is (?!\(NONE\))/);
        expect(said).not.toContain("alert");
      }
    });
  });

  it("are asked for without naming authorities, so that a client may send what it has", async () => {
    expect(await handshake("-tls1_3")).toContain("No client certificate CA names sent");
  });
});

it("SSL_OP_NO_RENEGOTIATION: a TLS 1.2 client cannot change its certificate on the way", async () => {
  const client = tls.connect({
    port: server.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
  });
  client.on("error", () => undefined);
  await once(client, "secureConnect");
  const outcome = await new Promise<Error | null>((resolve) => {
    client.once("error", resolve);
    client.renegotiate({}, resolve);
  });
  expect(outcome).toBeInstanceOf(Error);
  client.destroy();
});

/** One request over one connection; gives the event's client certificate and the session for the next. */
async function visit(version: tls.SecureVersion, options: tls.ConnectionOptions) {
  const settings = { port: server.port, host: "127.0.0.1", rejectUnauthorized: false };
  const client = tls.connect({ ...settings, minVersion: version, maxVersion: version, ...options });
  let session: Buffer | undefined;
  client.on("session", (next: Buffer) => {
    session = next;
  });
  await once(client, "secureConnect");
  const resumed = client.isSessionReused();
  const chunks: Buffer[] = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  client.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  await once(client, "close");
  const text = Buffer.concat(chunks).toString();
  const event = JSON.parse(text.slice(text.indexOf("\r\n\r\n")));
  return {
    resumed,
    session,
    subject: event.requestContext.authentication?.clientCert.subjectDN as string | undefined,
  };
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("RFC 8446 §2.2, RFC 5077: resumption in %s", (version) => {
  const own = () => ({ key: device.key, cert: device.cert });

  it("keeps the certificate that the first handshake proved", async () => {
    const first = await visit(version, own());
    expect(first).toMatchObject({ resumed: false, subject: "CN=pump-1" });
    const again = await visit(version, { ...own(), session: first.session });
    expect(again).toMatchObject({ resumed: true, subject: "CN=pump-1" });
  });

  it("never lends a certificate to a session that was opened without one", async () => {
    const first = await visit(version, {});
    expect(first.subject).toBeUndefined();
    const again = await visit(version, { ...own(), session: first.session });
    expect(again.resumed ? again.subject : undefined).toBeUndefined();
  });

  it("does not take a session of another server", async () => {
    const other = await startEcho(device);
    const mine = server;
    const { session } = await visit(version, own());
    server = other;
    const there = await visit(version, { session });
    server = mine;
    expect(there).toMatchObject({ resumed: false, subject: undefined });
    await other.close();
  });
});
