/** Room: infra. The one table behind the ItemStore port, and its copies. */
import { RemovalPolicy } from "aws-cdk-lib";
import { BackupPlan, BackupResource, BackupVault } from "aws-cdk-lib/aws-backup";
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  Table,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import type { Key } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledgements.ts";
import { BackupRole } from "./backup-role.ts";

export interface ItemTableProps {
  readonly dataKey: Key;
  /** Days back to which the table can be restored to any second: 1 to 35. */
  readonly recoveryDays: number;
  /** The emulator knows vaults and plans, and no selections. */
  readonly emulator: boolean;
}

/** The indexes of the ItemStore port; each has string attributes `{index}Pk` and `{index}Sk`. */
export const itemIndexes = ["byDevice", "byIssue", "byExpiry", "open"] as const;

export class ItemTable extends Construct {
  readonly table: ITable;
  /** Of its daily copies. */
  readonly vault: BackupVault;

  constructor(scope: Construct, id: string, props: ItemTableProps) {
    super(scope, id);
    const table = this.createTable(props);
    this.vault = this.createBackups(table, props);
    // Table implements ITable; the two disagree on what an absent optional member is.
    this.table = table as ITable;
  }

  private createTable({ dataKey, recoveryDays }: ItemTableProps): Table {
    const table = new Table(this, "Items", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: dataKey,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        recoveryPeriodInDays: recoveryDays,
      },
      timeToLiveAttribute: "expiresAt",
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const index of itemIndexes) {
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
  private createBackups(table: Table, { dataKey, emulator }: ItemTableProps): BackupVault {
    const vault = new BackupVault(this, "BackupVault", {
      encryptionKey: dataKey,
      // Whoever can write the table must not be able to remove the copies of it.
      blockRecoveryPointDeletion: true,
      // Its name is the same each time: it would stand in the way of a second attempt after a first one that failed.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const plan = BackupPlan.daily35DayRetention(this, "BackupPlan", vault);
    if (emulator) {
      acknowledge(
        table,
        "DynamoDBInBackupPlan",
        "a rehearsal on the emulator, which has no backup selections",
      );
      return vault;
    }
    const { role, policy } = new BackupRole(this, "Backup", { table: table as ITable, dataKey });
    const selection = plan.addSelection("Items", {
      resources: [BackupResource.fromDynamoDbTable(table as ITable)],
      role,
      // AWS's policy for every resource of an account.
      disableDefaultBackupPolicy: true,
    });
    selection.node.addDependency(policy);
    return vault;
  }
}
