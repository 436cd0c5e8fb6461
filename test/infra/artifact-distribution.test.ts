import { App } from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { retention } from "../../core/standard/retention.ts";
import { ArtifactsStack } from "../../infra/artifacts-stack.ts";
import { account, judgedApp } from "./observed-stack.ts";

function artifacts(app: App, region = "us-east-1"): ArtifactsStack {
  return new ArtifactsStack(app, "Artifacts", {
    env: { account, region },
    artifacts: {
      stage: "test",
      bucketName: "fleetkey-test-artifacts",
      bucketRegion: "eu-central-1",
      domainName: "trust.example.org",
      certificateArn: `arn:aws:acm:us-east-1:${account}:certificate/1`,
    },
  });
}

const template = Template.fromStack(artifacts(new App()));
const distribution = (config: Record<string, unknown>): void =>
  template.hasResourceProperties("AWS::CloudFront::Distribution", {
    DistributionConfig: Match.objectLike(config),
  });

describe("distribution", () => {
  it("speaks HTTPS only, TLS 1.2 with forward secrecy at least, under a name of ours", () => {
    distribution({
      Aliases: ["trust.example.org"],
      ViewerCertificate: {
        AcmCertificateArn: `arn:aws:acm:us-east-1:${account}:certificate/1`,
        MinimumProtocolVersion: "TLSv1.2_2021",
        SslSupportMethod: "sni-only",
      },
      DefaultCacheBehavior: Match.objectLike({ ViewerProtocolPolicy: "https-only" }),
    });
  });

  it("takes GET and HEAD, and passes on neither cookie nor query", () => {
    distribution({
      DefaultCacheBehavior: Match.objectLike({
        AllowedMethods: ["GET", "HEAD"],
        OriginRequestPolicyId: Match.absent(),
      }),
      CacheBehaviors: Match.absent(),
    });
    template.hasResourceProperties("AWS::CloudFront::CachePolicy", {
      CachePolicyConfig: Match.objectLike({
        ParametersInCacheKeyAndForwardedToOrigin: Match.objectLike({
          CookiesConfig: { CookieBehavior: "none" },
          HeadersConfig: { HeaderBehavior: "none" },
          QueryStringsConfig: { QueryStringBehavior: "none" },
        }),
      }),
    });
  });

  it("RFC 9111 §5.2: keeps an object as long as its Cache-Control says, from 0 s to a year", () => {
    template.hasResourceProperties("AWS::CloudFront::CachePolicy", {
      CachePolicyConfig: Match.objectLike({ MinTTL: 0, DefaultTTL: 300, MaxTTL: 31_536_000 }),
    });
  });

  it("reads the private bucket in its own region as itself, every request signed", () => {
    distribution({
      Origins: [
        Match.objectLike({
          DomainName: "fleetkey-test-artifacts.s3.eu-central-1.amazonaws.com",
          OriginAccessControlId: Match.anyValue(),
          S3OriginConfig: { OriginAccessIdentity: "" },
        }),
      ],
    });
    template.hasResourceProperties("AWS::CloudFront::OriginAccessControl", {
      OriginAccessControlConfig: Match.objectLike({
        OriginAccessControlOriginType: "s3",
        SigningBehavior: "always",
        SigningProtocol: "sigv4",
      }),
    });
  });

  it("45 CFR 164.514(b)(2)(i)(O): keeps no log of its readers' addresses", () => {
    distribution({ Logging: Match.absent() });
  });

  it("sends security headers, and nothing of the key that encrypts the bucket", () => {
    template.hasResourceProperties("AWS::CloudFront::ResponseHeadersPolicy", {
      ResponseHeadersPolicyConfig: Match.objectLike({
        SecurityHeadersConfig: {
          StrictTransportSecurity: {
            AccessControlMaxAgeSec: 63_072_000,
            IncludeSubdomains: true,
            Override: true,
          },
          ContentTypeOptions: { Override: true },
          ContentSecurityPolicy: {
            ContentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
            Override: true,
          },
          FrameOptions: { FrameOption: "DENY", Override: true },
          ReferrerPolicy: { ReferrerPolicy: "no-referrer", Override: true },
        },
        RemoveHeadersConfig: {
          Items: Match.arrayWith([{ Header: "x-amz-server-side-encryption-aws-kms-key-id" }]),
        },
      }),
    });
  });
});

describe("firewall", () => {
  const [acl] = Object.values(template.findResources("AWS::WAFv2::WebACL"));
  const rules: { Name: string; Action?: unknown; Statement: Record<string, unknown> }[] =
    acl?.["Properties"]["Rules"];

  it("stands before the distribution", () => {
    const [id] = Object.keys(template.findResources("AWS::WAFv2::WebACL"));
    distribution({ WebACLId: { "Fn::GetAtt": [id, "Arn"] } });
    expect(acl?.["Properties"]).toMatchObject({ Scope: "CLOUDFRONT", DefaultAction: { Allow: {} } });
  });

  it("has the managed rules on reputation, common attacks and known bad inputs, and a rate limit", () => {
    expect(rules.map((rule) => rule.Name)).toEqual([
      "AWSManagedRulesAmazonIpReputationList",
      "AWSManagedRulesCommonRuleSet",
      "AWSManagedRulesKnownBadInputsRuleSet",
      "RequestsPerAddress",
    ]);
    expect(rules.at(-1)).toMatchObject({
      Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
      Statement: { RateBasedStatement: { Limit: 2_000, EvaluationWindowSec: 300, AggregateKeyType: "IP" } },
    });
  });

  it("lets a device through that sends no User-Agent", () => {
    expect(rules[1]?.Statement).toMatchObject({
      ManagedRuleGroupStatement: {
        RuleActionOverrides: [{ Name: "NoUserAgent_HEADER", ActionToUse: { Count: {} } }],
      },
    });
  });

  it("logs what it refused and nothing else, without credentials and query, and samples nobody", () => {
    template.hasResourceProperties("AWS::WAFv2::LoggingConfiguration", {
      LoggingFilter: {
        DefaultBehavior: "DROP",
        Filters: [
          {
            Behavior: "KEEP",
            Requirement: "MEETS_ANY",
            Conditions: [{ ActionCondition: { Action: "BLOCK" } }],
          },
        ],
      },
      RedactedFields: [
        { SingleHeader: { Name: "authorization" } },
        { SingleHeader: { Name: "cookie" } },
        { SingleHeader: { Name: "x-forwarded-for" } },
        { QueryString: {} },
      ],
    });
    expect(JSON.stringify(acl)).not.toContain('"SampledRequestsEnabled":true');
  });

  it("encrypts the log and keeps it as long as the standard says, under a name that WAF writes to", () => {
    template.hasResourceProperties("AWS::Logs::LogGroup", {
      LogGroupName: "aws-waf-logs-fleetkey-test",
      RetentionInDays: retention.refusedRequests.days,
      KmsKeyId: Match.anyValue(),
    });
    template.hasResourceProperties("AWS::KMS::Key", { EnableKeyRotation: true });
  });

  it("the key of the log is used by the log alone, and nobody may do everything with it", () => {
    const [key] = Object.values(template.findResources("AWS::KMS::Key"));
    const policy = JSON.stringify(key?.["Properties"]["KeyPolicy"]);
    expect(policy).toContain("log-group:aws-waf-logs-fleetkey-test");
    expect(policy).not.toContain("kms:*");
  });

  it("has no list and no name that WAF refuses", () => {
    const text = JSON.stringify(acl);
    expect(text).not.toContain('"RuleActionOverrides":[]');
    expect(text).not.toMatch(/"MetricName":"(all|default_action)"/i);
  });

  it("a log group takes lines of this account's firewall alone", () => {
    const [policy] = Object.values(template.findResources("AWS::Logs::ResourcePolicy"));
    const document = JSON.stringify(policy?.["Properties"]["PolicyDocument"]);
    expect(document).toContain("delivery.logs.amazonaws.com");
    expect(document).toContain("aws:SourceAccount");
    expect(document).not.toMatch(/Resource\\?":\s*\\?"\*/);
  });
});

describe("the whole", () => {
  it("is for us-east-1 alone", () => {
    expect(() => artifacts(new App(), "eu-central-1")).toThrow(/for eu-central-1; .* us-east-1/);
  });

  it("leaves no warning and no finding of the HIPAA pack, and acknowledges none of its rules", () => {
    const { app, findings } = judgedApp();
    const stack = artifacts(app);
    expect(findings()).toEqual([]);
    Annotations.fromStack(stack).hasNoWarning("*", Match.anyValue());
  });
});
