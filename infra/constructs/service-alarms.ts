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
import { Construct } from "constructs";
import { tellAlarm } from "./alarm-actions.ts";
import { isStarted } from "./duty.ts";
import type { LogMetrics } from "./log-metrics.ts";
import { apiMetric, type ObservedService, schedulerMetric, tableMetric } from "./observed-service.ts";
import { alarmDescription, type RunbookId } from "./runbooks.ts";

interface Watch {
  readonly runbook: RunbookId;
  /** Alarm when the figure is at least this. @default 1 */
  readonly atLeast?: number;
  /** Alarm when the figure is below this. */
  readonly below?: number;
  /** Alarm when the figure is more than this. */
  readonly above?: number;
  readonly evaluationPeriods?: number;
  readonly datapointsToAlarm?: number;
  /** @default NOT_BREACHING: no data means that nothing happened */
  readonly missing?: TreatMissingData;
}

function limitOf({ atLeast = 1, below, above }: Watch): {
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
} {
  if (below !== undefined)
    return { threshold: below, comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD };
  if (above !== undefined)
    return { threshold: above, comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD };
  const comparisonOperator = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;
  return { threshold: atLeast, comparisonOperator };
}

export class ServiceAlarms extends Construct {
  readonly #service: ObservedService;

  constructor(scope: Construct, id: string, service: ObservedService, logs: LogMetrics, emulator: boolean) {
    super(scope, id);
    this.#service = service;
    const enrollmentErrors = this.functions();
    const signing = this.alarm("signing-failures", logs.signingFailures, { runbook: "signing-failures" });
    this.reconciliation(logs);
    this.tasks(logs);
    this.queuesAndSchedules();
    this.table();
    // The emulator has neither metric math nor composite alarms.
    if (emulator) return;
    const server = this.serverErrors();
    const composite = new CompositeAlarm(this, "issuance-failing", {
      compositeAlarmName: this.name("issuance-failing"),
      alarmDescription: alarmDescription("issuance-failing"),
      alarmRule: AlarmRule.anyOf(
        ...[enrollmentErrors, signing, server].map((alarm) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
    tellAlarm(composite, service);
  }

  private name(id: string): string {
    return `fleetkey-${this.#service.stage}-${id}`;
  }

  private alarm(id: string, metric: IMetric, watch: Watch): Alarm {
    const { runbook, evaluationPeriods = 1, datapointsToAlarm = 1, missing } = watch;
    const alarm = new Alarm(this, id, {
      alarmName: this.name(id),
      alarmDescription: alarmDescription(runbook),
      metric,
      ...limitOf(watch),
      evaluationPeriods,
      datapointsToAlarm,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    tellAlarm(alarm, this.#service);
    return alarm;
  }

  /** Errors and throttles of each function; gives the alarm on the enrolment function's errors. */
  private functions(): Alarm {
    const period = Duration.minutes(5);
    const { enrollment, ...others } = this.#service.functions;
    const watch = (name: string, { function: handler }: typeof enrollment): Alarm => {
      const throttles = handler.metricThrottles({ period });
      // Whoever starts a task while it runs is throttled, and waits in Lambda's queue: nothing is lost.
      if (!isStarted(name)) this.alarm(`${name}-throttles`, throttles, { runbook: "function-throttles" });
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

  private tasks(logs: LogMetrics): void {
    const period = Duration.minutes(1);
    // A list has a revocation within a minute: that is promised, so one late figure is enough, of a revocation that has
    // its list by now too. Without a run nothing is known: the alarm stays as it was.
    this.alarm("revocations-unpublished", logs.revocationWaitSeconds.with({ period }), {
      runbook: "revocations-unpublished",
      above: 60,
      missing: TreatMissingData.IGNORE,
    });
    // It runs every minute: silence breaches.
    this.alarm("publication-missing", logs.publications, {
      runbook: "publication-missing",
      below: 1,
      missing: TreatMissingData.BREACHING,
    });
    // It runs every five minutes, and one run may end in the next period.
    this.alarm("maintenance-missing", logs.maintenances, {
      runbook: "maintenance-missing",
      below: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      missing: TreatMissingData.BREACHING,
    });
    // As maintenance. Errors have an alarm of their own, so that whoever was started is known to run.
    const { rollover, servers, safekeeping } = this.#service.functions;
    const silence = {
      below: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      missing: TreatMissingData.BREACHING,
    } as const;
    const rotations = rollover.function.metricInvocations({ period: Duration.minutes(5) });
    this.alarm("rotation-missing", rotations, { runbook: "rotation-missing", ...silence });
    const keepings = safekeeping.function.metricInvocations({ period: Duration.minutes(5) });
    this.alarm("safekeeping-missing", keepings, { runbook: "safekeeping-missing", ...silence });
    // It runs every hour.
    const rounds = servers.function.metricInvocations({ period: Duration.hours(1) });
    this.alarm("servers-missing", rounds, { runbook: "servers-missing", ...silence });
    // Two writers at once, or a store that is away, are over with the next run.
    this.alarm("tasks-failing", logs.taskFailures, {
      runbook: "tasks-failing",
      evaluationPeriods: 4,
      datapointsToAlarm: 3,
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
    const { items, subjectKeys } = this.#service;
    for (const [name, table] of Object.entries({ table: items, "subject-keys": subjectKeys })) {
      this.alarm(`${name}-write-throttles`, tableMetric(table, "WriteThrottleEvents"), watch);
      this.alarm(`${name}-read-throttles`, tableMetric(table, "ReadThrottleEvents"), watch);
    }
  }
}
