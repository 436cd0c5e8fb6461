/**
 * Room: infra. The two names of the API: one where API Gateway asks every client for its certificate, one for those
 * who have none yet. API Gateway never looks at revocation; the functions do, with every request.
 */
import { CfnOutput, Duration, Stack, Token } from "aws-cdk-lib";
import {
  CfnApiMapping,
  DomainName,
  type IHttpApi,
  type MTLSConfig,
  SecurityPolicy,
} from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { ARecord, HostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { ApiGatewayv2DomainProperties } from "aws-cdk-lib/aws-route53-targets";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { type Told, tellAlarm } from "./alarm-actions.ts";
import { objectKeys } from "./deployment-names.ts";
import { alarmDescription } from "./runbooks.ts";

export interface ClientDomain {
  /** Such as `devices.example.org`. */
  readonly name: string;
  /** Of an ACM certificate for that name, in the region of the API. */
  readonly certificateArn: string;
  /**
   * Of a public ACM certificate for that name: API Gateway asks for it where mutual TLS meets a certificate that was
   * imported, or issued by a private authority.
   * @default - none: ACM issued the certificate itself
   */
  readonly ownershipCertificateArn?: string;
}

export interface ClientDomainsProps {
  readonly api: IHttpApi;
  /** Clients show a certificate here: devices that renew, operators. */
  readonly mutualTls: ClientDomain;
  /** Nobody shows a certificate here: enrolment by token, trust bundles, health. */
  readonly public: ClientDomain;
  readonly trustStore: {
    readonly bucket: IBucket;
    /** Context flag `fleetkey:trustStoreVersion`, as it was read. */
    readonly version: unknown;
  };
  /** @default - no records: the outputs say what each name must point to */
  readonly hostedZone?: { readonly id: string; readonly name: string };
  /** Who is told when a certificate of a domain comes near its end. @default - nobody */
  readonly told?: Told;
}

/** Object of the trust store bucket: the authorities of all fleets of the deployment, PEM. */
export const trustStoreKey = objectKeys.clientTrust;

/**
 * API Gateway reads a trust store once for each version it is told of, so a domain without one would keep trusting
 * what it was first given.
 * @throws Error when there is no version, or none that S3 could have given. A token is taken as it is.
 */
export function readTrustStoreVersion(value: unknown): string {
  if (typeof value === "string" && Token.isUnresolved(value)) return value;
  if (typeof value === "string" && /^[A-Za-z0-9._-]{1,1024}$/.test(value) && value !== "null") return value;
  const shown = value === undefined ? "is missing" : `${JSON.stringify(value)} is no version of an S3 object`;
  throw new Error(
    `context "fleetkey:trustStoreVersion" ${shown}; \`npm run deploy -- --stage NAME\` publishes the trust store and ` +
      `sets it, by hand it is the VersionId of ${trustStoreKey} in the trust store bucket, given with ` +
      "`-c fleetkey:trustStoreVersion=VERSION`",
  );
}

/** The mutual-TLS and the public custom domain of one HTTP API, TLS 1.2 and 1.3 only. */
export class ClientDomains extends Construct {
  readonly mutualTls: DomainName;
  readonly public: DomainName;

  constructor(scope: Construct, id: string, props: ClientDomainsProps) {
    super(scope, id);
    const { bucket, version } = props.trustStore;
    const mtls = { bucket, key: trustStoreKey, version: readTrustStoreVersion(version) };
    this.mutualTls = this.domain("MutualTls", props.api, props.mutualTls, mtls);
    this.public = this.domain("Public", props.api, props.public);
    if (props.hostedZone !== undefined) this.records(props, props.hostedZone);
    if (props.told !== undefined) this.watchCertificates(props, props.told);
  }

  private domain(id: string, api: IHttpApi, domain: ClientDomain, mtls?: MTLSConfig): DomainName {
    const { ownershipCertificateArn: ownership } = domain;
    const domainName = new DomainName(this, id, {
      domainName: domain.name,
      certificate: Certificate.fromCertificateArn(this, `${id}Certificate`, this.local(domain)),
      // The strictest that API Gateway has for an HTTP API and for mutual TLS: TLS 1.2 and 1.3, no 1.0 or 1.1. Its
      // TLS 1.2 suites include CBC ones, which our own listener refuses: see docs/divergences.md.
      securityPolicy: SecurityPolicy.TLS_1_2,
      ...(mtls && { mtls }),
      ...(ownership && {
        ownershipCertificate: Certificate.fromCertificateArn(this, `${id}Ownership`, ownership),
      }),
    });
    // The API may be one of another stack, of which only its id is known: an HTTP API's stage is `$default`.
    new CfnApiMapping(this, `${id}Mapping`, {
      apiId: api.apiId,
      domainName: domainName.name,
      stage: "$default",
    });
    this.outputs(id, domain.name, domainName);
    return domainName;
  }

  /** @throws Error when the certificate is of another region: API Gateway would say so half an hour into a deployment. */
  private local({ name, certificateArn }: ClientDomain): string {
    const { region } = Stack.of(this);
    const own = /^arn:[a-z-]+:acm:([a-z0-9-]+):[0-9]{12}:certificate\//.exec(certificateArn)?.[1];
    if (own !== undefined && (Token.isUnresolved(region) || own === region)) return certificateArn;
    throw new Error(
      `certificate ${JSON.stringify(certificateArn)} of ${name} is not the ARN of an ACM certificate in region ` +
        `${region}; request one there for ${name}`,
    );
  }

  private records(
    props: ClientDomainsProps,
    { id, name }: { readonly id: string; readonly name: string },
  ): void {
    const zone = HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId: id, zoneName: name });
    const record = (recordId: string, { name: domain }: ClientDomain, of: DomainName): void => {
      const alias = new ApiGatewayv2DomainProperties(of.regionalDomainName, of.regionalHostedZoneId);
      // A name that ends in a dot is taken as it is; without one the zone's name would be added.
      const recordName = `${domain}.`;
      new ARecord(this, recordId, { zone, recordName, target: RecordTarget.fromAlias(alias) });
    };
    record("MutualTlsRecord", props.mutualTls, this.mutualTls);
    record("PublicRecord", props.public, this.public);
  }

  /** ACM renews what it issued sixty days before its end: half of that is late. It writes twice a day, until the end. */
  private watchCertificates({ mutualTls, public: open }: ClientDomainsProps, told: Told): void {
    for (const [id, { certificateArn }] of Object.entries({ MutualTls: mutualTls, Public: open })) {
      const metric = new Metric({
        namespace: "AWS/CertificateManager",
        metricName: "DaysToExpiry",
        dimensionsMap: { CertificateArn: certificateArn },
        statistic: "Minimum",
        period: Duration.days(1),
      });
      const alarm = new Alarm(this, `${id}CertificateExpiry`, {
        alarmDescription: alarmDescription("domain-certificate"),
        metric,
        threshold: 30,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: 2,
        treatMissingData: TreatMissingData.BREACHING,
      });
      tellAlarm(alarm, told);
    }
  }

  private outputs(id: string, name: string, domain: DomainName): void {
    const stack = Stack.of(this);
    new CfnOutput(stack, `${id}Url`, { value: `https://${name}` });
    new CfnOutput(stack, `${id}Target`, {
      value: domain.regionalDomainName,
      description: `What the CNAME record of ${name} points to`,
    });
  }
}
