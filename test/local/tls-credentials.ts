/** Self-signed certificates for tests of the transport, made by OpenSSL. What they are worth, core decides. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Credential {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly certFile: string;
}

export interface Credentials {
  make(name: string, subject: string): Credential;
  remove(): void;
}

export function tlsCredentials(): Credentials {
  const directory = mkdtempSync(join(tmpdir(), "fleetkey-tls-"));
  return {
    make(name, subject) {
      const keyFile = join(directory, `${name}.key`);
      const certFile = join(directory, `${name}.pem`);
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      const names = ["-subj", subject, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
      const files = ["-keyout", keyFile, "-out", certFile];
      execFileSync("openssl", ["req", "-x509", "-days", "2", ...kind, ...names, ...files], {
        stdio: "ignore",
      });
      return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8"), keyFile, certFile };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
