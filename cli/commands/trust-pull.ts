/** Room: cli. `fleetkey trust pull`. */
import { type Context, defineCommand } from "../command.ts";
import { publicMode, writeFileAtomically } from "../credential-files.ts";
import { fingerprintFlag, publicFlags } from "../global-flags.ts";
import { resolveSettings, type Settings } from "../settings.ts";
import { pullTrustBundle } from "../trust-bundle.ts";
import { pullManifest, rootsPem } from "../trust-manifest.ts";

interface PullOptions {
  readonly settings: Settings;
  readonly fingerprint: string | undefined;
  readonly out: string | undefined;
}

async function pullRoots({ settings, fingerprint, out }: PullOptions, { terminal, output }: Context) {
  const bundle = await pullTrustBundle(settings, fingerprint, terminal);
  if (out !== undefined) await writeFileAtomically(out, bundle.pem, publicMode);
  output.answer({ ...(out === undefined ? {} : { out }), ...bundle }, out === undefined ? bundle.pem : out);
  for (const sha256 of bundle.fingerprints) output.note(`root SHA-256 ${sha256}`);
}

/** The manifest first: whoever has its roots has seen who vouches for them. */
async function pullSigned(path: string, { settings, fingerprint, out }: PullOptions, context: Context) {
  const { terminal, output } = context;
  const { manifest, text, previous } = await pullManifest({ settings, path, fingerprint }, terminal);
  const { version, nextUpdate, roots } = manifest;
  if (previous !== version) await writeFileAtomically(path, text, publicMode);
  if (out !== undefined) await writeFileAtomically(out, rootsPem(manifest), publicMode);
  const fingerprints = roots.map(({ sha256 }) => sha256);
  const before = previous === undefined ? {} : { previous };
  const written = { manifest: path, ...(out === undefined ? {} : { out }) };
  output.answer({ ...written, version, ...before, nextUpdate, fingerprints }, path);
  const change =
    previous === undefined ? "" : previous === version ? ", as before" : `, before it was ${previous}`;
  output.note(`trust version ${version}${change}; newer before ${nextUpdate}`);
  for (const sha256 of fingerprints) output.note(`root SHA-256 ${sha256}`);
}

export const trustPull = defineCommand({
  summary: "Fetch the fleet's roots or its signed trust manifest, and check them",
  args: {
    out: {
      type: "string",
      valueHint: "FILE",
      description: "Write the roots' PEM there instead of to stdout",
    },
    manifest: {
      type: "string",
      valueHint: "FILE",
      description: "Keep the signed manifest there: from its version on, only what verifies replaces it",
    },
    ...fingerprintFlag,
    ...publicFlags,
  },
  async run(args, context) {
    const { out, manifest, fingerprint } = args;
    const options = { settings: resolveSettings(args, context.terminal.env), fingerprint, out };
    if (manifest === undefined) await pullRoots(options, context);
    else await pullSigned(manifest, options, context);
    return undefined;
  },
});
