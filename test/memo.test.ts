/** Room: test. The bounded memory of computed values. */
import { describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../core/access/client-certificate.ts";
import { enroll } from "../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../core/enrollment/token.ts";
import { boundedMemo } from "../core/memo.ts";
import { deviceCsr, deviceKey } from "./support/device.ts";
import { codeOf } from "./support/errors.ts";
import { testFleet as fleet, openFleetApp } from "./support/fleet-app.ts";

describe("boundedMemo", () => {
  it("computes a value once, and again after it was forgotten", () => {
    const memo = boundedMemo(2);
    let made = 0;
    const get = (key: string) => memo.get(key, () => ++made);
    expect([get("a"), get("a"), get("b")]).toEqual([1, 1, 2]);
    // "a" was used last, so "b" goes when "c" comes.
    expect([get("a"), get("c"), get("a"), get("b")]).toEqual([1, 3, 1, 4]);
  });

  it("asking whether a key is known counts as asking for it", () => {
    const memo = boundedMemo(2);
    for (const key of ["a", "b"]) memo.get(key, () => key);
    expect(memo.has("a")).toBe(true);
    memo.get("c", () => "c");
    expect([memo.has("a"), memo.has("b")]).toEqual([true, false]);
  });

  it("does not remember what throws", () => {
    const memo = boundedMemo();
    const failing = () => {
      throw new Error("no");
    };
    expect(() => memo.get("a", failing)).toThrow("no");
    expect(memo.has("a")).toBe(false);
  });
});

describe("certificates that strangers present", () => {
  it("leave nothing in the memory of the service", async () => {
    const ours = await openFleetApp();
    const foreign = await openFleetApp();
    const remembered: string[] = [];
    const memo = boundedMemo();
    const watched = {
      ...ours.app,
      memo: {
        has: (key: string) => memo.has(key),
        get<Value>(key: string, make: () => Value): Value {
          if (!memo.has(key)) remembered.push(key);
          return memo.get(key, make);
        },
      },
    };
    const { token } = await createEnrollmentToken(foreign.app, {
      fleet,
      actor: "operator:o",
      deviceId: "pump-1",
    });
    const { certificate } = await enroll(foreign.app, { fleet, token, csr: deviceCsr(deviceKey()) });
    const door = (pem: string) => codeOf(authenticateClientCertificate(watched, { certificate: pem }));
    await door("warm-up");
    const before = remembered.length;
    expect(await door(certificate)).toBe("client_certificate_untrusted");
    expect(await door("A".repeat(24_001))).toBe("client_certificate_untrusted");
    const own = remembered.slice(before).filter((key) => !key.startsWith("authority:"));
    expect(own).toEqual([]);
    await Promise.all([ours.close(), foreign.close()]);
  });
});
