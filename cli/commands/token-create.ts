/** Room: cli. `fleetkey token create`. */
import { defineCommand, parseWholeNumber } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const maximumSeconds = 2_592_000;

export const tokenCreate = defineCommand({
  summary: "Create a one-time enrolment token; stdout holds the token alone",
  args: {
    device: { type: "string", required: true, valueHint: "ID", description: "Device that the token enrols" },
    profile: {
      type: "string",
      valueHint: "ID",
      description: "Profile of the certificate; the service's default is device",
    },
    "expires-in": { type: "string", valueHint: "SECONDS", description: `Lifetime, up to ${maximumSeconds}` },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const { device: deviceId, profile, "expires-in": seconds } = args;
    const request = {
      deviceId,
      ...(profile === undefined ? {} : { profile }),
      ...(seconds === undefined
        ? {}
        : { expiresInSeconds: parseWholeNumber("--expires-in", seconds, 1, maximumSeconds) }),
    };
    const settings = resolveSettings(args, terminal.env);
    const answer = await withOperatorApi({ settings, terminal }, (api) => api.createToken(request));
    output.answer(answer, answer.token);
    output.note(
      `token for ${answer.deviceId}, profile ${answer.profile}, good until ${answer.expiresAt}, for one certificate`,
    );
    return undefined;
  },
});
