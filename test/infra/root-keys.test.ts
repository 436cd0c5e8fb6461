import { beforeAll, describe, expect, it } from "vitest";
import { routes, tasks } from "../../lambdas/routes.ts";
import {
  keyWithAlias,
  ofType,
  type Statement,
  type SynthesisedStage,
  statementsOf,
  statementsOfRole,
  synthesise,
} from "./synthesised-stage.ts";

const functions = [...new Set([...routes, ...tasks].map((row) => row.function))];
const fleets = { pumps: {}, scales: { keys: { root: 2, issuing: { from: 2, to: 3 } } } };
const roots = ["pumps-root-1", "scales-root-1", "scales-root-2"];
const others = ["pumps-issuing-1", "scales-issuing-2", "scales-issuing-3"].concat(
  Object.keys(fleets).flatMap((fleet) => [`${fleet}-ocsp-1`, `${fleet}-trust-1`]),
);

let stage: SynthesisedStage;
beforeAll(() => {
  stage = synthesise({ fleets });
});

const keyOf = (alias: string): string => keyWithAlias(stage, alias);

const roleArns = (ids: readonly string[]): string[] =>
  ids.map((id) => `arn:AWS::Partition:iam::AWS::AccountId:role/fleetkey-test-AWS::Region-${id}`);
const policyOf = (authority: string): Statement[] =>
  statementsOf(stage.state[keyOf(authority)]?.Properties["KeyPolicy"]);
const account = { AWS: "arn:AWS::Partition:iam::AWS::AccountId:root" };
const withoutSid = ({ Effect, Principal, Condition }: Statement) => ({ Effect, Principal, Condition });

describe("root keys", () => {
  const [ceremony, bootstrap, rollover] = roleArns(["ceremony", "bootstrap", "rollover"]);
  const having = (authority: string, action: string): Statement[] =>
    policyOf(authority).filter(({ Action }) => Action.includes(action));

  it.each(roots)("%s signs for nobody by any policy, and for two roles alone by a grant", (authority) => {
    for (const id of functions)
      for (const { Action, Resource } of statementsOfRole(stage.api, `-${id}`))
        if (Action.includes("kms:Sign")) expect(Resource, id).not.toContain(`${keyOf(authority)}.Arn`);
    expect(having(authority, "kms:Sign").map(withoutSid)).toEqual([
      {
        Effect: "Deny",
        Principal: { AWS: "*" },
        Condition: { StringNotEquals: { "aws:PrincipalArn": [bootstrap, ceremony] } },
      },
    ]);
  });

  it.each(roots)(
    "%s is lent to ceremonies by rollover, to the bootstrap with a second factor, else never",
    (authority) => {
      const toSign = { "ForAllValues:StringEquals": { "kms:GrantOperations": ["Sign"] } };
      expect(having(authority, "kms:CreateGrant").map(withoutSid)).toEqual([
        {
          Effect: "Allow",
          Principal: account,
          Condition: {
            StringEquals: { "kms:GranteePrincipal": ceremony, "aws:PrincipalArn": rollover },
            ...toSign,
          },
        },
        {
          Effect: "Allow",
          Principal: account,
          Condition: {
            StringEquals: { "kms:GranteePrincipal": bootstrap },
            ...toSign,
            Bool: { "aws:MultiFactorAuthPresent": "true" },
          },
        },
        {
          Effect: "Deny",
          Principal: { AWS: "*" },
          Condition: { StringNotEquals: { "kms:GranteePrincipal": [ceremony, bootstrap] } },
        },
      ]);
    },
  );

  it("are lent by one function, which may not sign, to another, which may not lend", () => {
    const may = (action: string) =>
      functions.filter((id) =>
        statementsOfRole(stage.api, `-${id}`).some(({ Action }) => Action.includes(action)),
      );
    for (const action of ["CreateGrant", "RevokeGrant", "CancelKeyDeletion", "EnableKey"])
      expect(may(`kms:${action}`), action).toEqual(["rollover"]);
    // The other has keys that wrap deleted, and no key that signs.
    expect(may("kms:ScheduleKeyDeletion")).toEqual(["rollover", "safekeeping"]);
    const ended = statementsOfRole(stage.api, "-safekeeping")
      .filter(({ Action }) => Action.includes("kms:ScheduleKeyDeletion"))
      .flatMap(({ Resource: keys }) => keys);
    expect(ended).not.toEqual([]);
    for (const key of ended) expect(key).toMatch(/ProtectionKey/);
    expect(may("kms:Sign")).not.toContain("rollover");
    const [lending] = statementsOfRole(stage.api, "-rollover").filter(({ Sid }) => Sid === "LendRoots");
    expect(lending?.Condition).toEqual({
      StringEquals: { "kms:GranteePrincipal": ceremony },
      "ForAllValues:StringEquals": { "kms:GrantOperations": ["Sign"] },
    });
  });

  it("and every key that signs are destroyed after 30 days and not sooner", () => {
    const statements = statementsOfRole(stage.api, "-rollover");
    const [destroying, ...more] = statements.filter(({ Action }) =>
      Action.includes("kms:ScheduleKeyDeletion"),
    );
    expect(more).toEqual([]);
    // KMS API reference, ScheduleKeyDeletion: 30 days where nothing is said.
    expect(destroying?.Condition).toEqual({
      NumericGreaterThanEqualsIfExists: { "kms:ScheduleKeyDeletionPendingWindowInDays": 30 },
    });
    expect(destroying?.Resource).toHaveLength(roots.length + others.length);
  });

  it("for the emulator, which knows no second factor, are lent without one; nothing else is relaxed", () => {
    const emulated = synthesise({ account: "000000000000" }, { "fleetkey:emulator": "true" });
    const real = synthesise({ account: "000000000000" });
    const policies = ({ state }: SynthesisedStage) =>
      ofType(state, "AWS::KMS::Key").map(([, { Properties }]) => JSON.stringify(Properties["KeyPolicy"]));
    const factor = ',"Bool":{"aws:MultiFactorAuthPresent":"true"}';
    const without = policies(real).map((policy) => policy.replace(factor, ""));
    expect(policies(emulated).map((policy) => policy.replace(factor, ""))).toEqual(without);
    expect(policies(emulated).join()).not.toContain("MultiFactor");
    expect(policies(real).filter((policy) => policy.includes(factor))).toHaveLength(1);
  });
});

describe("generations of keys", () => {
  const aliases = (): string[] =>
    ofType(stage.state, "AWS::KMS::Alias").map(([, { Properties }]) =>
      String(Properties["AliasName"]).replace("alias/fleetkey/test/", ""),
    );

  it("are those that the stage names: one alias each, and none of a generation that it leaves out", () => {
    const named = aliases().filter((alias) => /-\d+$/.test(alias));
    expect(named.toSorted()).toEqual([...roots, ...others].toSorted());
    expect(aliases()).not.toContain("scales-issuing-1");
  });

  it("may be of another algorithm than the first", () => {
    const keys = { issuing: { to: 2, algorithms: { 2: "ML-DSA-65" } } };
    const { state } = synthesise({ fleets: { pumps: { keys } } });
    const specs = ofType(state, "AWS::KMS::Key")
      .filter(([id]) => id.includes("AuthoritiesIssuing"))
      .map(([, { Properties }]) => Properties["KeySpec"]);
    expect(specs).toEqual(["ECC_NIST_P256", "ML_DSA_65"]);
  });

  it("leave the keys before them as they are: same names, same properties", () => {
    const before = synthesise({ fleets: { pumps: {} } }).state;
    const after = synthesise({
      fleets: { pumps: { keys: { root: 2, issuing: 2, ocsp: 2, trust: 2 } } },
    }).state;
    for (const [id, resource] of Object.entries(before)) expect(after[id], id).toEqual(resource);
    expect(ofType(after, "AWS::KMS::Key").length - ofType(before, "AWS::KMS::Key").length).toBe(4);
  });

  it("are retained when they are left out: nobody's deployment destroys a key", () => {
    for (const [, { DeletionPolicy, UpdateReplacePolicy }] of ofType(stage.state, "AWS::KMS::Key"))
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["Retain", "Retain"]);
  });
});

describe("keys that encrypt", () => {
  it("are known to rollover by name, and are all that rotate", () => {
    const environments = ofType(stage.api, "AWS::Lambda::Function")
      .map(([, { Properties }]) => Properties["Environment"] as { Variables: Record<string, unknown> })
      .filter(({ Variables }) => Variables["FLEETKEY_DATA_KEYS"] !== undefined);
    expect(environments).toHaveLength(1);
    const text = environments[0]?.Variables["FLEETKEY_DATA_KEYS"];
    expect(Object.keys(JSON.parse(String(text)))).toEqual([
      ...["data", "operations", "pumps-protection", "scales-protection"],
    ]);
    const rotating = ofType(stage.state, "AWS::KMS::Key").filter(
      ([, { Properties }]) => Properties["EnableKeyRotation"] === true,
    );
    expect(rotating).toHaveLength(4);
    for (const [, { Properties }] of rotating) expect(Properties["RotationPeriodInDays"]).toBe(365);
  });
});

describe("certificates of servers", () => {
  it("are imported with the stage's tag, kept by it, and read back by nobody", () => {
    const own = statementsOfRole(stage.api, "-servers").filter(({ Action }) =>
      Action.some((action) => action.startsWith("acm:")),
    );
    expect(own.map(({ Action, Condition }) => ({ Action, Condition }))).toEqual([
      {
        Action: ["acm:AddTagsToCertificate", "acm:ImportCertificate"],
        Condition: { StringEquals: { "aws:RequestTag/fleetkey:stage": "test" } },
      },
      {
        Action: ["acm:DeleteCertificate", "acm:ImportCertificate"],
        Condition: { StringEquals: { "aws:ResourceTag/fleetkey:stage": "test" } },
      },
      // Of one that was deleted: no tag is left on which to let anybody see that.
      { Action: ["acm:DescribeCertificate"], Condition: undefined },
    ]);
  });
});
