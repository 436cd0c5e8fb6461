import { App, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { HttpApi, type IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, it } from "vitest";
import { readTrustStoreVersion } from "../../infra/constructs/client-domains.ts";
import { DomainsStack, type DomainsStackProps } from "../../infra/domains-stack.ts";
import { account, judgedApp, partOf, region } from "./observed-stack.ts";

const env = { account, region };
const version = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo";
const domain = (name: string) => ({ name, certificateArn: partOf("acm", `certificate/${name}`) });

function domains(app: App, differing: Partial<DomainsStackProps> = {}): DomainsStack {
  const api = new HttpApi(new Stack(app, "Api", { env }), "Api") as IHttpApi;
  return new DomainsStack(app, "Domains", {
    env,
    api,
    mutualTls: domain("devices.example.org"),
    public: domain("enrol.example.org"),
    trustStoresBucketName: "fleetkey-test-trust-stores",
    trustStoreVersion: version,
    ...differing,
  });
}

const template = (differing?: Partial<DomainsStackProps>) =>
  Template.fromStack(domains(new App(), differing));

describe("custom domains", () => {
  it("one asks for client certificates, by one version of the trust store; the other does not", () => {
    const resources = template();
    resources.resourceCountIs("AWS::ApiGatewayV2::DomainName", 2);
    resources.hasResourceProperties("AWS::ApiGatewayV2::DomainName", {
      DomainName: "devices.example.org",
      MutualTlsAuthentication: {
        TruststoreUri: "s3://fleetkey-test-trust-stores/mutual-tls/clients.pem",
        TruststoreVersion: version,
      },
    });
    resources.hasResourceProperties("AWS::ApiGatewayV2::DomainName", {
      DomainName: "enrol.example.org",
      MutualTlsAuthentication: Match.absent(),
    });
  });

  it("RFC 8996: both refuse TLS 1.0 and 1.1, with a certificate of the API's region", () => {
    for (const name of ["devices.example.org", "enrol.example.org"]) {
      template().hasResourceProperties("AWS::ApiGatewayV2::DomainName", {
        DomainName: name,
        DomainNameConfigurations: [
          {
            CertificateArn: partOf("acm", `certificate/${name}`),
            EndpointType: "REGIONAL",
            SecurityPolicy: "TLS_1_2",
          },
        ],
      });
    }
  });

  it("both lead to the same API", () => {
    const mappings = Object.values(template().findResources("AWS::ApiGatewayV2::ApiMapping"));
    const [first, second] = mappings.map((mapping) => mapping["Properties"]);
    expect(JSON.stringify(first?.["ApiId"])).toContain("Fn::ImportValue");
    expect(second?.["ApiId"]).toEqual(first?.["ApiId"]);
    expect([first?.["Stage"], second?.["Stage"]]).toEqual(["$default", "$default"]);
  });

  it("an imported certificate comes with a public one that proves the name", () => {
    const ownershipCertificateArn = partOf("acm", "certificate/ownership");
    template({
      mutualTls: { ...domain("devices.example.org"), ownershipCertificateArn },
    }).hasResourceProperties("AWS::ApiGatewayV2::DomainName", {
      DomainNameConfigurations: [
        Match.objectLike({ OwnershipVerificationCertificateArn: ownershipCertificateArn }),
      ],
    });
  });
});

describe("names", () => {
  it("without a hosted zone the outputs say what each name points to, and no record is written", () => {
    const resources = template();
    resources.resourceCountIs("AWS::Route53::RecordSet", 0);
    for (const output of ["MutualTlsTarget", "PublicTarget"])
      resources.hasOutput(output, { Value: { "Fn::GetAtt": [Match.anyValue(), "RegionalDomainName"] } });
    resources.hasOutput("MutualTlsUrl", { Value: "https://devices.example.org" });
  });

  it("with a hosted zone both names are aliases in it", () => {
    const resources = template({ hostedZone: { id: "Z1", name: "example.org" } });
    resources.resourceCountIs("AWS::Route53::RecordSet", 2);
    for (const name of ["devices.example.org.", "enrol.example.org."])
      resources.hasResourceProperties("AWS::Route53::RecordSet", {
        Name: name,
        Type: "A",
        HostedZoneId: "Z1",
      });
  });
});

describe("certificates of the domains", () => {
  it("an alarm 30 days before the end of each, and when ACM says nothing of it any more", () => {
    const app = new App();
    const stack = new Stack(app, "Topics", { env });
    const told = { topic: Topic.fromTopicArn(stack, "Topic", partOf("sns", "fleetkey-test")) };
    const resources = Template.fromStack(domains(app, { told }));
    resources.resourceCountIs("AWS::CloudWatch::Alarm", 2);
    for (const name of ["devices.example.org", "enrol.example.org"]) {
      resources.hasResourceProperties("AWS::CloudWatch::Alarm", {
        MetricName: "DaysToExpiry",
        Dimensions: [{ Name: "CertificateArn", Value: partOf("acm", `certificate/${name}`) }],
        ComparisonOperator: "LessThanThreshold",
        Threshold: 30,
        TreatMissingData: "breaching",
        AlarmActions: [partOf("sns", "fleetkey-test")],
      });
    }
  });
});

describe("what cannot be deployed fails at synthesis", () => {
  it.each([
    ["missing", undefined, /is missing; `npm run deploy -- --stage NAME`/],
    ["of a bucket without versions", "null", /"null" is no version .* `npm run deploy/],
    ["no text", 7, /7 is no version/],
    ["a path", "../clients.pem", /is no version/],
  ])("a trust store version that is %s", (_, value, message) => {
    expect(() => readTrustStoreVersion(value)).toThrow(message);
    if (value !== undefined) expect(() => domains(new App(), { trustStoreVersion: value })).toThrow(message);
  });

  it("a certificate of another region", () => {
    const certificateArn = `arn:aws:acm:us-east-1:${account}:certificate/1`;
    const elsewhere = { name: "devices.example.org", certificateArn };
    expect(() => domains(new App(), { mutualTls: elsewhere })).toThrow(
      /us-east-1.*devices\.example\.org is not the ARN of an ACM certificate in region eu-central-1/,
    );
  });
});

describe("HIPAA rule pack", () => {
  it("finds nothing in the domains stack, and nothing is acknowledged", () => {
    const { app, findings } = judgedApp();
    domains(app);
    // The API beside it is bare: what is found there is its own stack's matter.
    expect(findings().filter((finding) => finding.includes(" Domains/"))).toEqual([]);
  });
});
