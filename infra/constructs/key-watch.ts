/**
 * Room: infra. Tells people when someone lays hands on a key: CloudTrail sees the call, EventBridge passes it on.
 * What is told names the key and CloudTrail's event, never who called or from where: that stays in CloudTrail.
 */
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { CfnRule, EventField, Rule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import { Construct } from "constructs";
import { tellAlarm } from "./alarm-actions.ts";
import { type ObservedService, sumOf } from "./observed-service.ts";
import { alarmDescription } from "./runbooks.ts";

interface WatchedCalls {
  /** What the notice is called. */
  readonly event: string;
  readonly keyArns: readonly string[];
  readonly eventNames: readonly string[];
  /** Rules see calls that change something; Sign changes nothing, so its rule must ask for all. */
  readonly reads?: true;
}

/** An event pattern holds 2,048 characters, an ARN about eighty. */
const keysPerRule = 15;

export class KeyWatch extends Construct {
  constructor(scope: Construct, id: string, service: ObservedService) {
    super(scope, id);
    const arns = (keys: ObservedService["rootKeys"]) => Object.values(keys).map((key) => key.keyArn);
    const roots = arns(service.rootKeys);
    const others = [...arns(service.issuingKeys), ...arns(service.serviceKeys)];
    this.watch("Changed", service, {
      event: "key.changed",
      keyArns: [...service.dataKeys.map((key) => key.keyArn), ...roots, ...others],
      eventNames: ["DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "DisableKeyRotation"],
    });
    const lent = ["CreateGrant", "UpdateAlias", "DeleteAlias"];
    // AWS services take grants on data keys all day; nobody is granted a key that signs, but roots for a ceremony.
    this.watch("Lent", service, { event: "key.lent", keyArns: others, eventNames: lent });
    this.watch("RootLent", service, { event: "root_key.lent", keyArns: roots, eventNames: lent });
    this.watch("RootUsed", service, {
      event: "root_key.used",
      keyArns: roots,
      eventNames: ["Sign"],
      reads: true,
    });
  }

  private watch(id: string, service: ObservedService, calls: WatchedCalls): void {
    const { topic } = service;
    const { event, keyArns, eventNames, reads } = calls;
    for (let from = 0; from < keyArns.length; from += keysPerRule) {
      const rule = new Rule(this, `${id}${from / keysPerRule + 1}`, {
        description: `${event}: ${eventNames.join(", ")} on keys of Fleetkey`,
        eventPattern: {
          source: ["aws.kms"],
          detailType: ["AWS API Call via CloudTrail"],
          detail: {
            eventSource: ["kms.amazonaws.com"],
            eventName: [...eventNames],
            resources: { ARN: keyArns.slice(from, from + keysPerRule) },
          },
        },
        // Not CDK's own target, which would write into the policy of a topic that is another stack's.
        targets: [{ bind: () => ({ arn: topic.topicArn, input: this.notice(event) }) }],
      });
      this.alarm(`${id}${from / keysPerRule + 1}-failures`, rule, service);
      if (reads) this.resource(rule).state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
    }
  }

  /** A watch that cannot tell is none: the alarm goes to the topic another way. */
  private alarm(id: string, rule: Rule, service: ObservedService): void {
    const alarm = new Alarm(this, id, {
      alarmName: `fleetkey-${service.stage}-key-watch-${id.toLowerCase()}`,
      alarmDescription: alarmDescription("key-watch-failures"),
      metric: sumOf("AWS/Events", "FailedInvocations", { RuleName: rule.ruleName }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // The metric has data only when a notice was lost.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    tellAlarm(alarm, service);
  }

  private resource(rule: Rule): CfnRule {
    const { defaultChild } = rule.node;
    if (defaultChild instanceof CfnRule) return defaultChild;
    throw new Error(`${rule.node.path} is made of no AWS::Events::Rule`);
  }

  private notice(event: string): RuleTargetInput {
    return RuleTargetInput.fromObject({
      event,
      severity: "critical",
      subject: EventField.fromPath("$.detail.resources[0].ARN"),
      action: EventField.fromPath("$.detail.eventName"),
      cloudTrailEventId: EventField.fromPath("$.detail.eventID"),
      time: EventField.fromPath("$.detail.eventTime"),
    });
  }
}
