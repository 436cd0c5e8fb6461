/** Room: cli. `fleetkey encrypt`. */
import { protectionStandard } from "../../core/standard/protection.ts";
import { encryptedData } from "../../lambdas/http/protection-answers.ts";
import { defineCommand } from "../command.ts";
import { assertNoTerminal, assertOutput, dataFileFlags, readData, writeOctets } from "../data-files.ts";
import { backendFlags, backendSession, contextFlags, contextOf, withBackendApi } from "../data-flags.ts";

export const encrypt = defineCommand({
  summary: "Encrypt octets, bound to their purpose and subject",
  args: { ...contextFlags, ...dataFileFlags, ...backendFlags },
  repeated: ["context"],
  async run(args, cli) {
    assertOutput(args.out, args.json);
    assertNoTerminal(args.out, cli.terminal);
    const session = await backendSession(args, cli.terminal.env);
    const context = contextOf(args, session.settings.fleet.value);
    const octets = await readData(args.in, protectionStandard.message.plaintextBytes, cli.terminal);
    const body = { context, plaintext: octets.toString("base64") };
    octets.fill(0);
    const call = { method: "POST", path: "/encrypt", body, schema: encryptedData } as const;
    const { message, context: whole } = await withBackendApi({ session, terminal: cli.terminal }, (api) =>
      api.call(call),
    );
    await writeOctets(Buffer.from(message, "base64"), args.out, { context: whole }, cli);
    return undefined;
  },
});
