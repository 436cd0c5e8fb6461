import { createPrivateKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceKeyAlgorithmIds, deviceKeyAlgorithmOf, makeDeviceKey } from "../../cli/device-key.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { commonNames } from "../../core/formats/name.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { openssl, opensslKnows } from "../support/openssl.ts";

describe("the CSR that a device makes", () => {
  it.each(deviceKeyAlgorithmIds)("%s: is of its key and in its name", async (algorithm) => {
    const { csr, privateKey } = await makeDeviceKey("d-1", algorithm);
    expect(deviceKeyAlgorithmOf(createPrivateKey(privateKey))).toBe(algorithm);
    const [der = Buffer.alloc(0)] = decodePem(csr, "CERTIFICATE REQUEST");
    expect(commonNames((await verifyCsr(der)).subject)).toEqual(["d-1"]);
  });

  for (const algorithm of deviceKeyAlgorithmIds) {
    it.skipIf(!opensslKnows(algorithm))(
      `${algorithm}: OpenSSL, where installed and new enough, verifies it`,
      async () => {
        const { csr } = await makeDeviceKey("d-1", algorithm);
        const verdict = await openssl(["req", "-verify", "-noout", "-subject"], csr);
        expect(verdict, verdict.output).toMatchObject({
          accepted: true,
          output: expect.stringContaining("verify OK"),
          stdout: expect.stringMatching(/CN ?= ?d-1/),
        });
      },
    );
  }
});
