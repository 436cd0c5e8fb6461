/**
 * Room: infra. Public artefacts (trust bundles, later CRLs and key sets) for every reader in the world: CloudFront
 * over a private bucket. Nobody's address is kept unless a rule refused it: at home a device's address is its patient's.
 */
import { Annotations, CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CachedMethods,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  SSLMethod,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { ArtifactFirewall } from "./artifact-firewall.ts";

export interface ArtifactDistributionProps {
  readonly stage: string;
  /** Name of the private bucket; its policy and its key's admit CloudFront, see `FleetKeyState`. */
  readonly bucketName: string;
  /** Region of the bucket. */
  readonly bucketRegion: string;
  /** CloudFront's own name speaks TLS 1.0 to whoever asks for it, so artefacts have one of ours. */
  readonly domainName: string;
  /** Of an ACM certificate for that name, in us-east-1. */
  readonly certificateArn: string;
  /** Requests that one address may make in five minutes: 100 to 2,000,000. @default 2000 */
  readonly requestsPerAddress?: number;
}

/** What S3 adds to an answer and nobody outside needs to know. */
const internalHeaders = [
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-bucket-key-enabled",
  "x-amz-version-id",
];

/** A distribution of its own in us-east-1: where CloudFront's certificates and firewalls live. */
export class ArtifactDistribution extends Construct {
  readonly distribution: Distribution;
  readonly firewall: ArtifactFirewall;

  constructor(scope: Construct, id: string, props: ArtifactDistributionProps) {
    super(scope, id);
    const { stage, domainName, requestsPerAddress = 2_000 } = props;
    this.firewall = new ArtifactFirewall(this, "Firewall", { stage, requestsPerAddress });
    this.distribution = new Distribution(this, "Distribution", {
      comment: `Public artefacts of Fleetkey stage ${stage}`,
      domainNames: [domainName],
      certificate: Certificate.fromCertificateArn(this, "Certificate", props.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      sslSupportMethod: SSLMethod.SNI,
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultBehavior: this.behaviour(props),
      // S3 says 403 of what is not there yet; the next reader asks again soon after it was published.
      errorResponses: [403, 404].map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(10) })),
      // Access logs would keep every reader's address (45 CFR 164.514(b)(2)(i)(O)).
      enableLogging: false,
      webAclId: this.firewall.acl.attrArn,
    });
    const output = { value: this.distribution.distributionDomainName };
    new CfnOutput(Stack.of(this), "ArtifactsTarget", {
      ...output,
      description: `What the CNAME record of ${domainName} points to`,
    });
    new CfnOutput(Stack.of(this), "ArtifactsUrl", { value: `https://${domainName}` });
  }

  private behaviour(props: ArtifactDistributionProps): BehaviorOptions {
    const { bucketName, bucketRegion } = props;
    const bucket = Bucket.fromBucketAttributes(this, "Bucket", { bucketName, region: bucketRegion });
    // The state stack, which owns the bucket, writes that policy itself.
    Annotations.of(this).acknowledgeWarning("@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac");
    return {
      origin: S3BucketOrigin.withOriginAccessControl(bucket),
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      cachedMethods: CachedMethods.CACHE_GET_HEAD,
      compress: true,
      cachePolicy: this.cachePolicy(props.stage),
      responseHeadersPolicy: this.responseHeaders(props.stage),
    };
  }

  /** The object's own Cache-Control decides; five minutes for one without. */
  private cachePolicy(stage: string): CachePolicy {
    return new CachePolicy(this, "CachePolicy", {
      cachePolicyName: `fleetkey-${stage}-artifacts`,
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.minutes(5),
      maxTtl: Duration.days(365),
      cookieBehavior: CacheCookieBehavior.none(),
      headerBehavior: CacheHeaderBehavior.none(),
      queryStringBehavior: CacheQueryStringBehavior.none(),
      enableAcceptEncodingBrotli: true,
      enableAcceptEncodingGzip: true,
    });
  }

  private responseHeaders(stage: string): ResponseHeadersPolicy {
    const override = true;
    return new ResponseHeadersPolicy(this, "ResponseHeaders", {
      responseHeadersPolicyName: `fleetkey-${stage}-artifacts`,
      securityHeadersBehavior: {
        // RFC 6797; two years.
        strictTransportSecurity: {
          accessControlMaxAge: Duration.days(730),
          includeSubdomains: true,
          override,
        },
        contentTypeOptions: { override },
        contentSecurityPolicy: {
          contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
          override,
        },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override },
      },
      removeHeaders: internalHeaders,
    });
  }
}
