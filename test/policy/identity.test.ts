import { describe, expect, test } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { commonNames } from "../../core/formats/name.ts";
import {
  checkIdentity,
  identityNames,
  type SubjectIdentity,
  subjectIdOf,
} from "../../core/policy/identity.ts";

const device: SubjectIdentity = {
  kind: "device",
  fleet: "clinic",
  trustDomain: "fleet.example",
  deviceId: "pump-7",
};
const operator: SubjectIdentity = {
  kind: "operator",
  fleet: "clinic",
  trustDomain: "fleet.example",
  operatorId: "op-1",
};
const server = (dnsNames: readonly string[], ipAddresses: readonly string[] = []): SubjectIdentity => ({
  kind: "server",
  fleet: "clinic",
  dnsNames,
  ipAddresses,
});

describe("names of an identity", () => {
  test("SPIFFE X.509-SVID §2: a device has its common name and one SPIFFE ID", () => {
    const names = identityNames(device);
    expect(commonNames(names.subject)).toEqual(["pump-7"]);
    expect(names.subjectAltName).toEqual([
      { kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/fleet/clinic/device/pump-7" },
    ]);
    expect(subjectIdOf(device)).toBe("pump-7");
  });

  test("an operator likewise, under its own path", () => {
    expect(identityNames(operator).subjectAltName).toEqual([
      { kind: "uniformResourceIdentifier", value: "spiffe://fleet.example/fleet/clinic/operator/op-1" },
    ]);
  });

  test("a server has all its names, DNS first, and the first as common name", () => {
    const names = identityNames(server(["a.example", "b.example"], ["192.0.2.1"]));
    expect(commonNames(names.subject)).toEqual(["a.example"]);
    expect(names.subjectAltName.map(({ value }) => value)).toEqual(["a.example", "b.example", "192.0.2.1"]);
  });

  test("RFC 5280 A.1: a server's common name is its first name of at most 64 characters, or absent", () => {
    const long = `${"a".repeat(60)}.example`;
    expect(commonNames(identityNames(server([long, "b.example"])).subject)).toEqual(["b.example"]);
    expect(identityNames(server([long])).subject).toEqual([]);
  });

  test("an authority has fleet and authority in one common name, and no alternative", () => {
    const names = identityNames({ kind: "authority", fleet: "clinic", authorityId: "root-1" });
    expect(commonNames(names.subject)).toEqual(["clinic root-1"]);
    expect(names.subjectAltName).toEqual([]);
  });

  test("the longest fleet and authority together fit into a common name", () => {
    const names = identityNames({ kind: "authority", fleet: "f".repeat(32), authorityId: "a".repeat(31) });
    expect(commonNames(names.subject)[0]).toHaveLength(64);
  });
});

describe("identities that break a syntax", () => {
  const broken: Readonly<Record<string, SubjectIdentity>> = {
    "device identifier": { ...device, deviceId: "a/../b" },
    "fleet with a slash": { ...device, fleet: "a/b" },
    "trust domain with a path": { ...device, trustDomain: "a.example/fleet" },
    "operator like an e-mail address": { ...operator, operatorId: "jane@example.com" },
    "server without names": server([]),
    "server with a name twice": server(["a.example", "a.example"]),
    "server with 65 names": server(Array.from({ length: 65 }, (_, i) => `h${i}.example`)),
    "server with a wildcard": server(["*.example"]),
    "authority with a space": { kind: "authority", fleet: "clinic", authorityId: "a b" },
  };
  for (const [title, identity] of Object.entries(broken)) {
    test(title, () => {
      expect(checkIdentity(identity)).toMatchObject({ allow: false, code: "name_not_permitted" });
      try {
        identityNames(identity);
        expect.unreachable();
      } catch (error) {
        expect(isAppError(error, "name_not_permitted")).toBe(true);
      }
    });
  }
});
