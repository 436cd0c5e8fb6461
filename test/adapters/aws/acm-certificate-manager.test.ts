/** Room: test. What Certificate Manager may answer, and what becomes of it: no key in any failure. */
import { ACMClient } from "@aws-sdk/client-acm";
import { describe, expect, it } from "vitest";
import { acmCertificateManager } from "../../../adapters/aws/acm-certificate-manager.ts";
import { systemServerKeys } from "../../../adapters/system/server-key.ts";
import { AppError } from "../../../core/errors.ts";
import { leaks } from "../../support/key-leaks.ts";

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** A manager whose service answers each request so. */
function answering(answer: (request: { readonly body?: unknown }) => Answer) {
  const client = new ACMClient({
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: { readonly body?: unknown }) => {
        const { status, body } = answer(request);
        const headers = { "content-type": "application/x-amz-json-1.1" };
        return {
          response: { statusCode: status, headers, body: Buffer.from(JSON.stringify(body)) } as never,
        };
      },
      destroy: () => undefined,
    },
  });
  return acmCertificateManager({ client });
}

const failing = (type: string, status = 400) =>
  answering(({ body }) => ({
    status,
    body: { __type: type, message: `Value '${String(body)}' is refused` },
  }));

const id = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-4000-8000-000000000000";

describe("failures of an import", () => {
  it.each([
    { type: "ThrottlingException", code: "certificate_manager_unavailable" },
    { type: "ResourceNotFoundException", code: "certificate_not_held" },
    { type: "ValidationException", code: "certificate_manager_refused" },
    { type: "LimitExceededException", code: "certificate_manager_refused" },
    { type: "InvalidArnException", code: "certificate_manager_refused" },
    { type: "AccessDeniedException", code: "configuration_invalid" },
    { type: "ExpiredTokenException", code: "configuration_invalid" },
    { type: "SomethingNewException", code: "internal" },
  ])("$type is $code, and no private key is in it though the answer quotes it", async ({ type, code }) => {
    const { privateKey } = await systemServerKeys.make("P-256");
    const material = { certificate: "x", chain: "", privateKey };
    const failure: unknown = await failing(type)
      .import("default-api", material, id)
      .catch((error: unknown) => error);
    if (!(failure instanceof AppError)) expect.fail(`expected an AppError, got ${String(failure)}`);
    expect(failure.code).toBe(code);
    expect(leaks(failure, [privateKey])).toEqual([]);
  });

  it("what is in use is not removed", async () => {
    await expect(failing("ResourceInUseException").remove(id)).rejects.toMatchObject({
      code: "certificate_manager_refused",
    });
  });

  it("what is gone is described as undefined, and removing it changes nothing", async () => {
    const manager = failing("ResourceNotFoundException");
    expect(await manager.describe(id)).toBeUndefined();
    await manager.remove(id);
  });
});

describe("descriptions", () => {
  const described = (detail: object) =>
    answering(() => ({
      status: 200,
      body: { Certificate: { NotAfter: 1_800_000_000, ...detail } },
    })).describe(id);

  it.each([
    { serial: "07:71:71:f4", expected: "077171f4" },
    { serial: "00:f1:71:f4", expected: "f171f4" },
    { serial: "00:00:0a:F4", expected: "0af4" },
    { serial: "7:1", expected: "0701" },
    { serial: "00", expected: "00" },
  ])("the serial number $serial is $expected in our records", async ({ serial, expected }) => {
    expect((await described({ Serial: serial }))?.serialNumber).toBe(expected);
  });

  it.each([
    { word: "EC_prime256v1", expected: "P-256" },
    { word: "EC_secp384r1", expected: "P-384" },
    { word: "RSA_2048", expected: "RSA-2048" },
    { word: "RSA-3072", expected: "RSA-3072" },
    { word: "EC_secp521r1", expected: "EC_secp521r1" },
  ])("a key of type $word is $expected", async ({ word, expected }) => {
    expect((await described({ Serial: "01", KeyAlgorithm: word }))?.keyAlgorithm).toBe(expected);
  });

  it("whatever uses it makes it in use", async () => {
    expect((await described({ Serial: "01", InUseBy: ["arn:aws:x"] }))?.inUse).toBe(true);
    expect((await described({ Serial: "01", InUseBy: [] }))?.inUse).toBe(false);
  });

  it("one that was requested and not imported, without a serial number yet, is refused", async () => {
    await expect(described({ KeyAlgorithm: "RSA_2048" })).rejects.toMatchObject({
      code: "certificate_manager_refused",
    });
  });
});
