/** Room: infra. The code of one stage: functions, API, schedules, alarms. It can be deployed and deleted at will. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Key } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";
import type { SigningKeyKind } from "./configuration/key-generations.ts";
import { FleetKey } from "./constructs/fleetkey.ts";
import type { FleetKeyState } from "./constructs/fleetkey-state.ts";
import { Observability } from "./constructs/observability.ts";
import type { StageConfiguration } from "./stage-configuration.ts";

export interface ApiStackProps extends StackProps {
  readonly configuration: StageConfiguration;
  readonly state: FleetKeyState;
  /** Leaves out what the emulator lacks. @default false */
  readonly emulator?: boolean;
  /** As of `FleetKey`. @default - none */
  readonly emulatedGateway?: string;
}

export class ApiStack extends Stack {
  readonly service: FleetKey;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, { ...props, suppressTemplateIndentation: true });
    const { configuration, state, emulator = false, emulatedGateway } = props;
    this.service = new FleetKey(this, "Service", {
      state,
      reservedConcurrency: configuration.reservedConcurrency,
      executeApiEndpoint: configuration.domains === undefined,
      emulator,
      ...(emulatedGateway !== undefined && { emulatedGateway }),
    });
    this.observe(configuration, emulator);
    const { api, functions } = this.service;
    // With names of its own the API does not answer under the one that API Gateway gave it.
    const { domains } = configuration;
    const url = domains === undefined ? api.apiEndpoint : `https://${domains.public.name}`;
    new CfnOutput(this, "ApiUrl", { value: url });
    new CfnOutput(this, "BootstrapFunction", { value: functions.bootstrap.function.functionName });
    new CfnOutput(this, "ProvisioningFunction", { value: functions.provisioning.function.functionName });
  }

  private observe({ stage, alarmActions }: StageConfiguration, emulator: boolean): void {
    const { api, functions, state, deadLetters, schedules } = this.service;
    const keysOf = (...kinds: readonly SigningKeyKind[]): Record<string, Key> =>
      Object.fromEntries(
        [...state.keys].flatMap(([fleet, keys]) =>
          kinds.flatMap((kind) => [...keys[kind]].map(([name, key]) => [`${fleet}-${name}`, key])),
        ),
      );
    new Observability(this, "Observability", {
      stage,
      functions,
      api,
      items: state.items,
      subjectKeys: state.subjectKeys,
      dataKeys: [...state.dataKeys.values()],
      issuingKeys: keysOf("issuing"),
      rootKeys: keysOf("root"),
      serviceKeys: keysOf("ocsp", "trust"),
      deadLetters,
      scheduleGroupName: schedules.group.scheduleGroupName,
      topic: state.topic,
      alarmActions,
      emulator,
    });
  }
}
