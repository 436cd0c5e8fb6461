/** Room: infra. One function a duty: its bundle, its log, and a role that may do what its duty touches and no more. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Duration, Fn, RemovalPolicy, Stack, Stage } from "aws-cdk-lib";
import { ManagedPolicy, type PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  Architecture,
  Code,
  type IFunction,
  LoggingFormat,
  Function as NodeFunction,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { retention } from "../../core/standard/retention.ts";
import type { TaskFunctionId } from "../../lambdas/routes.ts";
import { acknowledge } from "../acknowledgements.ts";
import type { DeployedFunctionId } from "../configuration/concurrency.ts";
import { assertEmulatorAccount } from "../configuration/emulator.ts";
import { planOf } from "../configuration/fleets.ts";
import { bundleFunction } from "../function-bundle.ts";
import { aliasPrefix, functionName, logGroupName, roleArn, roleName } from "./deployment-names.ts";
import { type Duty, dutyOf, isStarted, signs } from "./duty.ts";
import { dutyStatements, fleetStatements, keyMentions } from "./duty-grants.ts";
import type { FleetKeyState } from "./fleetkey-state.ts";

export interface DutyFunctionProps {
  readonly duty: DeployedFunctionId;
  readonly state: FleetKeyState;
  /** Executions held for it, and its limit; `undefined`: it shares what the account has left. */
  readonly reservedConcurrency: number | undefined;
  /** Receives what an asynchronous invocation failed at; the duty that a schedule starts needs it. */
  readonly deadLetters?: Queue;
  /** Functions that others may start; those that the duty starts must be among them. @default - none */
  readonly started?: StartedFunctions;
  /** Module around the handlers of requests; for the emulator's account alone. @default - none */
  readonly wrapper?: string;
}

export type StartedFunctions = Readonly<Partial<Record<TaskFunctionId, IFunction>>>;

interface Size {
  readonly memorySize: number;
  readonly seconds: number;
}

/** Memory is also the share of a processor: 1,769 MB are one. */
const sizes = {
  // Waits up to 12 s for the one that signs the same request; API Gateway waits 30 s.
  enrollment: { memorySize: 1_024, seconds: 29 },
  distribution: { memorySize: 512, seconds: 15 },
  revocation: { memorySize: 512, seconds: 29 },
  // A signature, and the store before and after it.
  ocsp: { memorySize: 512, seconds: 15 },
  // May wait for an identity provider: see adapters/identity.
  access: { memorySize: 512, seconds: 29 },
  reconciliation: { memorySize: 512, seconds: 60 },
  // Lists of hundreds of thousands of entries are sorted, encoded and hashed whole.
  publication: { memorySize: 1_769, seconds: 120 },
  // Ends before the next run begins.
  maintenance: { memorySize: 512, seconds: 240 },
  rotation: { memorySize: 512, seconds: 29 },
  // Encrypts megabytes, and loads the AWS Encryption SDK.
  protection: { memorySize: 1_024, seconds: 29 },
  // Ends before the next run begins.
  rollover: { memorySize: 512, seconds: 240 },
  // Signs what waited for it, within the hour for which a root is lent.
  ceremony: { memorySize: 512, seconds: 300 },
  // Makes RSA keys, which takes seconds of a processor.
  servers: { memorySize: 1_769, seconds: 300 },
  // Ends before the next run begins.
  safekeeping: { memorySize: 512, seconds: 240 },
  bootstrap: { memorySize: 512, seconds: 120 },
  provisioning: { memorySize: 512, seconds: 29 },
} as const satisfies Record<DeployedFunctionId, Size>;

// A policy holds 6,144 characters: a key's ARN takes up to 90, what a fleet has besides 260, what is said of them 1,000.
const charactersPerPolicy = 5_000;
const charactersOfKey = 90;
const charactersOfFleet = 260;

/** Fleets of one policy each, in their order. */
function policiesOf(duty: Duty, state: FleetKeyState): readonly (readonly string[])[] {
  const policies: string[][] = [];
  let room = 0;
  for (const fleet of state.keys.keys()) {
    const weight = charactersOfFleet + charactersOfKey * keyMentions(duty, state, fleet);
    if (weight > room) {
      policies.push([]);
      room = charactersPerPolicy;
    }
    policies.at(-1)?.push(fleet);
    room -= weight;
  }
  return policies;
}

/** Variables that name the functions which others start. */
const startVariables: Readonly<Partial<Record<TaskFunctionId, string>>> = {
  publication: "FLEETKEY_PUBLICATION_FUNCTION",
  maintenance: "FLEETKEY_MAINTENANCE_FUNCTION",
  rollover: "FLEETKEY_ROLLOVER_FUNCTION",
  ceremony: "FLEETKEY_CEREMONY_FUNCTION",
  servers: "FLEETKEY_SERVERS_FUNCTION",
  safekeeping: "FLEETKEY_SAFEKEEPING_FUNCTION",
};

/** @throws Error for a task of `duty` that is not among `started`. */
function startsOf(duty: Duty, started: StartedFunctions = {}): (readonly [variable: string, IFunction])[] {
  return duty.starts.map((id) => {
    const [variable, target] = [startVariables[id], started[id]];
    if (variable !== undefined && target !== undefined) return [variable, target] as const;
    throw new Error(
      `function ${duty.id} starts ${id}, which it was not given; create that first and pass it`,
    );
  });
}

/** Buckets and topic. */
function outlets(duty: Duty, { buckets, topic }: FleetKeyState): Record<string, string> {
  const lasts = duty.publishes.has("everything");
  const published = lasts || duty.publishes.has("artifacts") || duty.readsArtifacts;
  return {
    ...(published && { FLEETKEY_ARTIFACTS_BUCKET: buckets.artifacts.bucketName }),
    ...(lasts && {
      FLEETKEY_TRUST_STORES_BUCKET: buckets.trustStores.bucketName,
      FLEETKEY_RECORDS_BUCKET: buckets.records.bucketName,
    }),
    ...(duty.notifies && { FLEETKEY_TOPIC_ARN: topic.topicArn }),
  };
}

const plansOf = ({ fleets }: FleetKeyState) =>
  Object.fromEntries(Object.entries(fleets).map(([name, fleet]) => [name, planOf(fleet)] as const));

/**
 * What wraps, by fleet, the one in force first. The ids alone, and once what stands before them all: ARNs of thirty
 * fleets are more than an environment holds.
 */
function wrappingKeys(scope: Construct, { keys }: FleetKeyState): string {
  const prefix = Stack.of(scope).formatArn({ service: "kms", resource: "key", resourceName: "" });
  const fleets = [...keys].map(([fleet, { protection }]) => {
    const ids = [...protection.values()].map(keyIdOf).toReversed();
    return [fleet, ids] as const;
  });
  return JSON.stringify({ prefix, fleets: Object.fromEntries(fleets) });
}

/** The end of a key's ARN. */
const keyIdOf = ({ keyArn }: IKey): string => Fn.select(1, Fn.split("/", keyArn));

/** By name. Its id is the end of a key's ARN; the whole, for thirty fleets, is more than an environment holds. */
function dataKeyIds({ dataKeys }: FleetKeyState): Record<string, string> {
  return Object.fromEntries([...dataKeys].map(([name, key]) => [name, keyIdOf(key)]));
}

function environmentOf(
  scope: Construct,
  duty: Duty,
  { state, started }: DutyFunctionProps,
): Record<string, string> {
  const starts = startsOf(duty, started).map(([variable, { functionName }]) => [variable, functionName]);
  return {
    FLEETKEY_TABLE: state.items.tableName,
    ...(duty.protection.size > 0 && {
      FLEETKEY_SUBJECT_KEYS_TABLE: state.subjectKeys.tableName,
      FLEETKEY_WRAPPING_KEYS: wrappingKeys(scope, state),
    }),
    ...(duty.protection.has("keep") && { FLEETKEY_KEY_RECOVERY_DAYS: `${state.keyRecoveryDays}` }),
    ...(signs(duty) && { FLEETKEY_KEY_ALIAS_PREFIX: aliasPrefix(state.stage) }),
    ...(duty.id === "bootstrap" && { FLEETKEY_FLEETS: JSON.stringify(plansOf(state)) }),
    ...(duty.keepsKeys && { FLEETKEY_CEREMONY_ROLE: roleArn(scope, state.stage, "ceremony") }),
    ...(duty.keepsDataKeys && { FLEETKEY_DATA_KEYS: JSON.stringify(dataKeyIds(state)) }),
    ...(duty.keepsCertificates && { FLEETKEY_STAGE: state.stage }),
    ...outlets(duty, state),
    ...Object.fromEntries(starts),
  };
}

export class DutyFunction extends Construct {
  readonly function: NodeFunction;
  /** Encrypted, kept as long as the standard says, and longer than the function. */
  readonly logGroup: LogGroup;
  readonly role: Role;

  /** @throws Error for a `wrapper` in any account but the emulator's. */
  constructor(scope: Construct, id: string, props: DutyFunctionProps) {
    super(scope, id);
    if (props.wrapper !== undefined) assertEmulatorAccount(Stack.of(this).account);
    const { state } = props;
    const duty = dutyOf(props.duty);
    this.logGroup = new LogGroup(this, "Log", {
      logGroupName: logGroupName(state.stage, duty.id),
      encryptionKey: state.operationsKey,
      retention: retention.activityLogs.days,
      // A name of its own would stand in the way of a second attempt after a first deployment that failed.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.role = this.createRole(duty, props);
    this.function = this.createFunction(duty, props);
    this.acknowledgeFindings(duty, props);
  }

  private createRole(duty: Duty, { state, deadLetters, started }: DutyFunctionProps): Role {
    const role = new Role(this, "Role", {
      roleName: roleName(this, state.stage, duty.id),
      description: `Function ${duty.id} of Fleetkey stage ${state.stage}`,
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    const { logGroup } = this;
    const policy = (id: string, statements: PolicyStatement[]): void => {
      if (statements.length === 0) return;
      const description = `What function ${duty.id} of Fleetkey stage ${state.stage} touches`;
      new ManagedPolicy(this, id, { description, statements, roles: [role] });
    };
    const starts = startsOf(duty, started).map(([, target]) => target);
    const touched = { state, logGroup, starts, ...(deadLetters && { deadLetters }) };
    policy("Policy", dutyStatements(this, duty, touched));
    for (const [index, fleets] of policiesOf(duty, state).entries())
      policy(`Fleets${index + 1}`, fleetStatements(this, duty, state, fleets));
    return role;
  }

  private createFunction(duty: Duty, props: DutyFunctionProps): NodeFunction {
    const { state, deadLetters, reservedConcurrency } = props;
    const { memorySize, seconds } = sizes[duty.id];
    const name = functionName(state.stage, duty.id);
    const created = new NodeFunction(this, "Function", {
      ...(name !== undefined && { functionName: name }),
      description: `Fleetkey stage ${state.stage}: ${duty.id}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(this.bundle(duty.id, props.wrapper)),
      handler: "index.handler",
      // Whatever constructs would add to the role, it has in its policy already.
      role: this.role.withoutPolicyUpdates(),
      memorySize,
      timeout: Duration.seconds(seconds),
      environment: environmentOf(this, duty, props),
      environmentEncryption: state.dataKey,
      logGroup: this.logGroup,
      // Our lines are JSON already; Lambda's own JSON format may put a level of its own in the place of ours.
      loggingFormat: LoggingFormat.TEXT,
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      // The next run of a schedule does what this one did not.
      ...(deadLetters && {
        deadLetterQueue: deadLetters,
        retryAttempts: 0,
        // Those who start it may be many at once, and what waits behind a run is done by the next one.
        maxEventAge: Duration.minutes(isStarted(duty.id) ? 5 : 1),
      }),
    });
    // Policies attach to the role by its name alone: without this the first invocations might find none.
    created.node.addDependency(...this.node.children.filter((child) => child instanceof ManagedPolicy));
    return created;
  }

  /** The directory of the bundle, inside the app's output; of nothing, where CDK asks for no bundles (`cdk list`). */
  private bundle(entry: DeployedFunctionId, wrapper: string | undefined): string {
    const directory = join(Stage.of(this)?.assetOutdir ?? "cdk.out", "bundles", entry);
    // Chunks of an earlier synthesis would be deployed with those of this one.
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    if (Stack.of(this).bundlingRequired)
      bundleFunction({ entry, directory, ...(wrapper !== undefined && { wrapper }) });
    return directory;
  }

  private acknowledgeFindings(duty: Duty, props: DutyFunctionProps): void {
    acknowledge(
      this.function,
      "LambdaInsideVPC",
      "reaches AWS's own endpoints by IAM, and the issuers of tokens that a fleet's owners named, all over TLS; a network of ours would add a way in, and things to reach from within",
    );
    if (props.deadLetters === undefined)
      acknowledge(
        this.function,
        "LambdaDLQ",
        "its callers wait for the answer and see every failure; a queue would keep their requests",
      );
    if (props.reservedConcurrency === undefined)
      acknowledge(
        this.function,
        "LambdaConcurrency",
        `the stage's configuration reserves none for ${duty.id}: accounts that Lambda gives 10 executions cannot`,
      );
  }
}
