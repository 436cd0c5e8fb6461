/** Room: scripts/rehearsal. SDK clients of the emulator, as its root user or as a function's role. */
import { Agent } from "node:https";
import { ACMClient } from "@aws-sdk/client-acm";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { NodeHttpHandler } from "@smithy/node-http-handler";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Clients {
  readonly acm: ACMClient;
  readonly dynamodb: DynamoDBClient;
  readonly kms: KMSClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
  /** The same, as `role` of this account: its name, not its ARN. */
  as(role: string): Promise<Clients>;
  close(): void;
}

export interface ClientsOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
  /** PEM of the emulator's authority. */
  readonly ca: string;
  /** @default the root user's */
  readonly credentials?: Credentials;
}

export function createClients(options: ClientsOptions): Clients {
  const { endpoint, region, account, ca } = options;
  const { credentials = { accessKeyId: "test", secretAccessKey: "test" } } = options;
  const httpsAgent = new Agent({ ca, keepAlive: true, maxSockets: 32 });
  // One attempt: a refusal must be seen, not tried again.
  const requestHandler = new NodeHttpHandler({ httpsAgent, requestTimeout: 120_000 });
  const common = { endpoint, region, credentials, requestHandler, maxAttempts: 1 };
  const sts = new STSClient(common);
  return {
    acm: new ACMClient(common),
    dynamodb: new DynamoDBClient(common),
    kms: new KMSClient(common),
    lambda: new LambdaClient(common),
    s3: new S3Client({ ...common, forcePathStyle: true }),
    sns: new SNSClient(common),
    ssm: new SSMClient(common),
    sts,
    async as(role) {
      const RoleArn = `arn:aws:iam::${account}:role/${role}`;
      const assumed = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "rehearsal" }));
      const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = assumed.Credentials ?? {};
      return createClients({
        ...options,
        credentials: {
          accessKeyId: AccessKeyId,
          secretAccessKey: SecretAccessKey,
          sessionToken: SessionToken,
        },
      });
    },
    close: () => httpsAgent.destroy(),
  };
}
