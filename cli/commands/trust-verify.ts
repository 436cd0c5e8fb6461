/** Room: cli. `fleetkey trust verify`: a trust manifest in a file, without asking anybody. */
import {
  manifestInForce,
  type VerifiedManifest,
  verifyManifest,
} from "../../core/distribution/manifest-walk.ts";
import { type Context, defineCommand } from "../command.ts";
import { fingerprintFlag, publicFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { resolveSettings } from "../settings.ts";
import { knownRoots } from "../trust-bundle.ts";
import { readManifestText } from "../trust-manifest.ts";
import { judging } from "../untrusted.ts";

const { url: _url, ...offlineFlags } = publicFlags;

function tell({ manifest, state }: VerifiedManifest, { output }: Context): void {
  const { fleet, trustDomain, version, issuedAt, nextUpdate } = manifest;
  const roots = manifest.roots.map(({ authorityId, sha256 }) => ({ authorityId, sha256 }));
  const authorities = manifest.authorities.map(({ authorityId, issuer, state: its, sha256 }) => ({
    authorityId,
    issuer,
    state: its,
    sha256,
  }));
  const rows = [
    ...roots.map(({ authorityId, sha256 }) => [authorityId, "root", "", sha256]),
    ...authorities.map((each) => [each.authorityId, each.state, each.issuer, each.sha256]),
  ];
  const facts = { fleet, trustDomain, version, issuedAt, nextUpdate, state };
  output.answer(
    { ...facts, roots, authorities },
    renderTable(["AUTHORITY", "STATE", "ISSUER", "SHA-256"], rows),
  );
  output.note(`trust version ${version} of fleet ${fleet}, ${state}; newer before ${nextUpdate}`);
}

export const trustVerify = defineCommand({
  summary: "Verify a trust manifest in a file, offline",
  args: {
    file: { type: "positional", required: true, valueHint: "FILE", description: "Manifest that was pulled" },
    "allow-expired": {
      type: "boolean",
      description: "Accept a manifest that was to be replaced by now; it is told",
    },
    ...fingerprintFlag,
    ...offlineFlags,
  },
  async run(args, context) {
    const { terminal } = context;
    const settings = resolveSettings(args, terminal.env);
    const text = await readManifestText(args.file);
    const { fingerprints: roots } = await knownRoots(settings, args.fingerprint);
    const { value: fleet, source } = settings.fleet;
    const anchor = { roots, ...(source === "default" ? {} : { fleet }) };
    const verified = await judging(async () => {
      const judged = await verifyManifest(text, anchor, terminal.now());
      if (args["allow-expired"] !== true) manifestInForce(judged);
      return judged;
    });
    tell(verified, context);
    return undefined;
  },
});
