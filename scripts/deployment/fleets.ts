/** Room: scripts/deployment. Makes the configured fleets through the bootstrap function, and keeps what they answer. */
import type { LambdaClient } from "@aws-sdk/client-lambda";
import {
  type BootstrappedFleet,
  installOperator,
  installRoot,
  operatorId,
  prepareOperator,
} from "./operator.ts";
import { invokeTask } from "./tasks.ts";

export interface FleetRequest {
  readonly lambda: LambdaClient;
  /** Name of the bootstrap function. */
  readonly bootstrapFunction: string;
  readonly fleet: string;
  /** Receives the operator's key, made there unless it is there, and what the fleet certified. */
  readonly directory: string;
  /** Whether an operator is certified. @default true */
  readonly withOperator?: boolean;
  /** `https://host[:port]` under which operators use their passkeys. @default as the fleet has it */
  readonly origin?: string;
  /** `https://host` from which others read what is published. @default the API serves it */
  readonly artifacts?: string;
}

/** Any number of times: the same key gets the same certificate, a fleet that is there stays as it is. */
export async function bootstrapFleet(request: FleetRequest): Promise<BootstrappedFleet> {
  const { lambda, bootstrapFunction, fleet, directory, withOperator = true, origin, artifacts } = request;
  const operator = withOperator ? { operator: { operatorId, csr: await prepareOperator(directory) } } : {};
  const places = { ...(origin !== undefined && { origin }), ...(artifacts !== undefined && { artifacts }) };
  const event = { fleet, ...operator, ...places };
  const answer = (await invokeTask(lambda, bootstrapFunction, event)) as BootstrappedFleet;
  await installRoot(directory, answer);
  if (withOperator) await installOperator(directory, answer);
  return answer;
}
