/** Room: infra. What one stage keeps, in a stack of its own: deploying code can never replace or delete it. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { FleetKeyState } from "./constructs/fleetkey-state.ts";
import type { StageConfiguration } from "./stage-configuration.ts";

export interface StateStackProps extends StackProps {
  readonly configuration: StageConfiguration;
  /** Leaves out what the emulator lacks; a rehearsal ends by deleting its stacks. @default false */
  readonly emulator?: boolean;
}

export class StateStack extends Stack {
  readonly state: FleetKeyState;

  constructor(scope: Construct, id: string, props: StateStackProps) {
    const { configuration, emulator = false } = props;
    // A template holds a megabyte: thirty fleets in the middle of a rollover take half of it, indented all.
    super(scope, id, { ...props, terminationProtection: !emulator, suppressTemplateIndentation: true });
    const { stage, fleets, recoveryDays, dataKeyRotationDays, recordRetention, artifacts } = configuration;
    const { keyRecoveryDays } = configuration.protection;
    this.state = new FleetKeyState(this, "State", {
      stage,
      fleets,
      recoveryDays,
      dataKeyRotationDays,
      keyRecoveryDays,
      recordRetention,
      distributed: artifacts !== undefined,
      emulator,
    });
    const { items, subjectKeys, buckets, topic } = this.state;
    new CfnOutput(this, "ItemTable", { value: items.tableName });
    new CfnOutput(this, "SubjectKeysTable", { value: subjectKeys.tableName });
    new CfnOutput(this, "TrustStoresBucket", { value: buckets.trustStores.bucketName });
    new CfnOutput(this, "ArtifactsBucket", { value: buckets.artifacts.bucketName });
    new CfnOutput(this, "RecordsBucket", { value: buckets.records.bucketName });
    new CfnOutput(this, "NoticeTopic", { value: topic.topicArn });
  }
}
