/** Room: cli. `fleetkey backend certify`: an operator has a backend's first certificate made, or another first one. */

import { issuedCertificate } from "../../lambdas/http/answer-schemas.ts";
import { backendCertificatePath } from "../backend-certificate.ts";
import { defineCommand } from "../command.ts";
import { checkIdentity, deviceFiles, readDeviceRecord } from "../device-directory.ts";
import { checkDeviceId, obtainCertificate, readCsrFile, withDeviceDirectory } from "../device-enrollment.ts";
import { deviceKeyAlgorithmIds } from "../device-key.ts";
import { usageFailure } from "../failure.ts";
import { connectionFlags, fingerprintFlag } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveRenewalUrl, resolveSettings } from "../settings.ts";
import { knownRoots } from "../trust-bundle.ts";

export const backendCertify = defineCommand({
  summary: "Make a backend's key and have it certified; from then on the backend renews by itself",
  args: {
    backend: { type: "positional", required: true, valueHint: "ID", description: "Opaque id of the backend" },
    algorithm: {
      type: "enum",
      options: deviceKeyAlgorithmIds,
      valueHint: "KIND",
      description: "Kind of key to make",
    },
    csr: {
      type: "string",
      valueHint: "FILE",
      description: "A CSR made elsewhere, instead of a key made here",
    },
    out: { type: "string", valueHint: "DIR", description: "Directory for the files; ./ID if not given" },
    force: { type: "boolean", description: "Give up another identity that lies in the directory" },
    "renewal-url": {
      type: "string",
      valueHint: "URL",
      description: "Where renewals go, if not to --url: a domain that asks for client certificates",
    },
    ...fingerprintFlag,
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const { backend: backendId, csr, algorithm = "P-256", force = false, out: directory = backendId } = args;
    checkDeviceId(backendId, "a backend id");
    if (csr !== undefined && args.algorithm !== undefined)
      throw usageFailure("--algorithm is for a key made here, not for --csr");
    const settings = resolveSettings(args, terminal.env);
    const renewalUrl = resolveRenewalUrl(args["renewal-url"], terminal.env);
    const known = await knownRoots(settings, args.fingerprint);
    const foreignCsr = csr === undefined ? undefined : await readCsrFile(csr);
    const record = await withOperatorApi({ settings, terminal }, (api) =>
      withDeviceDirectory(directory, async () => {
        await checkIdentity(directory, backendId, force);
        const before = await readDeviceRecord(directory);
        const wanted = {
          deviceId: backendId,
          algorithm: foreignCsr?.publicKey.algorithm.id ?? algorithm,
          // Another key each time that it is certified anew, and the same for a command that did not end well.
          credential: `operator:${before?.serialNumber ?? "first"}`,
        };
        const path = backendCertificatePath(backendId);
        const issue = (pem: string) =>
          api.call({ method: "POST", path, body: { csr: pem }, schema: issuedCertificate });
        return obtainCertificate({ directory, wanted, settings, known, renewalUrl, api, foreignCsr, issue });
      }),
    );
    const { deviceId: _, ...rest } = record;
    output.answer({ directory, backendId, ...rest }, directory);
    output.note(`${backendId} certified: serial ${record.serialNumber}, good until ${record.notAfter}`);
    output.note(`wrote ${directory}/${deviceFiles.fullChain}; renew after ${record.renewAfter}`);
    output.note(`what it may do an owner says: an entry of kind certificate, fleetkey fleet configure`);
    return undefined;
  },
});
