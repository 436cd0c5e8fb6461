/**
 * Room: scripts. List prices that the cost table multiplies. Prices are facts of others and change: these are for
 * us-east-1, on demand, without free tier, discount or tax. Other regions cost up to about a third more.
 */

export interface Price {
  readonly of: string;
  /** US dollars for `per` units. */
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
}

const price = (of: string, usd: number, per: number, unit: string): Price => ({ of, usd, per, unit });
const million = 1_000_000;

/** Month in which the list was last compared with the price pages. */
export const pricesOf = "2026-11";
export const priceRegion = "us-east-1";

export const prices = {
  kmsKey: price("KMS: key", 1, 1, "key and month"),
  kmsKeyMaterial: price("KMS: rotated material, the first two rotations", 1, 1, "key and month"),
  kmsSign: price("KMS: ECC Sign", 0.15, 10_000, "requests"),
  dynamoWrite: price("DynamoDB: write", 0.625, million, "request units"),
  dynamoRead: price("DynamoDB: read", 0.125, million, "request units"),
  dynamoStorage: price("DynamoDB: storage, indexes included", 0.25, 1, "GB and month"),
  dynamoRecovery: price("DynamoDB: point-in-time recovery, the table alone", 0.2, 1, "GB and month"),
  backup: price("AWS Backup: copy of a table", 0.1, 1, "GB and month"),
  lambdaRequest: price("Lambda: request", 0.2, million, "requests"),
  lambdaDuration: price("Lambda: arm64", 0.0000133334, 1, "GB and second"),
  httpApi: price("API Gateway: HTTP API", 1, million, "requests"),
  scheduler: price("EventBridge Scheduler", 1, million, "invocations"),
  logIngestion: price("CloudWatch Logs: ingestion", 0.5, 1, "GB"),
  logStorage: price("CloudWatch Logs: storage, compressed", 0.03, 1, "GB and month"),
  alarm: price("CloudWatch: alarm", 0.1, 1, "metric and month"),
  compositeAlarm: price("CloudWatch: composite alarm", 0.5, 1, "alarm and month"),
  metric: price("CloudWatch: metric of ours", 0.3, 1, "metric and month"),
  dashboard: price("CloudWatch: dashboard", 3, 1, "dashboard and month"),
  firewall: price("WAF: web ACL", 5, 1, "ACL and month"),
  firewallRule: price("WAF: rule or rule group", 1, 1, "rule and month"),
  firewallRequest: price("WAF: request", 0.6, million, "requests"),
  cloudFrontRequest: price("CloudFront: HTTPS request", 0.01, 10_000, "requests"),
  cloudFrontTransfer: price("CloudFront: transfer out", 0.085, 1, "GB"),
  transfer: price("transfer out of the region", 0.09, 1, "GB"),
} as const satisfies Readonly<Record<string, Price>>;

/** Of requests that only backends can count. */
export const kmsSymmetric = price("KMS: Decrypt, GenerateDataKey", 0.03, 10_000, "requests");

export type PriceId = keyof typeof prices;
