/** Room: cli. From settings to a connection: read the files, check them, open, and close in the end. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";
import { readCredentialFile } from "./credential-files.ts";
import { Failure } from "./failure.ts";
import { createFleetApi, type FleetApi } from "./fleet-api.ts";
import { type ClientCredential, createHttpsClient } from "./https-client.ts";
import { parseCertificates } from "./issued-certificate.ts";
import type { RetryPolicy } from "./retry.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface SessionOptions {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly credential?: ClientCredential | undefined;
  readonly retries?: RetryPolicy;
  readonly maxSockets?: number;
  /** As in HttpsClientOptions. */
  readonly maxResponseBytes?: number;
  /** PEM of the roots that may sign the server. @default those of the settings */
  readonly ca?: string;
  /** As in FleetApiOptions. */
  readonly finishInFlight?: boolean;
}

/** Runs `work` with an API that trusts the configured roots only, and closes its connections. */
export async function withFleetApi<T>(
  options: SessionOptions,
  work: (api: FleetApi) => Promise<T>,
): Promise<T> {
  const {
    settings,
    terminal,
    credential,
    retries,
    maxSockets,
    maxResponseBytes,
    finishInFlight = false,
  } = options;
  const client = createHttpsClient({
    url: settings.url.value,
    ca: options.ca ?? (await readRoots(settings)),
    credential,
    ...(maxSockets === undefined ? {} : { maxSockets }),
    ...(maxResponseBytes === undefined ? {} : { maxResponseBytes }),
  });
  try {
    return await work(
      createFleetApi({
        client,
        fleet: settings.fleet.value,
        now: terminal.now,
        interrupted: terminal.interrupted,
        finishInFlight,
        ...(retries === undefined ? {} : { retries }),
      }),
    );
  } finally {
    client.close();
  }
}

export async function withOperatorApi<T>(
  options: Omit<SessionOptions, "credential">,
  work: (api: FleetApi) => Promise<T>,
): Promise<T> {
  const { cert, key } = options.settings;
  return withFleetApi({ ...options, credential: await readClientCredential(cert.value, key.value) }, work);
}

export const pullRoots =
  "start a local server with `fleetkey serve`, or: fleetkey trust pull --fingerprint HEX --out FILE, then --ca FILE";

/** The machine's store, or the list that Node carries where the machine keeps none. */
function readSystemRoots(): string {
  const installed = getCACertificates("system");
  return (installed.length > 0 ? installed : getCACertificates("bundled")).join("\n");
}

/** PEM of the roots that may sign the server; throws `file_missing` or `certificate_malformed`. */
export async function readRoots(settings: Settings): Promise<string> {
  const { value: path } = settings.ca;
  if (path === systemRoots) return readSystemRoots();
  const pem = await readCredentialFile(path, pullRoots);
  if (parseCertificates(pem, path).length > 0) return pem;
  throw new Failure("localFile", "certificate_malformed", `${path} holds no certificate`, {
    remedy: pullRoots,
  });
}

const nameCredential =
  "name the client's files with --cert and --key, or the server's directory with --data-dir";

/** A certificate and its private key; throws `key_mismatch` if they are not a pair. */
export async function readClientCredential(
  certificatePath: string,
  keyPath: string,
): Promise<ClientCredential> {
  const certificate = await readCredentialFile(certificatePath, nameCredential);
  const privateKey = await readCredentialFile(keyPath, nameCredential);
  let isPair: boolean;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch (error) {
    throw new Failure(
      "localFile",
      "credential_unreadable",
      `${certificatePath} or ${keyPath} cannot be read`,
      {
        remedy: "both are PEM; the key is not encrypted",
        cause: error,
      },
    );
  }
  if (isPair) return { certificate, privateKey };
  throw new Failure("localFile", "key_mismatch", `${keyPath} is not the key of ${certificatePath}`, {
    remedy: nameCredential,
  });
}
