/** Room: cli. `fleetkey trust ack`: a device, or a pipeline for what it builds, has adopted a version. */
import { readManifest } from "../../core/distribution/manifest-signature.ts";
import { trustAcknowledgement } from "../../lambdas/http/distribution-answers.ts";
import { type Context, defineCommand, parseWholeNumber } from "../command.ts";
import { withDeviceApi } from "../device-session.ts";
import { usageFailure } from "../failure.ts";
import type { FleetCall } from "../fleet-api.ts";
import { publicFlags } from "../global-flags.ts";
import type { AnswerOf } from "../json-text.ts";
import { withFleetApi } from "../session.ts";
import { resolveSettings, type SettingFlags } from "../settings.ts";
import { readToken, type TokenFlags } from "../token-source.ts";
import { readManifestText } from "../trust-manifest.ts";

type Acknowledgement = AnswerOf<typeof trustAcknowledgement>;

interface VersionFlags {
  readonly version?: string | undefined;
  readonly manifest?: string | undefined;
}

async function adoptedVersion({ version, manifest }: VersionFlags): Promise<number> {
  if ((version === undefined) === (manifest === undefined))
    throw usageFailure("give the adopted version by --version N, or by --manifest FILE that holds it");
  if (version !== undefined) return parseWholeNumber("--version", version, 1, 999_999_999);
  return readManifest(await readManifestText(manifest ?? "")).manifest.version;
}

interface CallerFlags extends SettingFlags, Partial<TokenFlags> {
  readonly dir?: string | undefined;
}

/** By the device's certificate, else by a pipeline's token. */
async function acknowledge(
  flags: CallerFlags,
  call: FleetCall<Acknowledgement>,
  { terminal }: Context,
): Promise<Acknowledgement> {
  const { dir, token, "token-file": file } = flags;
  if (dir !== undefined) {
    if (token !== undefined || file !== undefined)
      throw usageFailure("give --dir, or a pipeline's token, not both");
    return withDeviceApi(dir, flags, terminal, ({ api }) => api.call(call));
  }
  const bearer = await readToken({ token, "token-file": file }, terminal);
  if (bearer === undefined)
    throw usageFailure("say who adopted it: --dir DIR for a device, --token-file FILE for a pipeline");
  const settings = resolveSettings(flags, terminal.env);
  const headers = { authorization: `Bearer ${bearer}` };
  return withFleetApi({ settings, terminal }, (api) => api.call({ ...call, headers }));
}

export const trustAck = defineCommand({
  summary: "Report the version of the trust manifest that was adopted",
  args: {
    version: { type: "string", valueHint: "N", description: "Version that is relied on now" },
    manifest: { type: "string", valueHint: "FILE", description: "Manifest that is relied on now, instead" },
    firmware: { type: "string", valueHint: "LABEL", description: "What the device calls its firmware" },
    dir: {
      type: "string",
      valueHint: "DIR",
      description: "Device: the directory that `device enroll` wrote",
    },
    "token-file": {
      type: "string",
      valueHint: "FILE",
      description: "Pipeline: file that holds its OIDC token",
    },
    token: { type: "string", valueHint: "TOKEN", description: "Pipeline: its token; - reads it from stdin" },
    ...publicFlags,
  },
  async run(args, context) {
    const version = await adoptedVersion(args);
    const body = { version, ...(args.firmware === undefined ? {} : { firmware: args.firmware }) };
    const path = "/trust/acknowledgements";
    const call = { method: "POST", path, body, schema: trustAcknowledgement } as const;
    const answer = await acknowledge(args, call, context);
    context.output.answer(answer, `version ${answer.version} acknowledged; the newest is ${answer.current}`);
    return undefined;
  },
});
