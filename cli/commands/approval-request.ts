/** Room: cli. `fleetkey approval request`: asks for an approval now, of an operation that is executed later. */
import { approval } from "../../lambdas/http/access-answers.ts";
import { criticalRouteIds } from "../../lambdas/http/access-schemas.ts";
import { type Context, defineCommand } from "../command.ts";
import { readFileBytes } from "../credential-files.ts";
import { tellWhere } from "../critical-operation.ts";
import { Failure, usageFailure } from "../failure.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseJsonText } from "../json-text.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const maximumOctets = 300_000;

async function readInput({ stdin }: Context["terminal"]): Promise<string> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    octets += bytes.length;
    if (octets > maximumOctets)
      throw usageFailure(`stdin holds more than ${maximumOctets} octets, the limit of a body`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function readBody(path: string, context: Context): Promise<object> {
  const text =
    path === "-"
      ? await readInput(context.terminal)
      : (await readFileBytes(path, maximumOctets)).toString("utf8");
  const value = parseJsonText(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  const origin = path === "-" ? "stdin" : path;
  throw new Failure("localFile", "body_malformed", `${origin} holds no JSON object`, {
    remedy: "give the very body that the operation will be called with; docs/openapi.json has their shapes",
  });
}

/** `name=value`, several of them joined by commas; throws `usage`. */
function parseParameters(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const pairs = text.split(",").map((pair) => /^([A-Za-z]{1,64})=(.{1,256})$/.exec(pair.trim()));
  const stranger = pairs.indexOf(null);
  if (stranger !== -1) throw usageFailure(`--param, part ${stranger + 1}, is not NAME=VALUE`);
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

export const approvalRequest = defineCommand({
  summary: "Ask for the approval of a critical operation, to be executed later",
  args: {
    operation: {
      type: "positional",
      required: true,
      valueHint: "OPERATION",
      description: `One of ${criticalRouteIds.join(", ")}`,
    },
    body: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "JSON body that the operation will be called with; - reads it from stdin",
    },
    param: {
      type: "string",
      valueHint: "NAME=VALUE,…",
      description: "Path parameters of the operation, such as operatorId=operator-2",
    },
    ...connectionFlags,
  },
  async run(args, context) {
    const settings = resolveSettings(args, context.terminal.env);
    const { operation } = args;
    const parameters = parseParameters(args.param);
    const body = await readBody(args.body, context);
    const request = { operation, parameters, body };
    const call = { method: "POST", path: "/approvals", body: request, schema: approval } as const;
    const session = { settings, terminal: context.terminal };
    const asked = await withOperatorApi(session, (api) => api.call(call));
    tellWhere(asked, settings, context);
    context.output.answer(asked, asked.approvalId);
    return undefined;
  },
});
