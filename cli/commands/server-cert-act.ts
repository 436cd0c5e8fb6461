/** Room: cli. `fleetkey server-cert rollback`, `fleetkey server-cert resume` and `fleetkey server-cert remove`. */
import { type ServerCertificate, serverCertificate } from "../../lambdas/http/server-answers.ts";
import { type Context, defineCommand } from "../command.ts";
import { connectionFlags } from "../global-flags.ts";
import { parseServerName, renderServer, serverArgument, serverPath } from "../server-certificate.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings, type SettingFlags } from "../settings.ts";
import { printable } from "../terminal.ts";

const args = { name: serverArgument, ...connectionFlags } as const;

interface ServerAct {
  readonly method: "POST" | "DELETE";
  /** Below the certificate's own path. */
  readonly below: string;
  /** What there is to do, or to expect. */
  note(seen: ServerCertificate): string;
}

async function act(
  flags: SettingFlags & { readonly name: string },
  { method, below, note }: ServerAct,
  { terminal, output }: Context,
) {
  const path = serverPath(parseServerName(flags.name)) + below;
  const settings = resolveSettings(flags, terminal.env);
  const call = { method, path, schema: serverCertificate } as const;
  const seen = await withOperatorApi({ settings, terminal }, (api) => api.call(call));
  output.answer(seen, renderServer(seen));
  output.note(note(seen));
  return undefined;
}

export const serverCertRollback = defineCommand({
  summary: "Name the certificate of before, and hold renewals",
  args,
  run: (given, context) =>
    act(
      given,
      {
        method: "POST",
        below: "/rollback",
        note: ({ name, previous }) =>
          `point listeners at ${printable(previous?.certificateId ?? "nothing")}; renewals wait for: fleetkey server-cert resume ${name}`,
      },
      context,
    ),
});

export const serverCertResume = defineCommand({
  summary: "Go on with renewals after a rollback or a drift",
  args,
  run: (given, context) =>
    act(
      given,
      {
        method: "POST",
        below: "/resumption",
        note: ({ certificateId = "its own name" }) =>
          `a new one is made within minutes, and held as ${printable(certificateId)}: point listeners there`,
      },
      context,
    ),
});

export const serverCertRemove = defineCommand({
  summary: "End the care for a server's certificate: it is taken away and revoked",
  args,
  run: (given, context) =>
    act(
      given,
      {
        method: "DELETE",
        below: "",
        note: () => "it is taken away once nothing uses it, and revoked; then the name is free",
      },
      context,
    ),
});
