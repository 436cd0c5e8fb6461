/** Room: scripts/rehearsal. Server certificates for this machine's loopback, from an authority that lives as long as the rehearsal. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../deployment/command.ts";
import { StepFailure } from "../deployment/failure.ts";

export interface ServerFiles {
  /** Paths of PEM files: the authority's certificate, the server's with the authority's after it, its key. */
  readonly authority: string;
  readonly chain: string;
  readonly key: string;
}

async function openssl(directory: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand("openssl", args, { directory });
  if (code !== 0)
    throw new StepFailure(`openssl ${args[0]} ended with ${code}: ${stderr.trim()}`, "install OpenSSL 3");
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"];

/** Makes an authority and one certificate for 127.0.0.1, localhost and `names`, good for a day. */
export async function makeServerFiles(
  directory: string,
  names: readonly string[] = [],
): Promise<ServerFiles> {
  const at = (name: string): string => join(directory, name);
  const authority = ["req", "-x509", ...newKey, "-days", "1", "-subj", "/CN=rehearsal", "-keyout", "ca.key"];
  const authorityUses = [
    "-addext",
    "keyUsage=critical,keyCertSign",
    "-addext",
    "basicConstraints=critical,CA:TRUE",
  ];
  await openssl(directory, [...authority, ...authorityUses, "-out", "ca.pem"]);
  await openssl(directory, [
    "req",
    ...newKey,
    "-subj",
    "/CN=127.0.0.1",
    "-keyout",
    "server.key",
    "-out",
    "server.csr",
  ]);
  const hosts = ["IP:127.0.0.1", "DNS:localhost", ...names.map((name) => `DNS:${name}`)].join(",");
  const uses = [
    "basicConstraints=critical,CA:FALSE",
    "extendedKeyUsage=serverAuth",
    `subjectAltName=${hosts}`,
  ];
  await writeFile(at("server.ext"), `${uses.join("\n")}\n`);
  const sign = [
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-days",
    "1",
    "-sha256",
  ];
  await openssl(directory, [...sign, "-extfile", "server.ext", "-out", "server.pem"]);
  const chain = (await readFile(at("server.pem"), "utf8")) + (await readFile(at("ca.pem"), "utf8"));
  await writeFile(at("chain.pem"), chain);
  return { authority: at("ca.pem"), chain: at("chain.pem"), key: at("server.key") };
}
