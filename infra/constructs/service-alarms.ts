/**
 * Room: infra. When people are woken. Each alarm says what to do first, and what a time without data means: for most
 * figures that nothing happened, for the reconciler that it stands still. docs/deploy.md has a runbook for each.
 */
import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  AlarmRule,
  AlarmState,
  ComparisonOperator,
  CompositeAlarm,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Construct } from "constructs";
import type { LogMetrics } from "./log-metrics.ts";
import { apiMetric, type ObservedService, schedulerMetric, tableMetric } from "./observed-service.ts";

/** A runbook: its heading in docs/deploy.md, and the first thing to do. */
export const runbooks = {
  "function-errors": "Open the function's log group and look for level error since the alarm's time.",
  "function-throttles":
    "Compare ConcurrentExecutions with the function's reserved concurrency and the account's.",
  "api-server-errors":
    "Count the codes of the request lines with status 500 and above in the functions' logs.",
  "signing-failures":
    "Read `code` of the error lines; for key_service_unavailable look at KMS throttling and health.",
  "unfinished-intents":
    "Read the reconciler's intent_not_finished lines: their code says why it cannot finish.",
  "reconciliation-missing":
    "Look for errors of the reconciliation function, then whether its schedule is enabled.",
  "dead-letters":
    "Read the message without deleting it, remove its cause, then start the function once more.",
  "schedule-failures": "Check that the scheduler's role may still invoke the reconciliation function.",
  "table-throttles": "Compare the table's consumed capacity with its account limits; look for one hot key.",
  "issuance-failing": "Devices get no certificates: start with the alarms that this one is made of.",
} as const;

export type RunbookId = keyof typeof runbooks;

interface Watch {
  readonly runbook: RunbookId;
  /** Alarm when the figure is at least this. @default 1 */
  readonly atLeast?: number;
  /** Alarm when the figure is below this. */
  readonly below?: number;
  readonly evaluationPeriods?: number;
  readonly datapointsToAlarm?: number;
  /** @default NOT_BREACHING: no data means that nothing happened */
  readonly missing?: TreatMissingData;
}

export class ServiceAlarms extends Construct {
  readonly #service: ObservedService;

  constructor(scope: Construct, id: string, service: ObservedService, logs: LogMetrics, emulator: boolean) {
    super(scope, id);
    this.#service = service;
    const enrollmentErrors = this.functions();
    const signing = this.alarm("signing-failures", logs.signingFailures, { runbook: "signing-failures" });
    this.reconciliation(logs);
    this.queuesAndSchedules();
    this.table();
    // The emulator has neither metric math nor composite alarms.
    if (emulator) return;
    const server = this.serverErrors();
    const composite = new CompositeAlarm(this, "issuance-failing", {
      compositeAlarmName: this.name("issuance-failing"),
      alarmDescription: this.description("issuance-failing"),
      alarmRule: AlarmRule.anyOf(
        ...[enrollmentErrors, signing, server].map((alarm) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
    composite.addAlarmAction(new SnsAction(service.topic));
    composite.addOkAction(new SnsAction(service.topic));
  }

  private name(id: string): string {
    return `fleetkey-${this.#service.stage}-${id}`;
  }

  private description(runbook: RunbookId): string {
    return `${runbooks[runbook]} Runbook: docs/deploy.md, "${runbook}".`;
  }

  private alarm(id: string, metric: IMetric, watch: Watch): Alarm {
    const { runbook, atLeast = 1, below, evaluationPeriods = 1, datapointsToAlarm = 1, missing } = watch;
    const alarm = new Alarm(this, id, {
      alarmName: this.name(id),
      alarmDescription: this.description(runbook),
      metric,
      threshold: below ?? atLeast,
      comparisonOperator:
        below === undefined
          ? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods,
      datapointsToAlarm,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#service.topic));
    alarm.addOkAction(new SnsAction(this.#service.topic));
    return alarm;
  }

  /** Errors and throttles of each function; gives the alarm on the enrolment function's errors. */
  private functions(): Alarm {
    const period = Duration.minutes(5);
    const { enrollment, ...others } = this.#service.functions;
    const watch = (name: string, { function: handler }: typeof enrollment): Alarm => {
      const throttles = handler.metricThrottles({ period });
      this.alarm(`${name}-throttles`, throttles, { runbook: "function-throttles" });
      return this.alarm(`${name}-errors`, handler.metricErrors({ period }), { runbook: "function-errors" });
    };
    for (const [name, observed] of Object.entries(others)) watch(name, observed);
    return watch("enrollment", enrollment);
  }

  /** In two of three times five minutes, more than one request of a hundred. */
  private serverErrors(): Alarm {
    const rate = new MathExpression({
      expression: "IF(requests > 0, 100 * errors / requests, 0)",
      usingMetrics: {
        errors: apiMetric(this.#service, "5xx"),
        requests: apiMetric(this.#service, "Count"),
      },
      label: "5xx answers, % of requests",
      period: Duration.minutes(5),
    });
    const watch = { atLeast: 1, evaluationPeriods: 3, datapointsToAlarm: 2 };
    return this.alarm("api-server-errors", rate, { ...watch, runbook: "api-server-errors" });
  }

  private reconciliation(logs: LogMetrics): void {
    // It runs every minute. Silence is what this alarm is for: it breaches.
    this.alarm("reconciliation-missing", logs.reconciliations, {
      runbook: "reconciliation-missing",
      below: 1,
      missing: TreatMissingData.BREACHING,
    });
    // Five minutes are thirty leases. Without a run nothing is known of the age: the alarm stays as it was.
    this.alarm("unfinished-intents", logs.oldestOpenSeconds, {
      runbook: "unfinished-intents",
      atLeast: 300,
      missing: TreatMissingData.IGNORE,
    });
  }

  private queuesAndSchedules(): void {
    for (const [name, queue] of Object.entries(this.#service.deadLetters)) {
      const depth = queue.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" });
      this.alarm(`${name}-dead-letters`, depth, { runbook: "dead-letters" });
    }
    for (const [id, figure] of [
      ["schedule-target-errors", "TargetErrorCount"],
      ["schedule-invocations-dropped", "InvocationDroppedCount"],
    ] as const)
      this.alarm(id, schedulerMetric(this.#service, figure), { runbook: "schedule-failures" });
  }

  /** A few throttled calls are retried and nobody notices; many in a row are noticed. */
  private table(): void {
    const watch = {
      runbook: "table-throttles",
      atLeast: 10,
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
    } as const;
    this.alarm("table-write-throttles", tableMetric(this.#service, "WriteThrottleEvents"), watch);
    this.alarm("table-read-throttles", tableMetric(this.#service, "ReadThrottleEvents"), watch);
  }
}
