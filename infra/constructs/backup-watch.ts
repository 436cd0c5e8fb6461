/**
 * Room: infra. Tells people when a copy of the item table was not made. AWS Backup says so of every job that ends
 * (AWS Backup developer guide, "Monitoring AWS Backup events using Amazon EventBridge").
 */
import { EventField, Rule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

export interface BackupWatchProps {
  readonly vaultName: string;
  /** Its policy and its key's admit rules. */
  readonly topic: ITopic;
}

export class BackupWatch extends Construct {
  constructor(scope: Construct, id: string, { vaultName, topic }: BackupWatchProps) {
    super(scope, id);
    new Rule(this, "Failed", {
      description: "backup.failed: a copy of the item table of Fleetkey was not made",
      eventPattern: {
        source: ["aws.backup"],
        detailType: ["Backup Job State Change"],
        detail: { state: ["ABORTED", "EXPIRED", "FAILED"], backupVaultName: [vaultName] },
      },
      targets: [{ bind: () => ({ arn: topic.topicArn, input: BackupWatch.notice() }) }],
    });
  }

  private static notice(): RuleTargetInput {
    return RuleTargetInput.fromObject({
      event: "backup.failed",
      severity: "critical",
      subject: EventField.fromPath("$.detail.backupJobId"),
      state: EventField.fromPath("$.detail.state"),
      time: EventField.fromPath("$.time"),
    });
  }
}
