/** Room: cli. `fleetkey backend certify`: a backend's first certificate, or another first one, once people approve it. */
import { type CertificationSession, certifyBackend } from "../backend-certificate.ts";
import { defineCommand } from "../command.ts";
import { approvalFlags } from "../critical-operation.ts";
import { checkIdentity, type DeviceRecord, deviceFiles, readDeviceRecord } from "../device-directory.ts";
import {
  checkDeviceId,
  identityFlags,
  type ObtainRequest,
  obtainCertificate,
  readCsrFile,
  withDeviceDirectory,
} from "../device-enrollment.ts";
import { Failure, usageFailure } from "../failure.ts";
import { connectionFlags, fingerprintFlag } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveRenewalUrl, resolveSettings } from "../settings.ts";
import { knownRoots } from "../trust-bundle.ts";

type Wish = Omit<ObtainRequest, "issue" | "wanted" | "api"> & {
  readonly backendId: string;
  readonly algorithm: string;
};

/** Undefined while the approval waits for people: key and request stay, for the same command with `--approval`. */
async function obtain(session: CertificationSession, wish: Wish): Promise<DeviceRecord | undefined> {
  const { backendId, algorithm, ...rest } = wish;
  const before = await readDeviceRecord(wish.directory);
  const wanted = {
    deviceId: backendId,
    algorithm: wish.foreignCsr?.publicKey.algorithm.id ?? algorithm,
    // Another key each time that it is certified anew, and the same for a command that did not end well.
    credential: `operator:${before?.serialNumber ?? "first"}`,
  };
  let flags = session.flags;
  let waits = false;
  const issue = async (csr: string) => {
    const issued = await certifyBackend({ ...session, flags }, backendId, csr);
    waits = issued === undefined;
    if (issued === undefined)
      throw new Failure("pending", "approval_incomplete", "people have to approve it");
    return issued;
  };
  // Another request, where the first one's certificate is dead, is another operation.
  const issueOrAgain = (csr: string) =>
    issue(csr).finally(() => {
      flags = { "no-wait": flags["no-wait"] };
    });
  try {
    return await obtainCertificate({ ...rest, wanted, api: session.api, issue: issueOrAgain });
  } catch (error) {
    if (waits) return undefined;
    throw error;
  }
}

export const backendCertify = defineCommand({
  summary: "Make a backend's key and have it certified; from then on the backend renews by itself",
  args: {
    backend: { type: "positional", required: true, valueHint: "ID", description: "Opaque id of the backend" },
    ...identityFlags,
    ...approvalFlags,
    ...fingerprintFlag,
    ...connectionFlags,
  },
  async run(args, context) {
    const { terminal, output } = context;
    const { backend: backendId, csr, algorithm = "P-256", force = false, out: directory = backendId } = args;
    checkDeviceId(backendId, "a backend id");
    if (csr !== undefined && args.algorithm !== undefined)
      throw usageFailure("--algorithm is for a key made here, not for --csr");
    const settings = resolveSettings(args, terminal.env);
    const renewalUrl = resolveRenewalUrl(args["renewal-url"], terminal.env);
    const known = await knownRoots(settings, args.fingerprint);
    const foreignCsr = csr === undefined ? undefined : await readCsrFile(csr);
    const wish = { backendId, algorithm, directory, settings, known, renewalUrl, foreignCsr };
    const record = await withOperatorApi({ settings, terminal }, (api) =>
      withDeviceDirectory(directory, async () => {
        await checkIdentity(directory, backendId, force);
        return obtain({ api, flags: args, settings, context }, wish);
      }),
    );
    if (record === undefined) return "pending";
    const { deviceId: _, ...rest } = record;
    output.answer({ directory, backendId, ...rest }, directory);
    output.note(`${backendId} certified: serial ${record.serialNumber}, good until ${record.notAfter}`);
    output.note(`wrote ${directory}/${deviceFiles.fullChain}; renew after ${record.renewAfter}`);
    output.note(`what it may do an owner says: an entry of kind certificate, fleetkey fleet configure`);
    return undefined;
  },
});
