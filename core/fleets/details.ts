/** Room: core/fleets. What operators are shown of their fleet. */
import type { Fleet } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import type { FleetConfiguration } from "../records/fleet-configuration.ts";

export interface FleetDetails {
  readonly fleet: string;
  readonly trustDomain: string;
  readonly state: "active" | "suspended";
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** 0 while nobody has configured the fleet. */
  readonly configurationVersion: number;
  readonly configuration: FleetConfiguration;
}

export function fleetDetails({ record, configuration, configurationVersion }: Fleet): FleetDetails {
  const { fleet, trustDomain, state, createdAt } = record;
  return { fleet, trustDomain, state, createdAt: isoSeconds(createdAt), configurationVersion, configuration };
}
