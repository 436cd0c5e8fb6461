import { describe, expect, it } from "vitest";
import type { HttpEvent } from "../../lambdas/http/message.ts";
import {
  forwardedCertificateHeader,
  withClientCertificate,
  withForwardedCertificate,
} from "../../scripts/rehearsal/forwarded-certificate.ts";
import { makeFakeAuthority } from "../cli/fake-authority.ts";

const pem = makeFakeAuthority().issueServer("127.0.0.1").certificate;

const event = (headers: Record<string, string>): HttpEvent => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: "/",
  rawQueryString: "",
  headers,
  isBase64Encoded: false,
  requestContext: {
    requestId: "1",
    timeEpoch: 0,
    domainName: "127.0.0.1",
    http: { method: "GET", path: "/", sourceIp: "127.0.0.1" },
    authentication: { clientCert: { clientCertPem: "claimed" } as never },
  },
});

describe("a forwarded client certificate", () => {
  it("stands where API Gateway puts it, and its header is gone", () => {
    const { headers, requestContext } = withClientCertificate(
      event({ [forwardedCertificateHeader]: encodeURIComponent(pem), accept: "a/b" }),
    );
    expect(headers).toEqual({ accept: "a/b" });
    expect(requestContext.authentication?.clientCert).toEqual({
      clientCertPem: pem,
      subjectDN: expect.stringContaining("CN="),
      issuerDN: expect.stringContaining("CN="),
      serialNumber: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2})*$/),
      validity: { notBefore: expect.any(String), notAfter: expect.any(String) },
    });
  });

  it.each(["X-Rehearsal-Client-Certificate", "x-REHEARSAL-client-certificate"])(
    "is found under %s too, so that no spelling passes the wrapper",
    (name) => {
      expect(withClientCertificate(event({ [name]: encodeURIComponent(pem) })).headers).toEqual({});
    },
  );

  it("that nobody forwarded is absent, whatever the event claims", () => {
    expect(withClientCertificate(event({})).requestContext).not.toHaveProperty("authentication");
  });

  it("comes with the name that was called, port and all, as an emulator's fleet has it in its origin", () => {
    const named = (headers: Record<string, string>) =>
      withClientCertificate(event(headers)).requestContext.domainName;
    expect(named({ host: "api.execute-api.localhost:4566" })).toBe("api.execute-api.localhost:4566");
    expect(named({})).toBe("127.0.0.1");
  });

  it("that is no certificate reaches no handler", () => {
    const handler = withForwardedCertificate(async () => ({ statusCode: 200, headers: {}, body: "" }));
    expect(() => handler(event({ [forwardedCertificateHeader]: "no%20certificate" }))).toThrow();
  });
});
