import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";
import { accessFunction } from "../../lambdas/access/handler.ts";
import { emptyApp, gatewayEvent } from "../lambdas/gateway-event.ts";

const page = () => accessFunction(emptyApp())(gatewayEvent({ path: "/passkeys" }));

const headersOf = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);

function inline(html: string, name: "script" | "style"): string {
  const found = new RegExp(`<${name}>([^]*)</${name}>`).exec(html)?.[1];
  if (found === undefined) expect.fail(`the page has a ${name}`);
  return found;
}

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("the page for passkeys", () => {
  it("CSP Level 3: one policy, under which this script and this style run and nothing else", async () => {
    const { statusCode, headers, body } = await page();
    expect(statusCode).toBe(200);
    const policies = headersOf(headers).filter(([name]) => name === "content-security-policy");
    expect(policies).toHaveLength(1);
    const directives = Object.fromEntries(
      (policies[0]?.[1] ?? "")
        .split("; ")
        .map((each) => [each.split(" ", 1)[0], each.slice(each.indexOf(" ") + 1)]),
    );
    expect(directives).toEqual({
      "default-src": "'none'",
      "script-src": hashOf(inline(body, "script")),
      "style-src": hashOf(inline(body, "style")),
      "connect-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
  });

  it("has the headers of every answer besides, and is kept by no cache", async () => {
    const headers = Object.fromEntries(headersOf((await page()).headers));
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "strict-transport-security": expect.stringContaining("max-age=63072000"),
    });
  });

  it("is the only answer with a policy of its own: a failure has the strict one", async () => {
    const { headers } = await accessFunction(emptyApp())(gatewayEvent({ path: "/passkeys/more" }));
    const policies = headersOf(headers).filter(([name]) => name === "content-security-policy");
    expect(policies).toEqual([["content-security-policy", expect.stringContaining("default-src 'none'")]]);
    expect(policies[0]?.[1]).not.toContain("script-src");
  });

  it("its script is JavaScript that writes text, never markup, and keeps nothing in the browser", async () => {
    const script = inline((await page()).body, "script");
    expect(() => new Script(script)).not.toThrow();
    for (const sink of [
      "innerHTML",
      "outerHTML",
      "insertAdjacentHTML",
      "document.write",
      "eval(",
      "Function(",
    ])
      expect(script).not.toContain(sink);
    for (const keep of ["localStorage", "sessionStorage", "indexedDB", "document.cookie"])
      expect(script).not.toContain(keep);
  });

  const decisions = [
    { operation: "createBackendCertificate", member: 'backendId: "Backend whose key is certified' },
    { operation: "executeRevocation", member: 'certificates: "Certificates to revoke"' },
    { operation: "planRollover", member: 'kind: "Authority to replace"' },
    { operation: "planRollover", member: 'emergency: "Emergency, so that no gate is waited for"' },
    { operation: "advanceRollover", member: 'to: "State that the rollover comes to"' },
    { operation: "rollBackRollover", member: 'from: "State from which' },
    { operation: "destroyAuthorityKey", member: 'authorityId: "Authority whose key is destroyed"' },
    { operation: "cancelKeyDestruction", member: 'authorityId: "Authority whose key is kept"' },
    { operation: "rotateDataKey", member: 'name: "Wrapping key to rotate"' },
    { operation: "openCeremony", member: 'purpose: "What root keys are lent for"' },
    { operation: "importOfflineAnswer", member: 'requestSha256: "SHA-256 of the request' },
    { operation: "importFleetOfflineAnswer", member: 'requestSha256: "SHA-256 of the request' },
  ];
  it.each(decisions)(
    "names what an approval of $operation decides: $member",
    async ({ operation, member }) => {
      const script = inline((await page()).body, "script");
      const own = script.slice(script.indexOf(`${operation}: {`));
      expect(own.slice(0, own.indexOf("}"))).toContain(member);
      expect(script).toContain('text + ": " + visible(body[member]');
    },
  );

  it("can be used without a mouse and without sight: labels, buttons, a live region, a language", async () => {
    const { body } = await page();
    expect(body).toContain('<html lang="en">');
    expect(body).toContain('<label for="fleet">');
    expect(body).toMatch(/id="status" role="status" aria-live="polite"/);
    for (const id of ["register", "sign-in", "sign-out", "refresh"])
      expect(body).toMatch(new RegExp(`<button id="${id}" type="button"`));
    expect(body).toContain('<ol id="approvals">');
  });
});
