import { describe, expect, it } from "vitest";
import { checkFleetId, checkTrustDomain } from "../../core/policy/identifiers.ts";
import { defaultReservedConcurrency } from "../../infra/configuration/concurrency.ts";
import { readEmulatorFlag } from "../../infra/configuration/emulator.ts";
import { trustDomain } from "../../infra/configuration/fleets.ts";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { routes, tasks } from "../../lambdas/routes.ts";

const uuid = "01234567-89ab-cdef-0123-456789abcdef";
const certificateArn = `arn:aws:acm:eu-central-1:123456789012:certificate/${uuid}`;
const globalArn = `arn:aws:acm:us-east-1:123456789012:certificate/${uuid}`;
const domain = (name: string) => ({ name, certificateArn });
const domains = { mutualTls: domain("devices.example.org"), public: domain("api.example.org") };
const artifacts = { domainName: "trust.example.org", certificateArn: globalArn };

const defaults = {
  recoveryDays: 35,
  dataKeyRotationDays: 365,
  protection: { keyRecoveryDays: 7 },
  fleets: {
    default: { trustDomain: "fleetkey.internal", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" },
  },
  // 45 CFR 164.316(b)(2)(i): six years.
  recordRetention: { mode: "GOVERNANCE", days: 2_192 },
  reservedConcurrency: defaultReservedConcurrency,
  alarmActions: [],
};

describe("stage configuration", () => {
  it("fills what is left out with the strictest periods, and one fleet", () => {
    expect(readStageConfiguration("prod", { prod: {} })).toEqual({ stage: "prod", ...defaults });
  });

  it("keeps what is written", () => {
    const written = {
      account: "012345678901",
      region: "eu-central-1",
      recoveryDays: 1,
      dataKeyRotationDays: 90,
      protection: { keyRecoveryDays: 0 },
      fleets: {
        pumps: {
          ...{ trustDomain: "p.example.org", rootAlgorithm: "ML-DSA-87", issuingAlgorithm: "Ed25519" },
          keys: {
            root: 2,
            issuing: { from: 2, to: 3, algorithms: { 3: "P-384" } },
            trust: { to: 9 },
            protection: 2,
          },
        },
      },
      recordRetention: { mode: "COMPLIANCE", days: 1 },
      reservedConcurrency: { ...defaultReservedConcurrency, enrollment: 3 },
      alarmActions: ["arn:aws:sns:eu-central-1:123456789012:pager"],
      domains: { ...domains, hostedZone: { id: "Z0123456789ABC", name: "example.org" } },
      artifacts: { ...artifacts, requestsPerAddress: 100 },
    };
    expect(readStageConfiguration("dev", { dev: written })).toEqual({ stage: "dev", ...written });
  });

  it("a fleet, a retention and a concurrency take defaults for what they leave out", () => {
    const stage = readStageConfiguration("dev", {
      dev: {
        fleets: { pumps: {}, scales: { issuingAlgorithm: "P-384" } },
        recordRetention: { days: 7 },
        reservedConcurrency: { revocation: "none" },
      },
    });
    expect(stage.fleets).toEqual({
      pumps: defaults.fleets.default,
      scales: { ...defaults.fleets.default, issuingAlgorithm: "P-384" },
    });
    expect(stage.recordRetention).toEqual({ mode: "GOVERNANCE", days: 7 });
    expect(stage.reservedConcurrency).toEqual({ ...defaultReservedConcurrency, revocation: undefined });
  });

  it("reserves no concurrency at all for an account that has none to give", () => {
    const { reservedConcurrency } = readStageConfiguration("dev", { dev: { reservedConcurrency: "none" } });
    expect(Object.keys(reservedConcurrency)).toEqual(Object.keys(defaultReservedConcurrency));
    expect(new Set(Object.values(reservedConcurrency))).toEqual(new Set([undefined]));
  });

  it("knows every function of routes.ts, and reserves no more than a new account's quota leaves", () => {
    const functions = new Set([...routes, ...tasks].map((row) => row.function));
    expect(new Set(Object.keys(defaultReservedConcurrency))).toEqual(functions);
    const total = Object.values(defaultReservedConcurrency).reduce<number>((sum, one) => sum + one, 0);
    expect(total).toBeLessThanOrEqual(900);
  });

  const refused: readonly { name: string; stage?: unknown; members: unknown; says: RegExp }[] = [
    { name: "no stage", stage: undefined, members: {}, says: /stage undefined is not .*`-c stage=NAME`/ },
    {
      name: "a stage that cannot name a stack",
      stage: "Prod_1",
      members: {},
      says: /stage "Prod_1" is not 1 to 20/,
    },
    { name: "a period over the limit", members: { recoveryDays: 36 }, says: /recoveryDays 36 .* 1 to 35/ },
    { name: "a period that is not whole", members: { recoveryDays: 1.5 }, says: /1\.5 is not a whole/ },
    { name: "a number in quotes", members: { dataKeyRotationDays: "90" }, says: /"90" is not a whole/ },
    { name: "an account without its zero", members: { account: 12345678901 }, says: /twelve digits/ },
    { name: "a region misspelt", members: { region: "europe" }, says: /"europe" is not a region code/ },
    { name: "an unknown member", members: { recoveryDay: 7 }, says: /recoveryDay is unknown .*remove it/ },
    { name: "no fleet", members: { fleets: {} }, says: /fleets \{\} is not .*one fleet at least/ },
    {
      name: "more fleets than a function can be told of",
      members: { fleets: Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`f${i}`, {}])) },
      says: /fleets: 31 of them in \d+ characters are more than 30 in 3450/,
    },
    { name: "fleets in an array", members: { fleets: ["pumps"] }, says: /fleets .* is not a JSON object/ },
    {
      name: "a fleet that is a name only",
      members: { fleets: { pumps: true } },
      says: /fleets\.pumps true is not/,
    },
    {
      name: "a fleet's name in capitals",
      members: { fleets: { Pumps: {} } },
      says: /"Pumps" is not a fleet's name \(fleet name may hold only a-z/,
    },
    {
      name: "an algorithm that no authority may have",
      members: { fleets: { pumps: { rootAlgorithm: "RSA-2048" } } },
      says: /fleets\.pumps\.rootAlgorithm "RSA-2048" is not one of P-256, .*ML-DSA-87/,
    },
    {
      name: "a trust domain with a path",
      members: { fleets: { pumps: { trustDomain: "example.org/x" } } },
      says: /trustDomain "example\.org\/x" is not/,
    },
    {
      name: "a tenth generation of a key",
      members: { fleets: { pumps: { keys: { issuing: 10 } } } },
      says: /fleets\.pumps\.keys\.issuing 10 is not a whole number from 1 to 9/,
    },
    {
      name: "no generation of a key",
      members: { fleets: { pumps: { keys: { root: 0, trust: "2" } } } },
      says: /keys\.root 0 is not .*keys\.trust "2" is not/s,
    },
    {
      name: "a key of another kind",
      members: { fleets: { pumps: { keys: { device: 1 } } } },
      says: /keys\.device is unknown \(there are: root, issuing, ocsp, trust, protection\)/,
    },
    {
      name: "generations that end before they begin",
      members: { fleets: { pumps: { keys: { issuing: { from: 3, to: 2 } } } } },
      says: /keys\.issuing\.from 3 is not a whole number from 1 to 2/,
    },
    {
      name: "an algorithm of a generation that is not there",
      members: { fleets: { pumps: { keys: { root: { to: 2, algorithms: { 3: "P-384" } } } } } },
      says: /keys\.root\.algorithms\.3 is unknown \(there are: 1, 2\)/,
    },
    {
      name: "an algorithm of a signer that is no authority",
      members: { fleets: { pumps: { keys: { ocsp: { to: 2, algorithms: { 2: "P-384" } } } } } },
      says: /keys\.ocsp\.algorithms is unknown/,
    },
    {
      name: "more keys than a stack can name",
      members: {
        fleets: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, { keys: { issuing: 3 } }])),
      },
      says: /fleets: 180 signing keys and further keys that wrap are more than 150/,
    },
    {
      name: "more keys than a stack can name, some of which wrap",
      members: {
        fleets: Object.fromEntries(
          Array.from({ length: 30 }, (_, i) => [`f${i}`, { keys: { issuing: 2, protection: 2 } }]),
        ),
      },
      says: /fleets: 180 signing keys and further keys that wrap are more than 150/,
    },
    {
      name: "more keys that wrap than a function can be told of",
      members: {
        fleets: Object.fromEntries(
          Array.from({ length: 20 }, (_, i) => [`fleet-with-a-long-name-${i}`, { keys: { protection: 3 } }]),
        ),
      },
      says: /the names and ids of 60 keys that wrap are \d+ characters, more than 3200/,
    },
    {
      name: "an algorithm of a key that wraps",
      members: { fleets: { pumps: { keys: { protection: { to: 2, algorithms: { 2: "P-384" } } } } } },
      says: /keys\.protection\.algorithms is unknown/,
    },
    {
      name: "a key that would be taken for one of another fleet",
      members: { fleets: { pumps: { keys: { protection: 2 } }, "pumps-protection": {} } },
      says: /the key "pumps-protection-2" of fleet "pumps" would be taken for one of fleet "pumps-protection"/,
    },
    {
      name: "a recovery of keys longer than DynamoDB keeps",
      members: { protection: { keyRecoveryDays: 36 } },
      says: /protection\.keyRecoveryDays 36 is not a whole number from 0 to 35/,
    },
    {
      name: "a recovery of keys that is less than none, or no number",
      members: { protection: { keyRecoveryDays: -1 } },
      says: /keyRecoveryDays -1 is not/,
    },
    {
      name: "an unknown member of the protection",
      members: { protection: { keyRecoveryDay: 7 } },
      says: /protection\.keyRecoveryDay is unknown \(there are: keyRecoveryDays\)/,
    },
    {
      name: "a retention that S3 does not know",
      members: { recordRetention: { mode: "LEGAL", days: 0 } },
      says: /mode "LEGAL" is not one of GOVERNANCE, COMPLIANCE.*days 0 is not a whole number from 1/s,
    },
    {
      name: "more concurrency than an account has",
      members: { reservedConcurrency: { enrollment: 901 } },
      says: /reservedConcurrency\.enrollment 901 .* 1 to 900/,
    },
    {
      name: "a concurrency of 0, with which a function never runs",
      members: { reservedConcurrency: { enrollment: 0 } },
      says: /enrollment 0 is not/,
    },
    {
      name: "concurrency as one number",
      members: { reservedConcurrency: 10 },
      says: /reservedConcurrency 10 is not/,
    },
    {
      name: "concurrency of a function that there is not",
      members: { reservedConcurrency: { enrolment: 1 } },
      says: /reservedConcurrency\.enrolment is unknown/,
    },
    {
      name: "an alarm action that is no ARN",
      members: { alarmActions: ["pager"] },
      says: /alarmActions\[0\] "pager"/,
    },
    {
      name: "more alarm actions than CloudWatch calls",
      members: { alarmActions: Array(5).fill("arn:aws:sns:eu-central-1:123456789012:pager") },
      says: /at most 4 ARNs/,
    },
    {
      name: "one domain without the other",
      members: { domains: { public: domain("a.example.org") } },
      says: /mutualTls/,
    },
    {
      name: "one name for both domains",
      members: { domains: { mutualTls: domain("a.example.org"), public: domain("a.example.org") } },
      says: /public\.name "a\.example\.org" is the name of domains\.mutualTls too/,
    },
    {
      name: "a domain outside its hosted zone",
      members: { domains: { ...domains, hostedZone: { id: "Z0123456789ABC", name: "example.com" } } },
      says: /"devices\.example\.org" is not in the hosted zone "example\.com"/,
    },
    {
      name: "a domain that ends like its hosted zone and is not in it",
      members: {
        domains: {
          ...domains,
          public: domain("badexample.org"),
          hostedZone: { id: "Z0", name: "example.org" },
        },
      },
      says: /"badexample\.org" is not in the hosted zone/,
    },
    {
      name: "artefacts under a certificate of another region than CloudFront's",
      members: {
        account: "123456789012",
        region: "eu-central-1",
        artifacts: { ...artifacts, certificateArn },
      },
      says: /certificateArn .* is not .*us-east-1/,
    },
    {
      name: "artefacts of a stage that could be anywhere",
      members: { artifacts },
      says: /artifacts is set without account.*artifacts is set without region/s,
    },
  ];
  for (const row of refused) {
    it(`refuses ${row.name}`, () => {
      const stage = "stage" in row ? row.stage : "dev";
      expect(() => readStageConfiguration(stage, { dev: row.members })).toThrow(row.says);
    });
  }

  it("refuses a stage that is not described, and names those that are", () => {
    expect(() => readStageConfiguration("qa", { dev: {}, prod: {} })).toThrow(/"qa" .*there are: dev, prod/);
    expect(() => readStageConfiguration("constructor", { dev: {} })).toThrow(/is not described/);
    expect(() => readStageConfiguration("dev", undefined)).toThrow(/there are: none/);
  });

  it("lists every problem at once, and where to put them right", () => {
    const wrong = {
      recoveryDays: 0,
      dataKeyRotationDays: 1000,
      region: "?",
      fleets: { A: {} },
      artifacts: 1,
    };
    expect(() => readStageConfiguration("dev", { dev: wrong })).toThrow(
      /region.*recoveryDays 0.*dataKeyRotationDays 1000.*artifacts 1.*"A" is not/s,
    );
    try {
      readStageConfiguration("dev", { dev: wrong });
    } catch (error) {
      const problems = String(error).split("\n").slice(1);
      for (const problem of problems) expect(problem).toMatch(/^- .*"fleetkey:stages" → "dev" in cdk\.json/);
    }
  });
});

describe("names of fleets and trust domains", () => {
  const fleetNames = [
    "a",
    "default",
    "a-b",
    "-a",
    "a-",
    "A",
    "a_b",
    "a.b",
    "",
    "0",
    "a".repeat(32),
    "a".repeat(33),
    // Shaped like a date of birth: no notice could name it.
    "mi-1990-01-01",
  ];
  const trustDomains = [
    "a",
    "a.b",
    "a_b.c",
    "A.b",
    ".a",
    "a.",
    "a..b",
    "-a.b",
    "x".repeat(253),
    "x".repeat(254),
    "",
  ];

  it("are those that the product takes: no other can fail a bootstrap", () => {
    for (const name of fleetNames) {
      const read = () => readStageConfiguration("prod", { prod: { fleets: { [name]: {} } } });
      if (checkFleetId(name).allow) expect(Object.keys(read().fleets)).toEqual([name]);
      else expect(read, name).toThrow(/fleets: the name .* is not a fleet's name/);
    }
    for (const name of trustDomains)
      expect(trustDomain.pattern.test(name), name).toBe(checkTrustDomain(name).allow);
  });
});

describe("reserved concurrency", () => {
  it("Lambda: 100 of an account's 1,000 stay unreserved, so all functions together reserve 900 at most", () => {
    const read = (enrollment: number) => () =>
      readStageConfiguration("prod", { prod: { reservedConcurrency: { enrollment, distribution: 400 } } });
    // Beside these two: revocation 20, ocsp 50, access 20, reconciliation 1, publication 2, maintenance 1, bootstrap 1,
    // provisioning 10, rotation 10, rollover 1, ceremony 1, servers 1, protection 50, safekeeping 1.
    expect(read(331)().reservedConcurrency.enrollment).toBe(331);
    expect(read(332)).toThrow(/reservedConcurrency is 901 in all, more than 900 .* lower some/);
  });
});

describe("the emulator's flag", () => {
  it("is off unless it is set, as CDK reads it from a file or from the command line", () => {
    for (const flag of [undefined, false, "false"])
      expect(readEmulatorFlag(flag, "123456789012")).toBe(false);
    for (const flag of [true, "true"]) expect(readEmulatorFlag(flag, "000000000000")).toBe(true);
  });

  it("is refused for every account but the one that AWS gives to nobody: its functions believe a header", () => {
    for (const account of ["123456789012", "00000000000", undefined])
      expect(() => readEmulatorFlag("true", account)).toThrow(/is for account 000000000000 alone/);
  });

  it("is refused when it is no flag", () => {
    expect(() => readEmulatorFlag("yes", "000000000000")).toThrow(/"yes" is not true or false/);
  });
});
