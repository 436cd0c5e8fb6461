/** Room: infra. What is kept as objects: public artefacts, the trust store of the mutual-TLS name, lasting records. */
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Key } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import { S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY } from "aws-cdk-lib/cx-api";
import { Construct } from "constructs";
import { retention } from "../../core/standard/retention.ts";
import { acknowledge } from "../acknowledgements.ts";
import type { RecordRetention } from "../stage-configuration.ts";
import { distributionArns, objectKeys } from "./deployment-names.ts";

export interface StateBucketsProps {
  readonly stage: string;
  readonly dataKey: Key;
  readonly recordRetention: RecordRetention;
  /** Distributions of this account may read artefacts. */
  readonly distributed: boolean;
}

const everyBucket = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  versioned: true,
  removalPolicy: RemovalPolicy.RETAIN,
} as const satisfies BucketProps;

const oneRegion =
  "one deployment lives in one region: versions and retention guard against loss by people, and trust is published " +
  "again from the item table, which is backed up";

export class StateBuckets extends Construct {
  /** What anyone may read. */
  readonly artifacts: Bucket;
  /** What API Gateway checks client certificates against. */
  readonly trustStores: Bucket;
  /** What must last. */
  readonly records: Bucket;
  /** Who read or wrote an object of the others. */
  readonly accessLogs: Bucket;

  constructor(scope: Construct, id: string, props: StateBucketsProps) {
    super(scope, id);
    // In whosever app: without this flag CDK would let S3 write its logs by access lists, which the owner does not allow.
    this.node.setContext(S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    this.accessLogs = this.createAccessLogs();
    const encrypted = {
      encryption: BucketEncryption.KMS,
      encryptionKey: props.dataKey,
      bucketKeyEnabled: true,
    } as const;
    const { account, region } = Stack.of(this);
    this.artifacts = this.bucket("Artifacts", {
      ...encrypted,
      // CloudFront's stack stands in another region, which a reference does not reach: a name does. It is there from the
      // beginning, for a bucket that is given another name is another bucket. At most 57 characters of S3's 63.
      bucketName: `fleetkey-${props.stage}-${account}-${region}`,
      // With a name of its own it would stand in the way of a second attempt after a first deployment that failed.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    if (props.distributed) this.admitDistributions();
    this.trustStores = this.bucket("TrustStores", { encryption: BucketEncryption.S3_MANAGED });
    acknowledge(
      this.trustStores,
      "S3DefaultEncryptionKMS",
      "holds public root certificates only, which API Gateway reads with no key of ours; encrypted by S3 itself",
    );
    const { mode, days } = props.recordRetention;
    const period = Duration.days(days);
    this.records = this.bucket("Records", {
      ...encrypted,
      objectLockEnabled: true,
      objectLockDefaultRetention:
        mode === "COMPLIANCE"
          ? ObjectLockRetention.compliance(period)
          : ObjectLockRetention.governance(period),
    });
  }

  private bucket(id: string, props: BucketProps): Bucket {
    const bucket = new Bucket(this, id, {
      ...everyBucket,
      // Bucket implements IBucket; the two disagree on what an absent optional member is.
      serverAccessLogsBucket: this.accessLogs as IBucket,
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      ...props,
    });
    // A bucket that outlives its stack goes on refusing what is not TLS.
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledge(bucket, "S3BucketReplicationEnabled", oneRegion);
    return bucket;
  }

  private createAccessLogs(): Bucket {
    const bucket = new Bucket(this, "AccessLogs", {
      ...everyBucket,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          expiration: Duration.days(retention.activityLogs.days),
          noncurrentVersionExpiration: Duration.days(1),
        },
      ],
    });
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledge(bucket, "S3BucketReplicationEnabled", oneRegion);
    acknowledge(
      bucket,
      "S3DefaultEncryptionKMS",
      "S3 delivers server access logs to buckets that it encrypts itself, and to no others",
    );
    return bucket;
  }

  private admitDistributions(): void {
    this.artifacts.addToResourcePolicy(
      new PolicyStatement({
        sid: "Distributions",
        principals: [new ServicePrincipal("cloudfront.amazonaws.com")],
        actions: ["s3:GetObject"],
        resources: [this.artifacts.arnForObjects(`${objectKeys.published}*`)],
        // The ARN names the account.
        conditions: { ArnLike: { "aws:SourceArn": distributionArns(this) } },
      }),
    );
  }
}
