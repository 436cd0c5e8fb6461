/** Room: infra. The CDK app: `npm run synth`, or `npm run deploy -- --stage NAME`. */
import { join } from "node:path";
import { App, type AppProps, type Environment, Tags, Validations } from "aws-cdk-lib";
import { HIPAASecurityChecks } from "cdk-nag";
import { ApiStack } from "./api-stack.ts";
import { readEmulatorFlag } from "./configuration/emulator.ts";
import { addEdgeStacks } from "./edge-stacks.ts";
import { readStageConfiguration, type StageConfiguration } from "./stage-configuration.ts";
import { StateStack } from "./state-stack.ts";

/** The rehearsal's front asks for client certificates and verifies them; this takes them from its header. */
const forwardedCertificate = join(import.meta.dirname, "../scripts/rehearsal/forwarded-certificate.ts");

function createStacks(app: App, configuration: StageConfiguration, emulator: boolean): void {
  const { stage, account, region } = configuration;
  const env: Environment = { ...(account && { account }), ...(region && { region }) };
  const name = (part: string): string => `Fleetkey-${stage}-${part}`;
  const { state } = new StateStack(app, name("State"), {
    configuration,
    emulator,
    description: "Fleetkey: keys, records and the trust that others read; retained when the stack is deleted",
    env,
  });
  const { service } = new ApiStack(app, name("Api"), {
    configuration,
    state,
    emulator,
    ...(emulator && { emulatedGateway: forwardedCertificate }),
    description: "Fleetkey: functions, API, schedules and alarms",
    env,
  });
  addEdgeStacks(app, {
    configuration,
    api: service.api,
    state,
    trustStoreVersion: app.node.tryGetContext("fleetkey:trustStoreVersion"),
  });
}

/**
 * The whole deployment as a construct tree, with the HIPAA rule pack on it: a finding that is not
 * acknowledged on its resource fails the synthesis.
 * @throws Error when the stage is not described, or described wrongly.
 */
export function createApp(props: AppProps = {}): App {
  const app = new App(props);
  const context = (key: string): unknown => app.node.tryGetContext(key);
  const configuration = readStageConfiguration(context("stage"), context("fleetkey:stages"));
  createStacks(app, configuration, readEmulatorFlag(context("fleetkey:emulator"), configuration.account));
  Tags.of(app).add("fleetkey:stage", configuration.stage);
  Validations.of(app).addPlugins(new HIPAASecurityChecks(app));
  return app;
}

if (import.meta.main) createApp().synth();
