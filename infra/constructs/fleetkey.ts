/** Room: infra. The whole service as one construct: what others import, and what our own stacks are made of. */
import { Stack } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Metric, type MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { Function as DeployedFunction, type IFunction } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { PipelineOperation } from "../../core/standard/access.ts";
import {
  type DeployedFunctionId,
  defaultReservedConcurrency,
  type ReservedConcurrency,
} from "../configuration/concurrency.ts";
import { assertEmulatorAccount } from "../configuration/emulator.ts";
import { functionName, objectKeys } from "./deployment-names.ts";
import { DutyFunction, type DutyFunctionProps } from "./duty-function.ts";
import { FleetKeyState, type FleetKeyStateProps } from "./fleetkey-state.ts";
import { HttpApi, type Throttling } from "./http-api.ts";
import { endpoint } from "./key-policies.ts";
import { forBackends, forSubjectKeys, subjectKeyPartitions, wrappingKeyArns } from "./protection-grants.ts";
import { deadLetterQueue, Schedules, unattendedFunctions } from "./schedules.ts";

export interface FleetKeyProps extends FleetKeyStateProps {
  /**
   * What outlives the code. Give it when that stands in a stack of its own; the members that describe state are then
   * taken from it.
   * @default - made here, from the other members
   */
  readonly state?: FleetKeyState;
  /** Executions held for each function; a function set to `undefined` shares what the account has left. @default - see configuration/concurrency.ts */
  readonly reservedConcurrency?: ReservedConcurrency;
  /** API Gateway's own name for the API answers. Set false once there is a domain: it is a way around mutual TLS. @default true */
  readonly executeApiEndpoint?: boolean;
  /** @default - 1,000 requests a second, 500 at once */
  readonly throttling?: Throttling;
  /** Of each route on which anybody may make the service sign or write, such as OCSP. @default - 100 a second, 50 at once */
  readonly strangerThrottling?: Throttling;
  /**
   * Absolute path of a module around the handlers of requests, which stands for what the emulator's gateway lacks: mutual
   * TLS. For the emulator's account alone.
   * @default - none
   */
  readonly emulatedGateway?: string;
}

/**
 * Keys and certificates for fleets of devices: authorities in KMS, an HTTP API, and the functions behind it.
 *
 *     const pki = new FleetKey(this, "Pki", { fleets: { pumps: { … } } });
 *     pki.grantEnrollmentTokenCreation(productionLine);
 */
export class FleetKey extends Construct {
  readonly state: FleetKeyState;
  readonly api: IHttpApi;
  readonly functions: Readonly<Record<DeployedFunctionId, DutyFunction>>;
  readonly http: HttpApi;
  readonly schedules: Schedules;
  /** Where calls end up that failed for good; by what sends to it. */
  readonly deadLetters: Readonly<Record<string, Queue>>;

  constructor(scope: Construct, id: string, props: FleetKeyProps = {}) {
    super(scope, id);
    if (props.emulator === true || props.emulatedGateway !== undefined)
      assertEmulatorAccount(Stack.of(this).account);
    this.state = props.state ?? new FleetKeyState(this, "State", props);
    const queues = Object.fromEntries(
      unattendedFunctions.map((name) => [name, deadLetterQueue(this, `${name}-dead-letters`, this.state)]),
    );
    this.functions = this.createFunctions(props, queues);
    const { enrollment, distribution, revocation, ocsp, access, rotation, protection, ...tasks } =
      this.functions;
    this.http = new HttpApi(this, "Http", {
      state: this.state,
      functions: {
        enrollment: enrollment.function,
        distribution: distribution.function,
        revocation: revocation.function,
        ocsp: ocsp.function,
        access: access.function,
        rotation: rotation.function,
        protection: protection.function,
      },
      executeApiEndpoint: props.executeApiEndpoint ?? true,
      throttling: props.throttling ?? { rateLimit: 1_000, burstLimit: 500 },
      strangerThrottling: props.strangerThrottling ?? { rateLimit: 100, burstLimit: 50 },
    });
    // HttpApi implements IHttpApi; the two disagree on what an absent optional member is.
    this.api = this.http.api as IHttpApi;
    this.schedules = new Schedules(this, "Schedules", {
      state: this.state,
      functions: {
        reconciliation: tasks.reconciliation.function,
        publication: tasks.publication.function,
        maintenance: tasks.maintenance.function,
        rollover: tasks.rollover.function,
        ceremony: tasks.ceremony.function,
        servers: tasks.servers.function,
        safekeeping: tasks.safekeeping.function,
        bootstrap: tasks.bootstrap.function,
        provisioning: tasks.provisioning.function,
      },
    });
    this.deadLetters = { ...queues, scheduler: this.schedules.deadLetters };
  }

  /** Lets `grantee` create one-time enrolment tokens of every fleet, by invoking one function. */
  grantEnrollmentTokenCreation(grantee: IGrantable): Grant {
    return this.grantInvocation(grantee, "provisioning");
  }

  /**
   * Lets `grantee` make the configured fleets and certify operators: whoever may do this can act as an operator of
   * every fleet.
   */
  grantBootstrap(grantee: IGrantable): Grant {
    return this.grantInvocation(grantee, "bootstrap");
  }

  /**
   * Lets `grantee` call the routes of one fleet under /v1/iam, by SigV4. That is half of it: the fleet's configuration
   * must also name the grantee's role, and what it may do.
   * @param operations What it may call. @default all that pipelines may be allowed
   * @throws Error for a fleet that is not configured.
   */
  grantPipelineInvocation(
    grantee: IGrantable,
    fleet: string,
    ...operations: readonly PipelineOperation[]
  ): Grant {
    this.state.keysOf(fleet);
    return Grant.addToPrincipal({
      grantee,
      actions: ["execute-api:Invoke"],
      resourceArns: this.http.iamRouteArns(fleet, operations.length === 0 ? undefined : operations),
    });
  }

  /**
   * Lets `grantee` wrap and unwrap data keys of one fleet, with the encryption context `fleet` = the fleet's name and
   * never without; as the AWS Encryption SDK does with a KMS keyring. What the service wraps for itself, subject keys above
   * all, it does not open.
   * @throws Error for a fleet that is not configured.
   */
  grantDataKeys(grantee: IGrantable, fleet: string): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resourceArns: wrappingKeyArns(this.state, fleet),
      conditions: forBackends(fleet),
    });
  }

  /**
   * Lets `grantee` read the wrapped subject keys of one fleet and open them, without the API: for backends that must
   * read while it is away. It can make none and change none. Whoever has this reads all that the fleet has protected.
   * @throws Error for a fleet that is not configured.
   */
  grantSubjectKeys(grantee: IGrantable, fleet: string): Grant {
    const { subjectKeys, dataKey } = this.state;
    const opening = Grant.addToPrincipal({
      grantee,
      actions: ["kms:Decrypt"],
      resourceArns: wrappingKeyArns(this.state, fleet),
      conditions: forSubjectKeys(fleet),
    });
    const reading = Grant.addToPrincipal({
      grantee,
      actions: ["dynamodb:GetItem", "dynamodb:Query"],
      resourceArns: [subjectKeys.tableArn],
      // Both calls name a partition, so that this is never vacuous.
      conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": subjectKeyPartitions(fleet) } },
    });
    const decryption = Grant.addToPrincipal({
      grantee,
      actions: ["kms:Decrypt", "kms:DescribeKey"],
      resourceArns: [dataKey.keyArn],
      conditions: { StringEquals: { "kms:ViaService": endpoint(this, "dynamodb") } },
    });
    return opening.combine(reading).combine(decryption);
  }

  /**
   * Lets `grantee` read the published trust bundle of one fleet, which the API serves to everybody.
   * @throws Error for a fleet that is not configured.
   */
  grantTrustRead(grantee: IGrantable, fleet: string): Grant {
    this.state.keysOf(fleet);
    const { artifacts } = this.state.buckets;
    const decryption = Grant.addToPrincipal({
      grantee,
      actions: ["kms:Decrypt"],
      resourceArns: [this.state.dataKey.keyArn],
      conditions: {
        StringEquals: {
          "kms:ViaService": endpoint(this, "s3"),
          // With a bucket key, S3 names the bucket and not the object.
          "kms:EncryptionContext:aws:s3:arn": artifacts.bucketArn,
        },
      },
    });
    const reading = Grant.addToPrincipal({
      grantee,
      actions: ["s3:GetObject"],
      resourceArns: [artifacts.arnForObjects(objectKeys.trustBundle(fleet))],
    });
    return reading.combine(decryption);
  }

  /** Requests to the API, or what `metricName` of AWS/ApiGateway counts; a sum over five minutes. */
  metric(metricName = "Count", options: MetricOptions = {}): Metric {
    const dimensionsMap = { ApiId: this.api.apiId };
    return new Metric({
      namespace: "AWS/ApiGateway",
      metricName,
      dimensionsMap,
      statistic: "Sum",
      ...options,
    });
  }

  private grantInvocation(grantee: IGrantable, id: DeployedFunctionId): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ["lambda:InvokeFunction"],
      resourceArns: [this.functions[id].function.functionArn],
    });
  }

  private namedFunction(id: DeployedFunctionId): IFunction {
    const name = functionName(this.state.stage, id);
    if (name === undefined) throw new Error(`function ${id} is named by CloudFormation; refer to it instead`);
    return DeployedFunction.fromFunctionName(this, `${id}-by-name`, name);
  }

  private createFunctions(
    props: FleetKeyProps,
    queues: Readonly<Record<string, Queue>>,
  ): Readonly<Record<DeployedFunctionId, DutyFunction>> {
    const { reservedConcurrency = defaultReservedConcurrency, emulatedGateway: wrapper } = props;
    const create = (
      duty: DeployedFunctionId,
      others: Pick<DutyFunctionProps, "started" | "wrapper"> = {},
    ): DutyFunction =>
      new DutyFunction(this, duty, {
        duty,
        state: this.state,
        reservedConcurrency: reservedConcurrency[duty],
        ...(queues[duty] && { deadLetters: queues[duty] }),
        ...others,
      });
    // Whoever is started is made before whoever starts it; the ceremony starts its starter, which has a name.
    const publication = create("publication");
    const started = { publication: publication.function, rollover: this.namedFunction("rollover") };
    const maintenance = create("maintenance", { started });
    const servers = create("servers", { started });
    const safekeeping = create("safekeeping");
    const ceremony = create("ceremony", { started });
    const all = {
      ...{ ...started, maintenance: maintenance.function },
      ...{ servers: servers.function, ceremony: ceremony.function },
      safekeeping: safekeeping.function,
    };
    const serving = { started: all, ...(wrapper !== undefined && { wrapper }) };
    return {
      enrollment: create("enrollment", serving),
      distribution: create("distribution", serving),
      revocation: create("revocation", serving),
      ocsp: create("ocsp", serving),
      access: create("access", serving),
      rotation: create("rotation", serving),
      protection: create("protection", serving),
      publication,
      maintenance,
      rollover: create("rollover", { started: all }),
      ceremony,
      servers,
      safekeeping,
      reconciliation: create("reconciliation"),
      bootstrap: create("bootstrap"),
      provisioning: create("provisioning"),
    };
  }
}
