/** Room: cli. `fleetkey backend create`: a backend of a local server, certified with the keys in its data directory. */
import { join } from "node:path";
import { isAppError } from "../../core/errors.ts";
import {
  assertBackendId,
  type BackendOperation,
  backendOperations,
  type LocalBackend,
  type LocalDeployment,
  type LocalDeploymentOptions,
  openLocalDeployment,
} from "../../local/backend-creation.ts";
import { defineCommand } from "../command.ts";
import { decodeRequestText } from "../csr-text.ts";
import { checkIdentity, type DeviceRecord, deviceFiles, readDeviceRecord } from "../device-directory.ts";
import { obtainCertificate, withDeviceDirectory } from "../device-enrollment.ts";
import { Failure, usageFailure } from "../failure.ts";
import { dataDirectoryFlag, outputFlags } from "../global-flags.ts";
import { fingerprintOf, parseCertificates } from "../issued-certificate.ts";
import { resolveSettings, type Settings } from "../settings.ts";

interface Creation {
  readonly deployment: LocalDeployment;
  readonly backend: Omit<LocalBackend, "csr">;
  readonly directory: string;
  readonly settings: Settings;
  readonly now: number;
}

/** What is wrong with a word that was given, its message says. */
async function orUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error, "name_not_permitted") && !isAppError(error, "request_invalid")) throw error;
    throw new Failure("usage", error.code, error.message, { cause: error });
  }
}

/** One request of one key: the whole set of files, or what was there before. */
function obtain({ deployment, backend, directory, settings }: Creation, credential: string) {
  const { roots } = deployment;
  const fingerprints = parseCertificates(roots, "the fleet's roots").map(fingerprintOf);
  return obtainCertificate({
    directory,
    wanted: { deviceId: backend.backendId, algorithm: "P-256", credential },
    settings,
    known: { fingerprints, bringOthers: true },
    api: { trust: async () => roots },
    issue: (csr) => deployment.certify({ ...backend, csr: decodeRequestText(csr, deviceFiles.request) }),
  });
}

/**
 * The certificate that is there, while it is in force and no renewal has come since; else another one, of another key.
 * Either way the configuration says what was asked for.
 */
async function create(creation: Creation): Promise<DeviceRecord> {
  const { directory, backend, now } = creation;
  await checkIdentity(directory, backend.backendId, false);
  const before = await readDeviceRecord(directory);
  const next = `operator:${before?.serialNumber ?? "first"}`;
  const isFirst = before?.credential.startsWith("operator:") === true && Date.parse(before.notAfter) > now;
  if (!isFirst) return obtain(creation, next);
  try {
    return await obtain(creation, before.credential);
  } catch (error) {
    // It was revoked.
    if (!isAppError(error, "credential_spent")) throw error;
    return obtain(creation, next);
  }
}

function parseOperations(text: string): readonly BackendOperation[] {
  return text.split(",").map((each) => {
    const found = backendOperations.find((known) => known === each.trim());
    if (found !== undefined) return found;
    throw usageFailure(`--operation is one of ${backendOperations.join(", ")}`);
  });
}

export const backendCreate = defineCommand({
  summary: "Make a backend on this machine, beside the running server; elsewhere the fleet's owners name it",
  args: {
    name: {
      type: "positional",
      required: true,
      valueHint: "NAME",
      description: "Opaque id of the backend, and the name of its directory",
    },
    purpose: {
      type: "string",
      required: true,
      valueHint: "WORD",
      description: "Of the data that it works with, or * for all; more by the flag again, or with commas",
    },
    operation: {
      type: "string",
      valueHint: "NAME",
      description: `What it may do: ${backendOperations.join(", ")}; all of them if not given`,
    },
    url: {
      type: "string",
      valueHint: "URL",
      description: "Where it finds the server, if not at the default",
    },
    fleet: { type: "string", valueHint: "ID", description: "Fleet that it belongs to" },
    ...dataDirectoryFlag,
    ...outputFlags,
  },
  repeated: ["purpose", "operation"],
  async run(args, { terminal, output }) {
    const settings = resolveSettings(args, terminal.env);
    const passphrase = terminal.env["FLEETKEY_PASSPHRASE"];
    const { dataDir, fleet } = settings;
    const options: LocalDeploymentOptions = {
      dataDir: dataDir.value,
      fleet: fleet.value,
      ...(passphrase ? { passphrase } : {}),
    };
    const backend = {
      backendId: args.name,
      operations: parseOperations(args.operation ?? backendOperations.join(",")),
      purposes: args.purpose.split(",").map((each) => each.trim()),
    };
    const directory = join(dataDir.value, "backends", backend.backendId);
    const record = await orUsage(async () => {
      assertBackendId(backend.backendId);
      const deployment = await openLocalDeployment(options);
      const now = terminal.now();
      try {
        const creation = { deployment, backend, directory, settings, now };
        return await withDeviceDirectory(directory, () => create(creation));
      } finally {
        await deployment.close();
      }
    });
    const { deviceId: backendId, ...rest } = record;
    output.answer({ directory, backendId, ...rest }, directory);
    output.note(`${backendId} may come in until ${record.notAfter}; renew after ${record.renewAfter}`);
    return undefined;
  },
});
