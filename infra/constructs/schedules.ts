/** Room: infra. What runs by the clock: a schedule for each task that lambdas/routes.ts gives one. */
import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule, ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { retention } from "../../core/standard/retention.ts";
import { type Task, type TaskFunctionId, tasks } from "../../lambdas/routes.ts";
import { roleName } from "./deployment-names.ts";
import { isStarted } from "./duty.ts";
import { deadLetterStatements } from "./duty-grants.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";

/** A queue for invocations that failed for good: encrypted, TLS only, for as long as the standard says. */
export function deadLetterQueue(scope: Construct, id: string, state: FleetKeyState): Queue {
  return new Queue(scope, id, {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: state.operationsKey,
    enforceSSL: true,
    retentionPeriod: Duration.days(retention.deadLetters.days),
  });
}

export interface SchedulesProps {
  readonly state: FleetKeyState;
  readonly functions: Readonly<Record<TaskFunctionId, IFunction>>;
}

type ScheduledTask = Task & { readonly trigger: { readonly everyMinutes: number } };

const everyTask: readonly Task[] = tasks;
const isScheduled = (task: Task): task is ScheduledTask => task.trigger !== "invocation";

/** Functions for which nobody waits: a schedule starts them, or another function does. */
export const unattendedFunctions: readonly TaskFunctionId[] = everyTask
  .filter((task) => isScheduled(task) || isStarted(task.function))
  .map((task) => task.function);

export class Schedules extends Construct {
  readonly group: ScheduleGroup;
  /** Receives what the scheduler could not hand to a function. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    const { state, functions } = props;
    this.group = new ScheduleGroup(this, "Group", {
      scheduleGroupName: `fleetkey-${state.stage}`,
      // It holds nothing that lasts, and under its fixed name would stand in the way of the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.deadLetters = deadLetterQueue(this, "DeadLetters", state);
    const scheduled = everyTask.filter(isScheduled);
    const role = this.createRole(
      state,
      scheduled.map((task) => functions[task.function]),
    );
    for (const task of scheduled) this.schedule(task, functions[task.function], role);
  }

  private createRole(state: FleetKeyState, functions: readonly IFunction[]): Role {
    const role = new Role(this, "Role", {
      roleName: roleName(this, state.stage, "scheduler"),
      description: `Schedules of Fleetkey stage ${state.stage}`,
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    });
    new ManagedPolicy(this, "Policy", {
      description: `What schedules of Fleetkey stage ${state.stage} start`,
      statements: [
        new PolicyStatement({
          sid: "Start",
          effect: Effect.ALLOW,
          actions: ["lambda:InvokeFunction"],
          resources: functions.map((one) => one.functionArn),
        }),
        ...deadLetterStatements(this, this.deadLetters, state),
      ],
      roles: [role],
    });
    return role;
  }

  private schedule(task: ScheduledTask, target: IFunction, role: Role): void {
    const { everyMinutes } = task.trigger;
    const schedule = new CfnSchedule(this, task.id, {
      groupName: this.group.scheduleGroupName,
      description: task.summary,
      scheduleExpression: everyMinutes === 1 ? "rate(1 minute)" : `rate(${everyMinutes} minutes)`,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({}),
        deadLetterConfig: { arn: this.deadLetters.queueArn },
        // What is late by a whole period is what the next run does.
        retryPolicy: { maximumEventAgeInSeconds: Math.max(60, everyMinutes * 60), maximumRetryAttempts: 2 },
      },
    });
    schedule.node.addDependency(...this.node.children.filter((child) => child instanceof ManagedPolicy));
  }
}
