/** An answer as it came over the wire, held against what every refusal promises. */
import { expect } from "vitest";
import { securityHeaders } from "../../lambdas/http/security-headers.ts";

/** That `answer` is one problem document (RFC 9457) with the security headers, and the connection's last. */
export function expectProblem(answer: string, status: number, code: string): void {
  const end = answer.indexOf("\r\n\r\n");
  const [line = "", ...fields] = answer.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    fields.map((field) => [field.split(":", 1)[0]?.toLowerCase(), field.slice(field.indexOf(":") + 2)]),
  );
  const body = answer.slice(end + 4);
  expect(line).toMatch(new RegExp(`^HTTP/1\\.1 ${status} \\w`));
  expect(headers).toMatchObject({
    ...Object.fromEntries(
      Object.entries(securityHeaders).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body, "latin1")),
    "cache-control": "no-store",
    connection: "close",
  });
  expect(JSON.parse(body)).toMatchObject({ status, code, type: `urn:fleetkey:problem:${code}` });
}
