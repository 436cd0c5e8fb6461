/** Room: infra. Whom an alarm tells: the notice topic, and what a stage names besides. */
import type { AlarmBase } from "aws-cdk-lib/aws-cloudwatch";
import type { ITopic } from "aws-cdk-lib/aws-sns";

export interface Told {
  /** Its policy and its key's admit CloudWatch. */
  readonly topic: ITopic;
  /** ARNs that alarms call besides, at most 4. @default - none */
  readonly alarmActions?: readonly string[];
}

/** Tells them when the alarm begins and when it ends. */
export function tellAlarm(alarm: AlarmBase, { topic, alarmActions = [] }: Told): void {
  const actions = [topic.topicArn, ...alarmActions].map((alarmActionArn) => ({
    bind: () => ({ alarmActionArn }),
  }));
  alarm.addAlarmAction(...actions);
  alarm.addOkAction(...actions);
}
