/** Room: core/fleets. A fleet's owners change what it accepts and whom it trusts: with an MFA assertion over it. */
import { type ApprovedOperation, executeApproved } from "../access/approval.ts";
import type { OperatorCaller } from "../access/caller.ts";
import { auditEntry } from "../audit/entry.ts";
import { getFleet } from "../authority/issuer.ts";
import { AppError, isAppError } from "../errors.ts";
import type { KeylessApp } from "../ports.ts";
import {
  configurationItem,
  defaultConfiguration,
  type FleetConfiguration,
} from "../records/fleet-configuration.ts";
import { checkConfiguration } from "./configuration-check.ts";
import { type FleetDetails, fleetDetails } from "./details.ts";

export interface ConfigurationRequest {
  readonly caller: OperatorCaller;
  readonly approval: ApprovedOperation;
  /** Members left out are at their defaults. */
  readonly configuration: Partial<FleetConfiguration>;
  /** The version that the caller has seen. @default the one that is stored now */
  readonly version?: number;
}

/** No program may repeat the request by itself: it would overwrite what it has not seen. */
function changedMeanwhile(expected: number, found: number): AppError {
  return new AppError(
    "configuration_changed",
    `the configuration has version ${found}, not ${expected}: somebody changed it; read it again and decide anew`,
  );
}

/**
 * Replaces the whole configuration, spends the approval and writes the audit entry, all or none.
 * @throws AppError see `checkConfiguration`; configuration_changed: the approval is still good; approval_spent.
 */
export async function configureFleet(app: KeylessApp, request: ConfigurationRequest): Promise<FleetDetails> {
  const { caller, approval, version } = request;
  const { fleet, fleetState } = caller;
  const stored = fleetState.configurationVersion;
  if (version !== undefined && version !== stored) throw changedMeanwhile(version, stored);
  const configuration: FleetConfiguration = { ...defaultConfiguration, ...request.configuration };
  checkConfiguration(configuration, app.clock.now());
  const act = {
    fleet,
    action: "fleet.configured",
    actor: caller.actor,
    subject: fleet,
    result: "success",
  } as const;
  try {
    await executeApproved(app, approval, [
      { put: configurationItem(fleet, configuration), when: stored === 0 ? "absent" : stored },
      auditEntry(app, act),
    ]);
  } catch (error) {
    if (!isAppError(error, "store_condition_failed")) throw error;
    const { configurationVersion } = await getFleet(app, fleet);
    throw changedMeanwhile(stored, configurationVersion);
  }
  return fleetDetails({ ...fleetState, configuration, configurationVersion: stored + 1 });
}
