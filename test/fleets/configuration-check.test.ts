import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../core/errors.ts";
import { checkConfiguration } from "../../core/fleets/configuration-check.ts";
import { name } from "../../core/formats/name.ts";
import {
  defaultConfiguration,
  type FleetConfiguration,
  type IamPipelineTrust,
  type OidcPipelineTrust,
  type OperatorIssuer,
} from "../../core/records/fleet-configuration.ts";
import { makeAuthority } from "../formats/x509/certificate-maker.ts";
import { maker, makerExtensions, makerPem, noExpiry } from "./makers.ts";

const now = Date.UTC(2026, 10, 25);
const day = 86_400_000;

const oidc: OidcPipelineTrust = {
  kind: "oidc",
  id: "ci",
  operations: ["createEnrollmentToken"],
  profiles: ["device"],
  issuer: "https://issuer.example.test",
  audience: "https://fleet.example.test",
  claims: { sub: "repo:acme/firmware:ref:refs/heads/main" },
};
const iam: IamPipelineTrust = {
  kind: "iam",
  id: "aws",
  operations: ["listCertificates"],
  profiles: [],
  principal: "arn:aws:sts::123456789012:assumed-role/ci-role/*",
};
const operatorIssuer: OperatorIssuer = {
  issuer: "https://login.example.test/tenant-1",
  audience: "fleetkey",
  mfa: { claim: "amr", value: "mfa" },
};

/** "accepted", or code and message. */
function judge(change: Partial<FleetConfiguration>): string {
  try {
    checkConfiguration({ ...defaultConfiguration, ...change }, now);
    return "accepted";
  } catch (error) {
    if (!isAppError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

type Case = readonly [name: string, change: () => Partial<FleetConfiguration>, expected: string];

describe("accepted", () => {
  const cases: readonly Case[] = [
    ["the default", () => ({}), "accepted"],
    [
      "a maker's authority without expiry",
      () => ({ manufacturers: [maker("m", makerPem({ validity: { notBefore: now, notAfter: noExpiry } }))] }),
      "accepted",
    ],
    [
      "two makers of one name and two keys",
      () => ({ manufacturers: [maker("a"), maker("b", makerPem({}, makeAuthority("P-384")))] }),
      "accepted",
    ],
    [
      "a maker that ends this very second",
      () => ({ manufacturers: [maker("m", makerPem({ validity: { notBefore: 0, notAfter: now } }))] }),
      "accepted",
    ],
    [
      "a PEM with text around it",
      () => ({ manufacturers: [maker("m", `of maker 1\r\n${makerPem()}`)] }),
      "accepted",
    ],
    ["pipelines of both kinds", () => ({ pipelines: [oidc, iam] }), "accepted"],
    ["two entries of one issuer", () => ({ pipelines: [oidc, { ...oidc, id: "ci-2" }] }), "accepted"],
    [
      "keys on another host",
      () => ({ pipelines: [{ ...oidc, jwksUri: "https://keys.example.test/jwks" }] }),
      "accepted",
    ],
    [
      "an identity provider twice, for two audiences",
      () => ({ operatorIssuers: [operatorIssuer, { ...operatorIssuer, audience: "other" }] }),
      "accepted",
    ],
    ["prefixes", () => ({ deviceIdPrefixes: ["pump-", "Monitor.7_"] }), "accepted"],
    [
      "validity at the profile's maximum",
      () => ({
        validityDays: { device: 397, quarantine: 30, server: 90, operator: 90, claim: 30, backend: 90 },
      }),
      "accepted",
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    expect(judge(change())).toBe(expected);
  });
});

describe("validity and names", () => {
  const cases: readonly Case[] = [
    [
      "more days than the profile has",
      () => ({ validityDays: { device: 398 } }),
      'validity_not_permitted: validity 398 d exceeds profile "device" maximum 397 d; choose fewer days',
    ],
    [
      "of a claim too",
      () => ({ validityDays: { device: 30, claim: 31 } }),
      'validity_not_permitted: validity 31 d exceeds profile "claim" maximum 30 d',
    ],
    [
      "a prefix with a blank",
      () => ({ deviceIdPrefixes: ["pump-", "pump 1"] }),
      "name_not_permitted: prefix of device identifiers: device identifier may hold only",
    ],
    [
      "an empty prefix, which would permit every name",
      () => ({ deviceIdPrefixes: [""] }),
      "name_not_permitted: prefix of device identifiers: device identifier of 0 characters",
    ],
    [
      "a prefix that reads like a birth date",
      () => ({ deviceIdPrefixes: ["1990-01-01"] }),
      "name_not_permitted: prefix of device identifiers: device identifier is shaped like a date",
    ],
    [
      "a pipeline named like a telephone number",
      () => ({ pipelines: [{ ...oidc, id: "212-555-0123" }] }),
      "name_not_permitted: id of a pipeline is shaped like a telephone number",
    ],
    [
      "a maker named like a social security number",
      () => ({ manufacturers: [maker("219-09-9999")] }),
      "name_not_permitted: id of a manufacturer is shaped like a social security number",
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    expect(judge(change())).toContain(expected);
  });

  it("more than an item of the store can hold: octets and limit are told", () => {
    const pipelines = Array.from({ length: 400 }, (_, index) => ({
      ...oidc,
      id: `ci-${index}`,
      claims: { sub: "s".repeat(256), ref: "\u00FC".repeat(256) },
    }));
    const octets = Buffer.byteLength(JSON.stringify({ ...defaultConfiguration, pipelines }));
    expect(judge({ pipelines })).toBe(
      `request_invalid: configuration has ${octets} octets, limit 300000; make it smaller`,
    );
  });
});

const spoiled = (change: Parameters<typeof makerPem>[0]) => () => ({
  manufacturers: [maker("maker-1", makerPem(change))],
});
const given = (certificate: string) => () => ({ manufacturers: [maker("maker-1", certificate)] });

describe("manufacturers: each refusal names the entry", () => {
  const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({
    type: "spki",
    format: "der",
  });
  const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" }).publicKey.export({
    type: "spki",
    format: "der",
  });
  const torn = makerPem().replace(/.{4}\n-----END/, "\n-----END");
  const cases: readonly Case[] = [
    ["no PEM", given("maker"), 'pem_malformed: manufacturer "maker-1": not PEM'],
    [
      "two certificates",
      given(makerPem() + makerPem()),
      'request_invalid: manufacturer "maker-1": PEM holds 2 certificates; give exactly 1',
    ],
    [
      "a private key",
      given(makerPem().replaceAll("CERTIFICATE", "PRIVATE KEY")),
      'pem_malformed: manufacturer "maker-1"',
    ],
    ["a torn certificate", given(torn), 'certificate_malformed: manufacturer "maker-1"'],
    [
      "RFC 5280 §4.2.1.9: an end entity's",
      spoiled({ extensions: makerExtensions.endEntity }),
      'request_invalid: manufacturer "maker-1": the certificate is no authority\'s',
    ],
    [
      "without any extension",
      spoiled({ extensions: makerExtensions.none }),
      "the certificate is no authority's",
    ],
    [
      "RFC 5280 §4.2.1.3: one that signs CRLs only",
      spoiled({ extensions: makerExtensions.revocationOnly }),
      "may not sign others",
    ],
    [
      "RFC 5280 §4.2.1.3: one that does not say what it signs",
      spoiled({ extensions: makerExtensions.withoutKeyUsage }),
      "may not sign others",
    ],
    [
      "one that expired a second ago",
      spoiled({ validity: { notBefore: 0, notAfter: now - 1_000 } }),
      "has expired",
    ],
    [
      "one of tomorrow",
      spoiled({ validity: { notBefore: now + day, notAfter: now + 2 * day } }),
      "is not in force yet",
    ],
    ["a weak key", spoiled({ subjectPublicKeyInfo: rsa1024 }), 'key_weak: manufacturer "maker-1"'],
    [
      "a key of no known kind",
      spoiled({ subjectPublicKeyInfo: p521 }),
      'key_unsupported: manufacturer "maker-1"',
    ],
    [
      "two of one id",
      () => ({ manufacturers: [maker("m"), maker("m", makerPem({}, makeAuthority("P-384")))] }),
      "request_invalid: two manufacturers have one id",
    ],
    [
      "one authority twice",
      () => ({ manufacturers: [maker("a"), { ...maker("b"), identifier: "hardwareModuleName" }] }),
      "request_invalid: two manufacturers have one name and key",
    ],
    [
      "one authority in two certificates",
      () => ({ manufacturers: [maker("a"), maker("b", makerPem({ serialNumber: Buffer.of(2) }))] }),
      "two manufacturers have one name and key",
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    expect(judge(change())).toContain(expected);
  });

  it("the name in the certificate is nobody's business: it is in no message", () => {
    const subject = name([["commonName", "Jane Doe"]]);
    for (const extensions of Object.values(makerExtensions))
      expect(judge(spoiled({ subject, extensions })())).not.toContain("Jane");
  });
});

describe("pipelines", () => {
  const changed = (change: Partial<OidcPipelineTrust>) => () => ({ pipelines: [{ ...oidc, ...change }] });
  const cases: readonly Case[] = [
    [
      "two of one id, whatever their kind",
      () => ({ pipelines: [oidc, { ...iam, id: "ci" }] }),
      "two pipelines have one id",
    ],
    ["one that may do nothing", changed({ operations: [] }), 'pipeline "ci" may do nothing'],
    [
      "an issuer without TLS",
      changed({ issuer: "http://issuer.example.test" }),
      'pipeline "ci": issuer is no https URL',
    ],
    [
      "an issuer with a password",
      changed({ issuer: "https://a:b@issuer.example.test" }),
      "issuer is no https URL",
    ],
    [
      "an issuer with a query",
      changed({ issuer: "https://issuer.example.test/?a=b" }),
      "issuer is no https URL",
    ],
    [
      "an issuer with a fragment",
      changed({ issuer: "https://issuer.example.test/#a" }),
      "issuer is no https URL",
    ],
    ["an issuer that is no URL", changed({ issuer: "issuer" }), "issuer is no https URL"],
    [
      "keys in a file",
      changed({ jwksUri: "file:///etc/keys.json" }),
      'pipeline "ci": jwksUri is no https URL',
    ],
    ["no subject", changed({ claims: { ref: "refs/heads/main" } }), 'claims have no pattern for "sub"'],
    ["no claims", changed({ claims: {} }), 'claims have no pattern for "sub"'],
    ["any subject", changed({ claims: { sub: "*" } }), 'pipeline "ci": claim "sub": pattern begins with *'],
    ["any owner", changed({ claims: { sub: "repo:*/firmware" } }), "where owners are named"],
    [
      "any value of another claim",
      changed({ claims: { ...oidc.claims, ref: "*" } }),
      'pipeline "ci": claim "ref": pattern begins with *',
    ],
    [
      "an inherited subject",
      changed({ claims: Object.create({ sub: "repo:acme/x" }) as Record<string, string> }),
      'no pattern for "sub"',
    ],
    [
      "any IAM role",
      () => ({ pipelines: [{ ...iam, principal: "arn:aws:sts::123456789012:assumed-role/*" }] }),
      'pipeline "aws": principal: pattern names no account and role',
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    const verdict = judge(change());
    expect(verdict).toContain("request_invalid: ");
    expect(verdict).toContain(expected);
  });
});

describe("operators' identity providers", () => {
  const cases: readonly Case[] = [
    [
      "without TLS",
      () => ({ operatorIssuers: [{ ...operatorIssuer, issuer: "http://login.example.test" }] }),
      "operator issuer: issuer is no https URL",
    ],
    [
      "keys without TLS",
      () => ({ operatorIssuers: [{ ...operatorIssuer, jwksUri: "http://login.example.test/k" }] }),
      "operator issuer: jwksUri is no https URL",
    ],
    [
      "one twice, with two proofs of a second factor",
      () => ({ operatorIssuers: [operatorIssuer, { ...operatorIssuer, mfa: { claim: "acr", value: "1" } }] }),
      "two operator issuers have one issuer and audience",
    ],
  ];
  it.each(cases)("%s", (_name, change, expected) => {
    expect(judge(change())).toContain(`request_invalid: ${expected}`);
  });
});

describe("names of servers", () => {
  const withNames = (serverNames: readonly string[]) => judge({ pipelines: [{ ...iam, serverNames }] });
  it("names and patterns of one more label are taken", () => {
    expect(withNames(["api.example.test", "*.example.test"])).toBe("accepted");
  });
  it.each([
    { name: "a whole top level", names: ["*.test"], code: "name_not_permitted" },
    { name: "a star within", names: ["api.*.test"], code: "name_not_permitted" },
    { name: "upper case", names: ["API.example.test"], code: "name_not_permitted" },
    { name: "a pattern twice", names: ["*.example.test", "*.example.test"], code: "request_invalid" },
    {
      name: "101 patterns",
      names: Array.from({ length: 101 }, (_, at) => `n${at}.test`),
      code: "request_invalid",
    },
  ])("$name: refused, and the pipeline is named", ({ names, code }) => {
    expect(withNames(names)).toMatch(new RegExp(`^${code}: pipeline "aws": serverNames`));
  });
});
