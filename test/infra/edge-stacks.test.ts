import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { HttpApi, type IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { describe, expect, it } from "vitest";
import { createApp } from "../../infra/app.ts";
import { Observability } from "../../infra/constructs/observability.ts";
import { addEdgeStacks } from "../../infra/edge-stacks.ts";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { StateStack } from "../../infra/state-stack.ts";
import { deployed } from "../../scripts/costs/usage.ts";
import { account, judgedApp, observedService, observedStack, region } from "./observed-stack.ts";

const cdk = JSON.parse(readFileSync("cdk.json", "utf8")) as { readonly context: Record<string, unknown> };
const certificate = (of: string) =>
  `arn:aws:acm:${of}:${account}:certificate/01234567-89ab-cdef-0123-456789abcdef`;
const named = {
  account,
  region,
  domains: {
    mutualTls: { name: "devices.example.org", certificateArn: certificate(region) },
    public: { name: "enrol.example.org", certificateArn: certificate(region) },
  },
  artifacts: { domainName: "trust.example.org", certificateArn: certificate("us-east-1") },
};

function stacks(members: object, trustStoreVersion?: string): Map<string, Stack> {
  // The feature flags that the app is built with.
  const app = new App({ context: cdk.context });
  const configuration = readStageConfiguration("test", { test: members });
  const env = { account, region };
  const { state } = new StateStack(app, "Fleetkey-test-State", { configuration, env });
  // HttpApi implements IHttpApi; the two disagree on what an absent optional member is.
  const api = new HttpApi(new Stack(app, "Fleetkey-test-Api", { env }), "Api") as IHttpApi;
  addEdgeStacks(app, { configuration, api, state, trustStoreVersion });
  const all = app.node.children.filter((child) => child instanceof Stack);
  return new Map(all.map((stack) => [stack.stackName, stack]));
}

function templateOf(all: Map<string, Stack>, name: string): unknown {
  const stack = all.get(name);
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  return Template.fromStack(stack).toJSON();
}

describe("stacks around the API", () => {
  it("none for a stage without names", () => {
    expect([...stacks({}, "1").keys()]).toEqual(["Fleetkey-test-State", "Fleetkey-test-Api"]);
  });

  it("domains and artefacts for a stage that names them", () => {
    expect([...stacks(named, "1").keys()].slice(2)).toEqual([
      "Fleetkey-test-Domains",
      "Fleetkey-test-Artifacts",
    ]);
  });

  it("what the domains read of other stacks is among their outputs before there is a trust store", () => {
    for (const name of ["Fleetkey-test-State", "Fleetkey-test-Api"]) {
      const [withVersion, without] = [stacks(named, "1"), stacks(named)].map((all) => templateOf(all, name));
      expect(without).toEqual(withVersion);
      expect(JSON.stringify(without)).toContain("OutputRef");
    }
  });

  it("domains without a trust store ask for its version, and say who gives it", () => {
    const template = JSON.stringify(templateOf(stacks(named), "Fleetkey-test-Domains"));
    expect(template).toContain('"TruststoreVersion":{"Ref":"TrustStoreVersion"}');
    expect(template).toMatch(
      /"TrustStoreVersion":\{"Type":"String","Description":"npm run deploy [^}]*"MinLength":1\}/,
    );
    expect(JSON.stringify(templateOf(stacks(named, "v1"), "Fleetkey-test-Domains"))).toContain(
      '"TruststoreVersion":"v1"',
    );
  });

  it.each(["Ed25519", "ML-DSA-65"])(
    "no domains for an authority with %s, which API Gateway cannot verify",
    (algorithm) => {
      const fleets = { pumps: { issuingAlgorithm: algorithm } };
      expect(() => stacks({ ...named, fleets })).toThrow(
        new RegExp(`fleet pumps \\(${algorithm}\\): give them other`),
      );
      const { domains: _, ...unnamed } = named;
      expect(() => stacks({ ...unnamed, fleets })).not.toThrow();
    },
  );

  it("CloudFront in us-east-1 reads the bucket by the name that the state stack gave it", () => {
    const all = stacks(named, "1");
    const artifacts = all.get("Fleetkey-test-Artifacts");
    expect(artifacts?.region).toBe("us-east-1");
    const [distribution] = Object.values(
      Template.fromStack(artifacts ?? new Stack()).findResources("AWS::CloudFront::Distribution"),
    );
    const [origin] = distribution?.["Properties"]["DistributionConfig"]["Origins"] ?? [];
    const [bucketName, service, at] = String(origin.DomainName).split(".");
    expect([service, at]).toEqual(["s3", region]);
    const buckets = Template.fromStack(all.get("Fleetkey-test-State") ?? new Stack()).findResources(
      "AWS::S3::Bucket",
    );
    expect(Object.values(buckets).map((bucket) => bucket["Properties"]["BucketName"])).toContain(bucketName);
  });
});

describe("a stage with every name, whole", () => {
  it("is synthesised without a finding, a warning of its own, or the API's second name", {
    timeout: 120_000,
  }, () => {
    const outdir = mkdtempSync(join(tmpdir(), "fleetkey-named-"));
    const stagesTable = { test: { ...named, account: "123456789012", fleets: { pumps: {}, monitors: {} } } };
    const flags = { stage: "test", "fleetkey:stages": stagesTable, "fleetkey:trustStoreVersion": "1" };
    const app = createApp({ outdir, context: { ...cdk.context, ...flags } });
    const assembly = app.synth();
    expect(assembly.stacks.map((stack) => stack.stackName).sort()).toEqual([
      "Fleetkey-test-Api",
      "Fleetkey-test-Artifacts",
      "Fleetkey-test-Domains",
      "Fleetkey-test-State",
    ]);
    for (const stack of assembly.stacks) {
      expect(
        stack.messages.map((message) => `${message.id} ${JSON.stringify(message.entry.data)}`),
        stack.stackName,
      ).toEqual([]);
    }
    const api = assembly.getStackByName("Fleetkey-test-Api").template;
    expect(api.Outputs.ApiUrl.Value).toBe("https://enrol.example.org");
    expect(JSON.stringify(api.Resources)).toContain('"DisableExecuteApiEndpoint":true');
    rmSync(outdir, { recursive: true, force: true });
  });
});

describe("the cost table counts what is deployed", () => {
  const all = stacks(named, "1");
  const of = (name: string) => Template.fromStack(all.get(`Fleetkey-test-${name}`) ?? new Stack());
  const properties = (template: Template, type: string): Record<string, unknown>[] =>
    Object.values(template.findResources(type)).map((resource) => resource["Properties"]);

  it("keys of one fleet, keys beside them, and which of them rotate", () => {
    const keys = ["State", "Artifacts"].flatMap((name) => properties(of(name), "AWS::KMS::Key"));
    const { signingKeysOfFleet, encryptingKeysOfFleet, sharedKeys } = deployed;
    expect(keys).toHaveLength(signingKeysOfFleet + encryptingKeysOfFleet + sharedKeys);
    const rotating = keys.filter((key) => key["EnableKeyRotation"] === true);
    expect(rotating).toHaveLength(encryptingKeysOfFleet + sharedKeys);
  });

  it("metrics that alarms look at, metrics of ours, rules of the firewall", () => {
    const { app } = judgedApp();
    const stack = observedStack(app);
    new Observability(stack, "Observability", observedService(stack));
    const observed = Template.fromStack(stack);
    const alarms = [observed, of("Domains")].flatMap((template) =>
      properties(template, "AWS::CloudWatch::Alarm"),
    );
    const metricsOf = (alarm: Record<string, unknown>): number =>
      JSON.stringify(alarm).match(/"MetricName"/g)?.length ?? 0;
    expect(alarms.reduce((sum, alarm) => sum + metricsOf(alarm), 0)).toBe(deployed.alarms);
    observed.resourceCountIs("AWS::CloudWatch::CompositeAlarm", deployed.compositeAlarms);
    observed.resourceCountIs("AWS::CloudWatch::Dashboard", deployed.dashboards);
    const filters = JSON.stringify(properties(observed, "AWS::Logs::MetricFilter"));
    expect(new Set(filters.match(/"MetricName":"\w+"/g)).size).toBe(deployed.metrics);
    const [acl] = properties(of("Artifacts"), "AWS::WAFv2::WebACL");
    expect(acl?.["Rules"]).toHaveLength(deployed.firewallRules);
  });
});
