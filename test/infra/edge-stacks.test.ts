import { readFileSync } from "node:fs";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { HttpApi, type IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { describe, expect, it } from "vitest";
import { addEdgeStacks } from "../../infra/edge-stacks.ts";
import { readStageConfiguration } from "../../infra/stage-configuration.ts";
import { StateStack } from "../../infra/state-stack.ts";
import { account, region } from "./observed-stack.ts";

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
