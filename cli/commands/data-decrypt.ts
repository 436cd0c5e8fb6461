/** Room: cli. `fleetkey decrypt`: as a backend, or as an operator who breaks the glass. */
import { protectionStandard } from "../../core/standard/protection.ts";
import { decryptedData } from "../../lambdas/http/protection-answers.ts";
import { type Context, defineCommand } from "../command.ts";
import { approvalFlags } from "../critical-operation.ts";
import { assertOutput, dataFileFlags, readData, writeOctets } from "../data-files.ts";
import { backendFlags, backendSession, contextFlags, contextOf, withBackendApi } from "../data-flags.ts";
import type { ExitName } from "../exit-codes.ts";
import { usageFailure } from "../failure.ts";
import { parseReadingId, read, requestReading } from "../operator-reading.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings, type SettingFlags } from "../settings.ts";

const { plaintextBytes } = protectionStandard.message;
const messageBytes = plaintextBytes + 16_384;

interface DecryptFlags extends SettingFlags {
  readonly purpose: string;
  readonly subject: string;
  readonly context?: string | undefined;
  readonly in?: string | undefined;
  readonly out?: string | undefined;
  readonly backend?: string | undefined;
  readonly reason?: string | undefined;
  readonly reading?: string | undefined;
  readonly approval?: string | undefined;
  readonly "no-wait"?: boolean | undefined;
}

async function asBackend(args: DecryptFlags, cli: Context): Promise<undefined> {
  const session = await backendSession(args, cli.terminal.env);
  const context = contextOf(args, session.settings.fleet.value);
  const message = await readData(args.in, messageBytes, cli.terminal);
  const body = { context, message: message.toString("base64") };
  const call = { method: "POST", path: "/decrypt", body, schema: decryptedData } as const;
  const opened = await withBackendApi({ session, terminal: cli.terminal }, (api) => api.call(call));
  await writeOctets(Buffer.from(opened.plaintext, "base64"), args.out, { context: opened.context }, cli);
  return undefined;
}

async function asOperator(args: DecryptFlags, cli: Context): Promise<ExitName | undefined> {
  const { reason, reading } = args;
  if (args.backend !== undefined)
    throw usageFailure("--break-glass goes not with --backend: it is for operators");
  if ((reason === undefined) === (reading === undefined))
    throw usageFailure("--break-glass needs --reason TEXT, or --reading ID to go on with a request");
  if (args.approval !== undefined && reading === undefined)
    throw usageFailure("--approval goes with --reading ID: an approval is of one request");
  const settings = resolveSettings(args, cli.terminal.env);
  const context = contextOf(args, settings.fleet.value);
  return withOperatorApi({ settings, terminal: cli.terminal }, async (api) => {
    let decryptionId = reading === undefined ? undefined : parseReadingId(reading);
    if (decryptionId === undefined) {
      const message = await readData(args.in, protectionStandard.operatorMessageBytes, cli.terminal);
      const asked = await requestReading(api, { context, message, reason: reason ?? "" });
      ({ decryptionId } = asked);
      cli.output.note(`others were told; the request is ${decryptionId}, good for 15 minutes`);
      cli.output.note(`interrupted from here on, --reading ${decryptionId} in the place of --reason goes on`);
    }
    const plaintext = await read(api, decryptionId, args, settings, cli);
    if (plaintext === undefined) return "pending";
    await writeOctets(plaintext, args.out, { decryptionId }, cli);
    return undefined;
  });
}

export const decrypt = defineCommand({
  summary: "Decrypt a message of that very context",
  args: {
    ...contextFlags,
    ...dataFileFlags,
    "break-glass": {
      type: "boolean",
      description: "As an operator, in an emergency: others are told, and your passkey approves it",
    },
    reason: { type: "string", valueHint: "TEXT", description: "With --break-glass: why; kept sealed" },
    reading: { type: "string", valueHint: "ID", description: "With --break-glass: a request made before" },
    ...approvalFlags,
    ...backendFlags,
  },
  repeated: ["context"],
  async run(args, cli) {
    assertOutput(args.out, args.json);
    if (args["break-glass"] === true) return asOperator(args, cli);
    const lone = (["reason", "reading", "approval", "no-wait"] as const).find(
      (name) => args[name] !== undefined && args[name] !== false,
    );
    if (lone !== undefined) throw usageFailure(`--${lone} goes with --break-glass alone`);
    return asBackend(args, cli);
  },
});
