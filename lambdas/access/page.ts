/**
 * Room: lambdas/access. The page at which operators use their passkeys. It is static and holds no secret: an invitation
 * is in the fragment of its address, which browsers do not send. Its policy lets it run this one script, speak to this
 * origin, and nothing else.
 */
import { hash } from "node:crypto";
import type { HttpResult, RouteHandlers } from "../http/message.ts";
import { pageScript } from "./page-script.ts";

const style = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; scroll-padding-top: 4rem; }
main { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
textarea { width: 100%; box-sizing: border-box; font-family: monospace; }
button, input { font: inherit; padding: 0.4rem 0.8rem; }
button:focus-visible, input:focus-visible, textarea:focus-visible, pre:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
pre { overflow: auto; padding: 0.8rem; border: 1px solid GrayText; white-space: pre-wrap; }
ol { padding-left: 1.2rem; }
li { margin-bottom: 2.5rem; }
li p { margin: 0.4rem 0; }
[hidden] { display: none; }
#status { position: sticky; top: 0; margin: 0; padding: 0.5rem 0; min-height: 1.5em; font-weight: bold; background: Canvas; }
`;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Passkeys - Fleetkey</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Passkeys</h1>
<p id="operator"></p>
<p><label for="fleet">Fleet</label>
<input id="fleet" type="text" maxlength="32" autocomplete="off" autocapitalize="none" spellcheck="false"></p>
<p>
<button id="register" type="button" hidden>Register a passkey</button>
<button id="sign-in" type="button">Sign in with a passkey</button>
<button id="sign-out" type="button" hidden>Sign out</button>
</p>
<p id="status" role="status" aria-live="polite"></p>
<noscript><p>This page needs JavaScript: passkeys are used through it.</p></noscript>
<section id="waiting" aria-labelledby="waiting-title" hidden>
<h2 id="waiting-title">Approvals that wait</h2>
<p><button id="refresh" type="button">Look again</button></p>
<p id="none">Nothing waits for approval.</p>
<ol id="approvals"></ol>
</section>
<section id="command-line" aria-labelledby="command-line-title" hidden>
<h2 id="command-line-title">A certificate for the command line</h2>
<p><label for="csr">The request that <code>fleetkey operator key</code> wrote</label></p>
<textarea id="csr" rows="8" autocomplete="off" autocapitalize="none" spellcheck="false"></textarea>
<p><button id="certify" type="button">Certify</button></p>
<pre id="certificate" tabindex="0" aria-label="Certificate" hidden></pre>
</section>
</main>
<script>${pageScript}</script>
</body>
</html>
`;

/** CSP Level 3 §2.3.1: by its hash, so that nothing that gets into the page runs. */
const source = (text: string): string => `'sha256-${hash("sha256", text, "base64")}'`;

const headers: Readonly<Record<string, string>> = Object.freeze({
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": [
    "default-src 'none'",
    `script-src ${source(pageScript)}`,
    `style-src ${source(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
});

export function pageHandlers(): Pick<RouteHandlers<"access">, "getPasskeyPage"> {
  return {
    getPasskeyPage: async (): Promise<HttpResult> => ({
      statusCode: 200,
      headers: { ...headers },
      body: page,
    }),
  };
}
