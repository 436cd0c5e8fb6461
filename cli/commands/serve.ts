/** Room: cli. `fleetkey serve`: the whole service on this machine. The only command that imports local/. */
import "../../local/thread-pool.ts";
import { once } from "node:events";
import { join } from "node:path";
import { type LocalServer, startLocal } from "../../local/app.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import { Failure, systemCode } from "../failure.ts";
import { dataDirectoryFlag, outputFlags } from "../global-flags.ts";
import { watchParent } from "../orphan.ts";
import { resolveDataDirectory } from "../settings.ts";
import type { Terminal } from "../terminal.ts";

const defaults = { host: "127.0.0.1", port: "8443", dataDir: "./.fleetkey" };

interface Place {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
}

async function start(place: Place, passphrase: string | undefined): Promise<LocalServer> {
  try {
    return await startLocal({ ...place, ...(passphrase ? { passphrase } : {}) });
  } catch (error) {
    const code = systemCode(error);
    if (code === "EADDRINUSE")
      throw cannotListen(place, "is taken", "end what listens there, or choose --port N", error);
    if (code === "EACCES")
      throw cannotListen(place, "is not ours to use", "choose a port above 1023 with --port N", error);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw cannotListen(place, "is no address of this machine", "choose --host 127.0.0.1", error);
    }
    throw error;
  }
}

function cannotListen({ host, port }: Place, what: string, remedy: string, cause: unknown): Failure {
  return new Failure("unreachable", "cannot_listen", `${host}:${port} ${what}`, { remedy, cause });
}

/** Flags that the pasted commands need to find this server. */
function flagsFor({ port, host, dataDir }: Place, url: string): string {
  const isDefaultUrl = host === defaults.host && String(port) === defaults.port;
  return [
    ...(isDefaultUrl ? [] : [`--url ${url}`]),
    ...(dataDir === defaults.dataDir ? [] : [`--data-dir ${quote(dataDir)}`]),
  ]
    .map((flag) => ` ${flag}`)
    .join("");
}

const quote = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** What to paste into a second terminal, for a device that does not exist yet. */
export function renderNextCommands(place: Place, url: string, env: Terminal["env"]): string {
  const fleetkey = env["npm_execpath"] ? "npx fleetkey" : "fleetkey";
  const flags = flagsFor(place, url);
  const directory = quote(join(place.dataDir, "devices", "sensor-0001"));
  return [
    "Next, in another terminal in this directory:",
    "",
    "  # 1. a one-time token for one device",
    `  TOKEN=$(${fleetkey} token create --device sensor-0001${flags})`,
    "  # 2. the device makes its key and gets its certificate",
    `  FLEETKEY_TOKEN=$TOKEN ${fleetkey} device enroll --device sensor-0001 --out ${directory}${flags}`,
    "  # 3. judge it with OpenSSL",
    `  openssl verify -CAfile ${directory}/root.pem -untrusted ${directory}/chain.pem ${directory}/device.crt`,
    "",
  ].join("\n");
}

/** Resolves at a signal, and below npm also when npm is gone. */
async function untilStopped({ interrupted, env }: Terminal): Promise<void> {
  if (interrupted.aborted) return;
  const orphaned = new AbortController();
  const stopWatching =
    env["npm_lifecycle_event"] === undefined ? () => undefined : watchParent(() => orphaned.abort());
  await once(AbortSignal.any([interrupted, orphaned.signal]), "abort");
  stopWatching();
}

export const serve = defineCommand({
  summary: "Run the service on this machine, HTTPS only",
  args: {
    host: {
      type: "string",
      valueHint: "ADDRESS",
      default: defaults.host,
      description: "Address to listen on",
    },
    port: {
      type: "string",
      valueHint: "N",
      default: defaults.port,
      description: "Port to listen on; 0 takes any",
    },
    ...dataDirectoryFlag,
    ...outputFlags,
  },
  async run(args, { terminal, output }) {
    const place = {
      host: args.host,
      port: parseWholeNumber("--port", args.port, 0, 65_535),
      dataDir: resolveDataDirectory(args["data-dir"], terminal.env),
    };
    const server = await start(place, terminal.env["FLEETKEY_PASSPHRASE"]);
    const { url, fleet, rootFingerprint, bootstrap } = server;
    const heading = [
      `Fleetkey serves ${url} (fleet ${fleet}, data in ${place.dataDir})`,
      `root SHA-256    ${rootFingerprint}`,
      `root            ${bootstrap.root}`,
      `operator        ${bootstrap.operatorCertificate}, ${bootstrap.operatorKey}`,
    ];
    output.answer({ url, fleet, rootFingerprint, bootstrap }, `${heading.join("\n")}\n`);
    output.note(renderNextCommands(place, url, terminal.env));
    await untilStopped(terminal);
    output.note("stopping: what is in flight is answered first");
    await server.close();
    return "ok";
  },
});
