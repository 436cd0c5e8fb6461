/** Room: cli. Where an enrolment token comes from. It never appears in a message. */
import { readCredentialFile } from "./credential-files.ts";
import { Failure, usageFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

const maxTokenCharacters = 4096;

export interface TokenFlags {
  readonly token: string | undefined;
  readonly "token-file": string | undefined;
}

/** `--token VALUE`, `--token -` (stdin), `--token-file FILE`, then FLEETKEY_TOKEN; undefined if none is given. */
export async function readToken(flags: TokenFlags, terminal: Terminal): Promise<string | undefined> {
  const file = flags["token-file"];
  if (flags.token !== undefined && file !== undefined)
    throw usageFailure("give --token or --token-file, not both");
  if (flags.token === "-") return checkToken(await readAll(terminal.stdin), "stdin");
  if (flags.token !== undefined) return checkToken(flags.token, "--token");
  if (file !== undefined) return checkToken(await readCredentialFile(file), file);
  const variable = terminal.env["FLEETKEY_TOKEN"];
  return variable ? checkToken(variable, "FLEETKEY_TOKEN") : undefined;
}

async function readAll(stream: Terminal["stdin"]): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk.toString();
    if (text.length > maxTokenCharacters) break;
  }
  return text;
}

function checkToken(text: string, origin: string): string {
  const token = text.trim();
  // RFC 6750 §2.1: b64token. A token out of shape would otherwise be named in the HTTP client's own error.
  if (token.length <= maxTokenCharacters && /^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new Failure("usage", "token_malformed", `${origin} holds no token, or more than a token`, {
    remedy: "pass what `fleetkey token create` printed on stdout, whole and alone",
  });
}
