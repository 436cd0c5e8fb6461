/** Room: cli. `fleetkey trust pull`. */
import { defineCommand } from "../command.ts";
import { publicMode, writeFileAtomically } from "../credential-files.ts";
import { connectionFlags, fingerprintFlag } from "../global-flags.ts";
import { resolveSettings } from "../settings.ts";
import { pullTrustBundle } from "../trust-bundle.ts";

const { cert: _cert, key: _key, ...publicFlags } = connectionFlags;

export const trustPull = defineCommand({
  summary: "Fetch the fleet's roots and check their fingerprint",
  args: {
    out: { type: "string", valueHint: "FILE", description: "Write the PEM there instead of to stdout" },
    ...fingerprintFlag,
    ...publicFlags,
  },
  async run(args, { terminal, output }) {
    const { out, fingerprint } = args;
    const settings = resolveSettings(args, terminal.env);
    const bundle = await pullTrustBundle(settings, fingerprint, terminal);
    if (out !== undefined) await writeFileAtomically(out, bundle.pem, publicMode);
    output.answer({ ...(out === undefined ? {} : { out }), ...bundle }, out === undefined ? bundle.pem : out);
    for (const sha256 of bundle.fingerprints) output.note(`root SHA-256 ${sha256}`);
    return undefined;
  },
});
