/** Room: infra. What is watched: the parts of one deployed service, and the figures that each of them gives. */
import { Duration } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Metric, type MetricOptions, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { FunctionId, TaskFunctionId } from "../../lambdas/routes.ts";
import type { Told } from "./alarm-actions.ts";

export interface ObservedFunction {
  readonly function: IFunction;
  readonly logGroup: ILogGroup;
}

export interface ObservedService extends Told {
  readonly stage: string;
  readonly functions: Readonly<Record<FunctionId | TaskFunctionId, ObservedFunction>>;
  readonly api: IHttpApi;
  readonly items: ITable;
  readonly subjectKeys: ITable;
  /** Encrypts what is stored. */
  readonly dataKeys: readonly IKey[];
  /** Sign certificates; by authority, such as `default-issuing-1`. */
  readonly issuingKeys: Readonly<Record<string, IKey>>;
  /** Sign authorities, at a fleet's bootstrap only; by authority, such as `default-root-1`. */
  readonly rootKeys: Readonly<Record<string, IKey>>;
  /** Sign answers about revocation, and trust manifests; by name, such as `default-ocsp-1`. */
  readonly serviceKeys: Readonly<Record<string, IKey>>;
  /** Where calls end up that failed for good; by what sends to it, such as `reconciliation`. */
  readonly deadLetters: Readonly<Record<string, IQueue>>;
  /** Group of the schedules of this service. */
  readonly scheduleGroupName: string;
}

const period = Duration.minutes(5);

/** Counts of the log lines of one stage, see `LogMetrics`. */
export const logNamespace = (stage: string): string => `Fleetkey/${stage}`;

/** What one metric of AWS counts, summed over the period of all figures here. */
export function sumOf(
  namespace: string,
  metricName: string,
  dimensionsMap: Record<string, string>,
  options: MetricOptions = {},
): Metric {
  return new Metric({ namespace, metricName, dimensionsMap, statistic: Stats.SUM, period, ...options });
}

/** HTTP APIs have one stage here, so the API alone names the figure. */
export function apiMetric({ api }: ObservedService, metricName: string, options: MetricOptions = {}): Metric {
  return sumOf("AWS/ApiGateway", metricName, { ApiId: api.apiId }, options);
}

export function tableMetric({ tableName: TableName }: ITable, metricName: string): Metric {
  return sumOf("AWS/DynamoDB", metricName, { TableName });
}

export function schedulerMetric({ scheduleGroupName }: ObservedService, metricName: string): Metric {
  return sumOf("AWS/Scheduler", metricName, { ScheduleGroup: scheduleGroupName });
}

/** Signatures of one key. KMS counts what succeeded; what failed is in the log. */
export function signatureMetric(label: string, key: IKey): Metric {
  const dimensions = { KeyArn: key.keyArn, Operation: "Sign" };
  return sumOf("AWS/KMS", "SuccessfulRequest", dimensions, { label });
}
