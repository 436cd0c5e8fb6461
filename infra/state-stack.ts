/** Room: infra. All that must outlive the code: the item table, the key that encrypts it, its backups. */
import { Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { BackupPlan, BackupResource, BackupVault } from "aws-cdk-lib/aws-backup";
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import type { StageConfiguration } from "./stage-configuration.ts";

export interface StateStackProps extends StackProps {
  readonly configuration: StageConfiguration;
}

/** The indexes of the ItemStore port; each has string attributes `{index}Pk` and `{index}Sk`. */
const indexes = ["byDevice", "byIssue", "open"] as const;

/** A stack of its own, so that deploying code can never replace or delete what the store knows. */
export class StateStack extends Stack {
  /** Encrypts the item table and its backups. */
  readonly dataKey: Key;
  /** The one table behind the ItemStore port. */
  readonly items: Table;

  constructor(scope: Construct, id: string, props: StateStackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const { configuration } = props;
    this.dataKey = this.createDataKey(configuration);
    this.items = this.createItemTable(configuration);
    this.createBackups();
  }

  private createDataKey(configuration: StageConfiguration): Key {
    return new Key(this, "DataKey", {
      alias: `fleetkey-${configuration.stage}-data`,
      description: `Encrypts what Fleetkey stage ${configuration.stage} stores`,
      enableKeyRotation: true,
      rotationPeriod: Duration.days(configuration.dataKeyRotationDays),
      // The longest KMS offers: deleting this key is deleting every record.
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createItemTable(configuration: StageConfiguration): Table {
    const table = new Table(this, "Items", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.dataKey,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        recoveryPeriodInDays: configuration.recoveryDays,
      },
      timeToLiveAttribute: "expiresAt",
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const index of indexes) {
      table.addGlobalSecondaryIndex({
        indexName: index,
        partitionKey: { name: `${index}Pk`, type: AttributeType.STRING },
        sortKey: { name: `${index}Sk`, type: AttributeType.STRING },
        // The port answers a query with whole items; a narrower projection would cost a read for each.
        projectionType: ProjectionType.ALL,
      });
    }
    return table;
  }

  /** Point-in-time recovery ends with the table; these copies do not (45 CFR 164.308(a)(7)(ii)(A)). */
  private createBackups(): void {
    const vault = new BackupVault(this, "BackupVault", {
      encryptionKey: this.dataKey,
      // Whoever can write the table must not be able to remove the copies of it.
      blockRecoveryPointDeletion: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const plan = BackupPlan.daily35DayRetention(this, "BackupPlan", vault);
    plan.addSelection("Items", { resources: [BackupResource.fromDynamoDbTable(this.items)] });
  }
}
