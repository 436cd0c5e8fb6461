/** Room: infra. The CDK app: `npm run synth`, or `npx cdk deploy -c stage=NAME`. */
import { App, type AppProps, Tags, Validations } from "aws-cdk-lib";
import { HIPAASecurityChecks } from "cdk-nag";
import { readStageConfiguration } from "./stage-configuration.ts";
import { StateStack } from "./state-stack.ts";

/**
 * The whole deployment as a construct tree, with the HIPAA rule pack on it: a finding that is not
 * acknowledged on its resource fails the synthesis.
 * @throws Error when the stage is not described, or described wrongly.
 */
export function createApp(props: AppProps = {}): App {
  const app = new App(props);
  const stage: unknown = app.node.tryGetContext("stage");
  const stages: unknown = app.node.tryGetContext("fleetkey:stages");
  const configuration = readStageConfiguration(stage, stages);
  const { account, region } = configuration;
  new StateStack(app, `Fleetkey-${configuration.stage}-State`, {
    configuration,
    description: "Fleetkey: records and the key that encrypts them; retained when the stack is deleted",
    env: { ...(account && { account }), ...(region && { region }) },
  });
  Tags.of(app).add("fleetkey:stage", configuration.stage);
  Validations.of(app).addPlugins(new HIPAASecurityChecks(app));
  return app;
}

if (import.meta.main) createApp().synth();
