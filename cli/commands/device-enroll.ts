/** Room: cli. `fleetkey device enroll`, for one device or a manifest of many. */

import type { Context } from "../command.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import { checkIdentity, deviceFiles } from "../device-directory.ts";
import {
  checkDeviceId,
  identityFlags,
  obtainCertificate,
  readCsrFile,
  withDeviceDirectory,
} from "../device-enrollment.ts";
import { enrollmentCredential, enrollOnce } from "../enrollment-credential.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags, fingerprintFlag } from "../global-flags.ts";
import { enrollManifest } from "../production-line.ts";
import { withFleetApi } from "../session.ts";
import { resolveRenewalUrl, resolveSettings, type SettingFlags } from "../settings.ts";
import { readToken } from "../token-source.ts";
import { knownRoots } from "../trust-bundle.ts";

interface EnrollFlags extends SettingFlags {
  readonly device?: string | undefined;
  readonly token?: string | undefined;
  readonly "token-file"?: string | undefined;
  readonly algorithm?: string | undefined;
  readonly out?: string | undefined;
  readonly csr?: string | undefined;
  readonly force?: boolean | undefined;
  readonly fingerprint?: string | undefined;
  readonly "renewal-url"?: string | undefined;
  readonly wait?: string | undefined;
}

const longestWait = 86_400;

async function enrollOne(flags: EnrollFlags, { terminal, output }: Context): Promise<undefined> {
  const { device: deviceId, csr, algorithm = "P-256", force = false } = flags;
  if (deviceId === undefined) throw usageFailure("--device ID or --manifest FILE is required");
  checkDeviceId(deviceId);
  if (csr !== undefined && flags.algorithm !== undefined)
    throw usageFailure("--algorithm is for a key made here, not for --csr");
  const limit = parseWholeNumber("--wait", flags.wait ?? "0", 0, longestWait) * 1000;
  const directory = flags.out ?? deviceId;
  const settings = resolveSettings(flags, terminal.env);
  const renewalUrl = resolveRenewalUrl(flags["renewal-url"], terminal.env);
  const token = await readToken({ token: flags.token, "token-file": flags["token-file"] }, terminal);
  const credential = await enrollmentCredential(token, settings);
  const known = await knownRoots(settings, flags.fingerprint);
  const foreignCsr = csr === undefined ? undefined : await readCsrFile(csr);
  const wanted = {
    deviceId,
    algorithm: foreignCsr?.publicKey.algorithm.id ?? algorithm,
    credential: credential.name,
  };
  const session = { settings, terminal, credential: credential.certificate };
  const record = await withFleetApi(session, (api) =>
    withDeviceDirectory(directory, async () => {
      await checkIdentity(directory, deviceId, force);
      // A token names its device; whoever shows something else says which one asks.
      const call = token === undefined ? { deviceId } : { token };
      const issue = (pem: string) => enrollOnce(api, { csr: pem, ...call }, { limit, terminal, output });
      return obtainCertificate({ directory, wanted, settings, known, renewalUrl, api, foreignCsr, issue });
    }),
  );
  output.answer({ directory, ...record }, directory);
  const files = `${directory}/${deviceFiles.certificate}${foreignCsr === undefined ? `, ${deviceFiles.key}` : ""}, ${deviceFiles.chain}`;
  output.note(`${deviceId} enrolled: serial ${record.serialNumber}, good until ${record.notAfter}`);
  output.note(
    `wrote ${files}, ${deviceFiles.fullChain}, ${deviceFiles.root}; renew after ${record.renewAfter}`,
  );
  return undefined;
}

const oneOnly = [
  "device",
  "token",
  "token-file",
  "algorithm",
  "out",
  "csr",
  "force",
  "renewal-url",
  "wait",
] as const;
const manyOnly = ["results", "concurrency", "attempts"] as const;

export const deviceEnroll = defineCommand({
  summary: "Enrol a device, or every device of a manifest",
  args: {
    device: { type: "string", valueHint: "ID", description: "Device to enrol" },
    token: { type: "string", valueHint: "TOKEN", description: "Enrolment token; - reads it from stdin" },
    "token-file": { type: "string", valueHint: "FILE", description: "File that holds the token" },
    ...identityFlags,
    wait: {
      type: "string",
      valueHint: "SECONDS",
      description: "How long to stay for an operator's decision, where one is needed; 0 if not given",
    },
    manifest: {
      type: "string",
      valueHint: "FILE",
      description: "Production line: JSON Lines or CSV of deviceId, csr, token",
    },
    results: {
      type: "string",
      valueHint: "FILE",
      description: "Results of a manifest; FILE.results.jsonl if not given",
    },
    concurrency: {
      type: "string",
      valueHint: "N",
      description: "Devices of a manifest at once; 16 if not given",
    },
    attempts: {
      type: "string",
      valueHint: "N",
      description: "Attempts at each request of a manifest; 8 if not given",
    },
    ...fingerprintFlag,
    ...connectionFlags,
    cert: {
      ...connectionFlags.cert,
      description: "PEM certificate of a claim or of the maker; with --manifest an operator's",
    },
    key: { ...connectionFlags.key, description: "PEM private key of that certificate" },
  },
  async run(args, context) {
    const { manifest, concurrency = "16", attempts = "8" } = args;
    const stray = (manifest === undefined ? manyOnly : oneOnly).find((flag) => args[flag] !== undefined);
    if (stray !== undefined) {
      throw usageFailure(`--${stray} goes ${manifest === undefined ? "only" : "not"} with --manifest`);
    }
    if (manifest === undefined) return enrollOne(args, context);
    const settings = resolveSettings(args, context.terminal.env);
    return enrollManifest(
      {
        manifest,
        results: args.results ?? `${manifest}.results.jsonl`,
        concurrency: parseWholeNumber("--concurrency", concurrency, 1, 256),
        attempts: parseWholeNumber("--attempts", attempts, 1, 100),
        settings,
        known: await knownRoots(settings, args.fingerprint),
      },
      context,
    );
  },
});
