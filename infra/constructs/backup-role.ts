/**
 * Room: infra. Who copies the item table in AWS Backup's name. AWS's own policy for that reads every table, volume and
 * bucket of the account; this role copies one table, and can neither restore it nor delete a copy.
 */
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Key } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { endpoint } from "./key-policies.ts";

export interface BackupRoleProps {
  readonly table: ITable;
  /** Encrypts the table. */
  readonly dataKey: Key;
}

export class BackupRole extends Construct {
  readonly role: Role;
  /** What a selection waits for: the role is worth nothing before. */
  readonly policy: ManagedPolicy;

  constructor(scope: Construct, id: string, { table, dataKey }: BackupRoleProps) {
    super(scope, id);
    this.role = new Role(this, "Role", {
      description: "AWS Backup, when it copies the item table of Fleetkey",
      assumedBy: new ServicePrincipal("backup.amazonaws.com"),
    });
    this.policy = new ManagedPolicy(this, "Policy", {
      description: "What AWS Backup needs to copy the item table of Fleetkey",
      roles: [this.role],
      // AWS Backup developer guide, "Managed policies": its list for DynamoDB, less what only copies kept by DynamoDB
      // itself need. The vault lends AWS Backup its key by a grant of its own.
      statements: [
        new PolicyStatement({
          sid: "CopyTable",
          actions: ["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob"],
          resources: [table.tableArn],
        }),
        new PolicyStatement({
          sid: "TableEncryption",
          actions: ["kms:Decrypt", "kms:GenerateDataKey"],
          resources: [dataKey.keyArn],
          conditions: { StringEquals: { "kms:ViaService": endpoint(this, "dynamodb") } },
        }),
      ],
    });
  }
}
