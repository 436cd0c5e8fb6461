/** Room: infra. All that must outlive the code: keys, the item table, objects, the topic that people listen to. */
import { Aws, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyDocument, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { protectionStandard } from "../../core/standard/protection.ts";
import { retention } from "../../core/standard/retention.ts";
import { assertEmulatorAccount } from "../configuration/emulator.ts";
import { defaultFleets, type FleetConfiguration } from "../configuration/fleets.ts";
import { generationsOf, protectionKeyName } from "../configuration/key-generations.ts";
import type { RecordRetention } from "../stage-configuration.ts";
import { AuthorityKeys, type KeysByName } from "./authority-keys.ts";
import { BackupWatch } from "./backup-watch.ts";
import { aliasPrefix, logGroupArn, roleArn } from "./deployment-names.ts";
import { ItemTable } from "./item-table.ts";
import {
  administration,
  rewrapForFleet,
  useByAlarms,
  useByDistributions,
  useByLogs,
  useByRules,
  useForFleet,
  useThroughServices,
} from "./key-policies.ts";
import { StateBuckets } from "./state-buckets.ts";
import { SubjectKeyTable } from "./subject-key-table.ts";

export interface FleetKeyStateProps {
  /**
   * Tells deployments of one account and region apart, in the names of roles, aliases and log groups. 1 to 20 of
   * a-z, 0-9 and hyphen, first a letter.
   * @default "pki"
   */
  readonly stage?: string;
  /** By name; each gets its own signing keys. @default - one fleet `default` on `fleetkey.internal` */
  readonly fleets?: Readonly<Record<string, FleetConfiguration>>;
  /** Days back to which the item table can be restored to any second: 1 to 35. @default 35 */
  readonly recoveryDays?: number;
  /**
   * Days back to which the table of subject keys can be restored, and shredded data with it: 0, for never, to 35.
   * @default 7
   */
  readonly keyRecoveryDays?: number;
  /** Days between rotations of symmetric keys' material: 90 to 365. @default 365 */
  readonly dataKeyRotationDays?: number;
  /** How long nobody can change or delete a record. @default - GOVERNANCE for six years, 45 CFR 164.316(b)(2)(i) */
  readonly recordRetention?: RecordRetention;
  /** CloudFront distributions of this account may read the public artefacts. @default false */
  readonly distributed?: boolean;
  /** Leaves out what the emulator of the rehearsal lacks; for its account alone. @default false */
  readonly emulator?: boolean;
}

/** The keys of one fleet. Those that sign are known by name, such as `issuing-1`, the oldest first. */
export interface FleetKeys {
  readonly root: KeysByName;
  readonly issuing: KeysByName;
  /** Sign answers about revocation. */
  readonly ocsp: KeysByName;
  /** Sign trust manifests. */
  readonly trust: KeysByName;
  /**
   * Wrap subject keys, and the data keys of backends, with encryption context `fleet`. By name, such as
   * `default-protection`, the oldest first; the last is in force.
   */
  readonly protection: KeysByName;
}

const stageName = /^[a-z][a-z0-9-]{0,19}$/;

/** Everything in it is retained when it is removed from its stack. */
export class FleetKeyState extends Construct {
  readonly stage: string;
  readonly fleets: Readonly<Record<string, FleetConfiguration>>;
  /** Encrypts the item table, its backups, objects, and functions' environments. */
  readonly dataKey: Key;
  /** Encrypts logs, notices and dead letters. */
  readonly operationsKey: Key;
  /** By fleet. */
  readonly keys: ReadonlyMap<string, FleetKeys>;
  /** The one table behind the ItemStore port. */
  readonly items: ITable;
  /** Keys of data, wrapped: in no backup, so that what is deleted is gone. */
  readonly subjectKeys: ITable;
  readonly keyRecoveryDays: number;
  readonly buckets: StateBuckets;
  /** What people listen to: notices of the service, and alarms. */
  readonly topic: Topic;

  /** @throws Error for a stage that cannot stand in names, and for `emulator` in any account but the emulator's. */
  constructor(scope: Construct, id: string, props: FleetKeyStateProps = {}) {
    super(scope, id);
    const { stage = "pki", fleets = defaultFleets, emulator = false, distributed = false } = props;
    if (!stageName.test(stage))
      throw new Error(
        `stage ${JSON.stringify(stage)} is not 1 to 20 of a-z, 0-9 and -, first a letter; change it`,
      );
    if (emulator) assertEmulatorAccount(Stack.of(this).account);
    this.stage = stage;
    this.fleets = fleets;
    this.dataKey = this.createDataKey(props, distributed);
    this.operationsKey = this.createOperationsKey(props);
    this.keys = new Map(
      Object.entries(fleets).map(([fleet, configuration]) => [
        fleet,
        this.createFleetKeys(fleet, configuration, props),
      ]),
    );
    const { recoveryDays = 35 } = props;
    const { table, vault } = new ItemTable(this, "Table", { dataKey: this.dataKey, recoveryDays, emulator });
    this.items = table;
    this.keyRecoveryDays = props.keyRecoveryDays ?? protectionStandard.keyRecoveryDays.default;
    const { dataKey, keyRecoveryDays } = this;
    this.subjectKeys = new SubjectKeyTable(this, "SubjectKeys", { dataKey, keyRecoveryDays }).table;
    this.buckets = new StateBuckets(this, "Buckets", {
      stage,
      dataKey: this.dataKey,
      recordRetention: props.recordRetention ?? { mode: "GOVERNANCE", days: retention.records.days },
      distributed,
    });
    this.topic = this.createTopic();
    // The emulator makes no copies.
    if (!emulator)
      new BackupWatch(this, "BackupWatch", { vaultName: vault.backupVaultName, topic: this.topic });
  }

  /** @throws Error for a fleet that is not configured. */
  keysOf(fleet: string): FleetKeys {
    const keys = this.keys.get(fleet);
    if (keys !== undefined) return keys;
    throw new Error(
      `fleet "${fleet}" is not configured (there are: ${[...this.keys.keys()].join(", ")}); add it to \`fleets\``,
    );
  }

  /** The keys that encrypt and rotate, by the names under which people hear of them: `data`, `default-protection`. */
  get dataKeys(): ReadonlyMap<string, Key> {
    const fleets = [...this.keys.values()].flatMap(({ protection }) => [...protection]);
    return new Map([["data", this.dataKey], ["operations", this.operationsKey], ...fleets]);
  }

  private symmetricKey(
    scope: Construct,
    id: string,
    props: FleetKeyStateProps,
    key: { readonly alias: string; readonly description: string; readonly uses: readonly PolicyStatement[] },
  ): Key {
    return new Key(scope, id, {
      alias: `alias/${aliasPrefix(this.stage)}/${key.alias}`,
      description: key.description,
      enableKeyRotation: true,
      rotationPeriod: Duration.days(props.dataKeyRotationDays ?? 365),
      policy: new PolicyDocument({ statements: [administration("symmetric"), ...key.uses] }),
      // The longest KMS offers: deleting a key is deleting all that it encrypts.
      pendingWindow: Duration.days(30),
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createDataKey(props: FleetKeyStateProps, distributed: boolean): Key {
    return this.symmetricKey(this, "DataKey", props, {
      alias: "data",
      description: `Encrypts what Fleetkey stage ${this.stage} stores`,
      uses: [
        ...useThroughServices(this, ["dynamodb", "s3", "lambda", "backup"]),
        ...(distributed ? [useByDistributions(this)] : []),
      ],
    });
  }

  private createOperationsKey(props: FleetKeyStateProps): Key {
    return this.symmetricKey(this, "OperationsKey", props, {
      alias: "operations",
      description: `Encrypts logs, notices and dead letters of Fleetkey stage ${this.stage}`,
      uses: [
        ...useThroughServices(this, ["sns", "sqs"]),
        useByLogs(this, logGroupArn(this, `/fleetkey/${this.stage}/*`)),
        useByAlarms(),
        useByRules(),
      ],
    });
  }

  private createFleetKeys(
    fleet: string,
    configuration: FleetConfiguration,
    props: FleetKeyStateProps,
  ): FleetKeys {
    const scope = new Construct(this, `Fleet-${fleet}`);
    const { root, issuing, ocsp, trust } = new AuthorityKeys(scope, "Authorities", {
      stage: this.stage,
      fleet,
      configuration,
      emulator: props.emulator ?? false,
    });
    const protection = generationsOf(configuration.keys, "protection").map(({ generation }) => {
      const name = protectionKeyName(fleet, generation);
      return [name, this.createProtectionKey(scope, { fleet, generation, name }, props)] as const;
    });
    return { root, issuing, ocsp, trust, protection: new Map(protection) };
  }

  private createProtectionKey(
    scope: Construct,
    {
      fleet,
      generation,
      name,
    }: { readonly fleet: string; readonly generation: number; readonly name: string },
    props: FleetKeyStateProps,
  ): Key {
    const id = generation === 1 ? "ProtectionKey" : `ProtectionKey${generation}`;
    return this.symmetricKey(scope, id, props, {
      alias: name,
      description: `Fleetkey stage ${this.stage}, fleet ${fleet}: wraps subject keys, and data keys of its backends`,
      uses: [useForFleet(fleet), rewrapForFleet(fleet, roleArn(this, this.stage, "safekeeping"))],
    });
  }

  private createTopic(): Topic {
    const topic = new Topic(this, "Notices", {
      displayName: `Fleetkey ${this.stage}`,
      masterKey: this.operationsKey,
      enforceSSL: true,
    });
    topic.applyRemovalPolicy(RemovalPolicy.RETAIN);
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "Alarms",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    topic.addToResourcePolicy(
      // EventBridge user guide, "Using resource-based policies": no Condition in a topic's policy for its rules.
      new PolicyStatement({
        sid: "Rules",
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
      }),
    );
    return topic;
  }
}
