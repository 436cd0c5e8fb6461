/** Room: scripts/rehearsal. The deployment's call of the bootstrap function, with the roots lent, and back afterwards. */
import { outputOf } from "../deployment/cdk.ts";
import { bootstrapFleet, confirmGateway } from "../deployment/fleets.ts";
import type { BootstrappedFleet } from "../deployment/operator.ts";
import { withRoots } from "../deployment/roots.ts";
import { originOf } from "../deployment/stacks.ts";
import { stackNames } from "../deployment/stage.ts";
import { type RehearsedStage, rehearsed } from "./rehearsed-stage.ts";

type Bootstrapping = Omit<RehearsedStage, "fleet">;

const bootstrapFunctionOf = ({ outputs, stage }: Bootstrapping): string =>
  outputOf(outputs, stackNames(stage).api, "BootstrapFunction");

export function bootstrap(stage: Bootstrapping): Promise<BootstrappedFleet> {
  const { clients, stage: name, region, operatorDirectory, outputs } = stage;
  const { fleet } = rehearsed;
  const request = {
    lambda: clients.lambda,
    bootstrapFunction: bootstrapFunctionOf(stage),
    fleet,
    directory: operatorDirectory,
    origin: originOf(name, outputs),
  };
  const roots = { kms: clients.kms, stage: name, region, fleet, configuration: {} };
  return withRoots(roots, (grantTokens) => bootstrapFleet({ ...request, grantTokens }));
}

/** As a deployment ends where a stage has domains: the trust store is written, and its version said to be the gateway's. */
export async function tellGateway(stage: Bootstrapping): Promise<void> {
  const { trustStore } = await bootstrap(stage);
  const { versionId } = trustStore;
  if (versionId === undefined) throw new Error("the trust store has no version");
  const { lambda } = stage.clients;
  const where = { lambda, bootstrapFunction: bootstrapFunctionOf(stage) };
  await confirmGateway({ ...where, fleets: [rehearsed.fleet], versionId });
}
