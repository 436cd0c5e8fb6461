/** Room: cli. `fleetkey reencrypt`. */
import { defineCommand, parseWholeNumber } from "../command.ts";
import { backendFlags, backendSession } from "../data-flags.ts";
import { reencryptManifest } from "../reencryption-line.ts";

export const reencrypt = defineCommand({
  summary: "Move every message of a manifest under the newest key, or to another context",
  args: {
    manifest: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: 'JSON Lines of {"file", "context", "to"}: files that hold messages, which are replaced',
    },
    results: {
      type: "string",
      valueHint: "FILE",
      description: "What became of each; FILE.results.jsonl if not given. The same again goes on from there",
    },
    concurrency: { type: "string", valueHint: "N", default: "8", description: "Messages at once" },
    attempts: { type: "string", valueHint: "N", default: "8", description: "Attempts at each request" },
    ...backendFlags,
  },
  async run(args, context) {
    return reencryptManifest(
      {
        manifest: args.manifest,
        results: args.results ?? `${args.manifest}.results.jsonl`,
        concurrency: parseWholeNumber("--concurrency", args.concurrency, 1, 64),
        attempts: parseWholeNumber("--attempts", args.attempts, 1, 100),
        session: await backendSession(args, context.terminal.env),
      },
      context,
    );
  },
});
