/** Room: cli. `fleetkey device agent`. */
import { type Context, defineCommand, parseWholeNumber } from "../command.ts";
import { type AgentOptions, keepLooking, type Look, look } from "../device-agent.ts";
import { readEnrolled } from "../device-session.ts";
import { Failure } from "../failure.ts";
import { publicFlags } from "../global-flags.ts";

const isoOf = (time: number): string => new Date(time).toISOString();

function documentOf({ events, record, version, renewFrom }: Look, directory: string): object {
  const { deviceId, serialNumber, notAfter } = record;
  const trust = version === undefined ? {} : { trustVersion: version };
  return { directory, events, deviceId, serialNumber, notAfter, renewFrom: isoOf(renewFrom), ...trust };
}

function tell(found: Look, { output }: Context): void {
  const { deviceId, serialNumber, notAfter } = found.record;
  const words = {
    renewed: `${deviceId} renewed: serial ${serialNumber}, good until ${notAfter}`,
    "trust-updated": `${deviceId} relies on trust version ${found.version}`,
  };
  for (const event of found.events) output.note(words[event]);
}

async function once(options: AgentOptions, context: Context): Promise<undefined> {
  const found = await look(options);
  tell(found, context);
  if (found.failure !== undefined) throw found.failure;
  context.output.answer(documentOf(found, options.directory), options.directory);
  if (found.events.length === 0)
    context.output.note(`${found.record.deviceId} is fresh; it renews from ${isoOf(found.renewFrom)} on`);
}

async function lasting(options: AgentOptions, interval: number, context: Context): Promise<undefined> {
  const { directory } = options;
  await keepLooking(options, interval, (outcome) => {
    const failure = outcome instanceof Failure ? outcome : outcome.failure;
    if (!(outcome instanceof Failure)) {
      tell(outcome, context);
      if (outcome.events.length > 0)
        context.output.answer(documentOf(outcome, directory), outcome.events.join("\n"));
    }
    if (failure !== undefined) context.output.note(`${failure.message} [${failure.code}]; it tries again`);
  });
}

export const deviceAgent = defineCommand({
  summary: "Keep a device's certificate and trust fresh: renew in time, adopt new roots, run a hook",
  args: {
    dir: {
      type: "string",
      required: true,
      valueHint: "DIR",
      description: "Directory that `device enroll` wrote",
    },
    hook: {
      type: "string",
      valueHint: "PROGRAM",
      description: "Run it when files have changed; FLEETKEY_DIR and FLEETKEY_EVENT say where and what",
    },
    once: { type: "boolean", description: "Look once and exit; for a timer" },
    interval: {
      type: "string",
      valueHint: "SECONDS",
      description: "Time between two looks at most, 3600 if not given",
    },
    "return-url": {
      type: "string",
      valueHint: "URL",
      description: "Where an expired certificate comes back, if not where renewals go",
    },
    // The certificate that the directory holds is the client's credential, so no other is named.
    ...publicFlags,
  },
  async run(args, context) {
    const { dir: directory, hook } = args;
    const interval = parseWholeNumber("--interval", args.interval ?? "3600", 1, 86_400) * 1000;
    await readEnrolled(directory);
    const options = { directory, hook, flags: args, terminal: context.terminal };
    return args.once === true ? once(options, context) : lasting(options, interval, context);
  },
});
