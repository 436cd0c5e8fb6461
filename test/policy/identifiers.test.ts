import { describe, expect, test } from "vitest";
import type { Decision } from "../../core/policy/decision.ts";
import {
  checkAuthorityId,
  checkDeviceId,
  checkDnsName,
  checkFleetId,
  checkOperatorId,
  checkTrustDomain,
} from "../../core/policy/identifiers.ts";
import { checkIpAddress } from "../../core/policy/ip-address.ts";

const reason = (decision: Decision): string => (decision.allow ? "" : decision.reason);

interface Table {
  readonly check: (value: string) => Decision;
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

const tables: Readonly<Record<string, Table>> = {
  "device identifier": {
    check: checkDeviceId,
    allowed: [
      "a",
      "pump-7",
      "Pump_7.b",
      "0",
      "x".repeat(64),
      "device-000123",
      "sn-4711-0815",
      "f47ac10b58cc4372a5670e02b2c3d479",
    ],
    denied: [
      "",
      "x".repeat(65),
      ".a",
      "-a",
      "_a",
      "a b",
      "a/b",
      "a\u0000",
      "pümp",
      "ｐump",
      "pump\u200b7",
      "a:b",
      "a\n",
    ],
  },
  "fleet name": {
    check: checkFleetId,
    allowed: ["default", "a", "7", "north-wing", "x".repeat(32)],
    denied: ["", "x".repeat(33), "North", "a_b", "a.b", "-a", "a-", "a b", "ﬂeet"],
  },
  "authority identifier": {
    check: checkAuthorityId,
    allowed: ["root", "issuing-20260601", "x".repeat(31)],
    denied: ["", "x".repeat(32), "a b", "é"],
  },
  "SPIFFE-ID §2.1: trust domain": {
    check: checkTrustDomain,
    allowed: ["fleet.example", "localhost", "a_b.example", "a".repeat(253)],
    denied: ["", "Fleet.example", "a..b", ".a", "a.", "a:443", "u@a", "a/b", "a".repeat(254), "ex%41mple"],
  },
  "RFC 1034 §3.5: DNS name": {
    check: checkDnsName,
    allowed: ["localhost", "a.example", "xn--bcher-kva.example", "1.a.example", `${"a".repeat(63)}.example`],
    denied: [
      "",
      "A.example",
      "a.example.",
      "a..example",
      "*.example",
      "a_b.example",
      "-a.example",
      "a-.example",
      "bücher.example",
      "ab--c.example",
      "xn--",
      `${"a".repeat(64)}.example`,
      `${"a.".repeat(126)}aa`,
      "192.0.2.1",
      "a.0x1f",
    ],
  },
  "RFC 5952: IP address": {
    check: checkIpAddress,
    allowed: ["192.0.2.1", "127.0.0.1", "2001:db8::1", "::1"],
    denied: [
      "",
      "192.0.2",
      "192.0.2.01",
      "192.0.2.256",
      "0.0.0.0",
      "224.0.0.1",
      "255.255.255.255",
      "2001:DB8::1",
      "2001:db8:0:0:0:0:0:1",
      "::",
      "ff02::1",
      "::ffff:192.0.2.1",
      "fe80::1%eth0",
      "192.0.2.0/24",
    ],
  },
};

for (const [title, { check, allowed, denied }] of Object.entries(tables)) {
  describe(title, () => {
    for (const value of allowed) {
      test(`takes ${JSON.stringify(value.slice(0, 40))}`, () =>
        expect(check(value)).toEqual({ allow: true }));
    }
    for (const value of denied) {
      test(`refuses ${JSON.stringify(value.slice(0, 40))}`, () => {
        expect(check(value)).toMatchObject({ allow: false, code: "name_not_permitted" });
      });
    }
  });
}

describe("45 CFR 164.514(b): identifiers shaped like personal data", () => {
  const shaped: Readonly<Record<string, readonly string[]>> = {
    "social security number": ["123-45-6789", "pump-123-45-6789", "123.45.6789", "123_45_6789", "123456789"],
    date: ["1984-02-12", "19840212", "pump-1984-02-12", "12.02.1984", "02-12-1984", "pump_1984_02_12-a"],
    "e-mail address": ["jane@example.com", "jane_at_example.com", "jane.at.example.org"],
    "telephone number": [
      "212-555-0123",
      "1-212-555-0123",
      "212.555.0123",
      "2125550123",
      "0041791234567",
      "+41791234567",
    ],
    "labelled personal number": ["ssn-1", "pump-mrn-88121", "DOB.x"],
  };
  for (const [kind, identifiers] of Object.entries(shaped)) {
    for (const id of identifiers) {
      test(`refuses ${id} as ${kind}, without repeating it`, () => {
        for (const check of [checkDeviceId, checkOperatorId]) {
          const decision = check(id);
          expect(decision).toMatchObject({ allow: false, code: "name_not_permitted" });
          expect(reason(decision)).toContain(kind);
          expect(reason(decision)).not.toContain(id);
        }
      });
    }
  }

  const innocent = [
    "000-12-3456",
    "666123456",
    "pump-123456789",
    "19841312",
    "18991231",
    "20260001",
    "pump-20261122",
    "19840212-aaaa-4bbb-8ccc-20260101ffff",
    "patient-monitor-17",
    "112-555-0123",
    "00e04c68001a",
    "attic-sensor.at",
  ];
  for (const id of innocent) test(`takes ${id}`, () => expect(checkDeviceId(id)).toEqual({ allow: true }));
});

test("a refused identifier is never repeated in the reason", () => {
  for (const id of ["Jane Doe", "jane@example.com", "x".repeat(65), "pümp-secret"]) {
    expect(reason(checkDeviceId(id))).not.toContain(id);
  }
});
