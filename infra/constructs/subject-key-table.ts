/**
 * Room: infra. The table of subject keys, apart from the items: what is shredded in it must be in no copy that lives
 * on, so it is in no backup plan, and its own recovery window is short.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, type ITable, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { Key } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledgements.ts";

export interface SubjectKeyTableProps {
  readonly dataKey: Key;
  /** Days back to which the table can be restored to any second: 1 to 35, or 0 for never. */
  readonly keyRecoveryDays: number;
}

export class SubjectKeyTable extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string, { dataKey, keyRecoveryDays }: SubjectKeyTableProps) {
    super(scope, id);
    const recovers = keyRecoveryDays > 0;
    // As the item table, without its indexes: a key is found by its own key alone. Nothing in it expires.
    const table = new Table(this, "Keys", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: dataKey,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: recovers,
        ...(recovers && { recoveryPeriodInDays: keyRecoveryDays }),
      },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      table,
      "DynamoDBInBackupPlan",
      "holds keys that people have destroyed for good: from a copy that lives longer, shredded data could be read again",
    );
    if (!recovers)
      acknowledge(
        table,
        "DynamoDBPITREnabled",
        "the stage's configuration keeps no recovery window (protection.keyRecoveryDays 0): what is shredded is gone at once",
      );
    // Table implements ITable; the two disagree on what an absent optional member is.
    this.table = table as ITable;
  }
}
