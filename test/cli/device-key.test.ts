import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceKeyAlgorithmIds, deviceKeyAlgorithmOf, makeDeviceKey } from "../../cli/device-key.ts";

describe("the CSR that a device makes", () => {
  it.each(deviceKeyAlgorithmIds)(
    "%s: OpenSSL verifies it, where its version knows the key",
    async (algorithm) => {
      const { csr, privateKey } = await makeDeviceKey("d-1", algorithm);
      expect(deviceKeyAlgorithmOf(createPrivateKey(privateKey))).toBe(algorithm);
      if (algorithm.startsWith("ML-DSA")) {
        const version = execFileSync("openssl", ["version"], { encoding: "utf8" });
        if (/OpenSSL ([0-2]|3\.[0-4])\b/.test(version)) return;
      }
      const judged = execFileSync("openssl", ["req", "-verify", "-noout", "-subject"], {
        input: csr,
        encoding: "utf8",
        stdio: ["pipe", "pipe", "pipe"],
      });
      expect(judged).toMatch(/CN ?= ?d-1/);
    },
  );
});
