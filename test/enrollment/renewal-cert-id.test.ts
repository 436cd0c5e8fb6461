/** Room: test. The name of a certificate in questions about its renewal (RFC 9773). */
import { describe, expect, it } from "vitest";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { parseRenewalCertId, renewalCertIdOf } from "../../core/formats/x509/renewal-cert-id.ts";

describe("RFC 9773 §4.1: the name of a certificate", () => {
  // The example certificate of RFC 9773, Appendix A.
  const example = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;
  const named = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";

  it("Appendix A: of the example certificate, its times moved to years that RFC 5280 §4.1.2.5 allows", () => {
    const [der = Buffer.alloc(0)] = decodePem(example, "CERTIFICATE");
    const moved = Buffer.from(der.toString("latin1").replaceAll("000101010000", "205001010000"), "latin1");
    expect(renewalCertIdOf(decodeCertificate(moved))).toBe(named);
  });

  it("Appendix A: read back, its leading zero octet gone from the serial number", () => {
    expect(parseRenewalCertId(named)).toEqual({
      keyIdentifier: Buffer.from("69885b6b87464041e1b37b847ba0ae2cde01c8d4", "hex"),
      serialNumber: "87654321",
    });
  });

  it.each([
    ["no dot", "aYhba4dGQEHhs3uEe6CuLN4ByNQ"],
    ["two dots", `${named}.AA`],
    ["an empty authority", ".AIdlQyE"],
    ["an empty serial number", "aYhba4dGQEHhs3uEe6CuLN4ByNQ."],
    ["padding", "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE="],
    ["base64's own alphabet", "aYhba4dGQEHhs3uEe6CuLN4ByN+.AIdlQyE"],
    ["bits beyond the last octet", "aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE"],
    ["a serial number without its zero octet, which is negative", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ"],
    ["a zero octet too many", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AAA"],
    [
      "a serial number of 21 octets",
      `aYhba4dGQEHhs3uEe6CuLN4ByNQ.${Buffer.alloc(21, 1).toString("base64url")}`,
    ],
    ["octets without end", `${"A".repeat(100_000)}.AQ`],
    ["nothing", ""],
  ])("%s is refused", (_name, certId) => {
    expect(() => parseRenewalCertId(certId)).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });
});
