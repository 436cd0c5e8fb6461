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
  /** Of the loans by which the function signs with roots. @default none: it signs with no root */
  readonly grantTokens?: readonly string[];
}

/** Any number of times: the same key gets the same certificate, a fleet that is there stays as it is. */
export async function bootstrapFleet(request: FleetRequest): Promise<BootstrappedFleet> {
  const { lambda, bootstrapFunction, fleet, directory, withOperator = true, origin, artifacts } = request;
  const operator = withOperator ? { operator: { operatorId, csr: await prepareOperator(directory) } } : {};
  const places = { ...(origin !== undefined && { origin }), ...(artifacts !== undefined && { artifacts }) };
  const { grantTokens = [] } = request;
  const event = { fleet, ...operator, ...places, ...(grantTokens.length > 0 && { grantTokens }) };
  const answer = (await invokeTask(lambda, bootstrapFunction, event)) as BootstrappedFleet;
  await installRoot(directory, answer);
  if (withOperator) await installOperator(directory, answer);
  return answer;
}

export interface GatewayRequest {
  readonly lambda: LambdaClient;
  readonly bootstrapFunction: string;
  readonly fleets: readonly string[];
  /** Of the trust store that the gateway reads by now. */
  readonly versionId: string;
}

/** Has on record which authorities of each fleet the gateway lets clients come from: a successor waits for that. */
export async function confirmGateway(request: GatewayRequest): Promise<void> {
  const { lambda, bootstrapFunction, fleets, versionId } = request;
  for (const fleet of fleets) await invokeTask(lambda, bootstrapFunction, { fleet, gateway: { versionId } });
}
