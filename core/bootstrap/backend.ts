/**
 * Room: core/bootstrap. What whoever holds a deployment's own keys may do without anybody's approval: name a backend in a
 * fleet's configuration and certify its key. Over HTTP the same takes the fleet's owners, two of them.
 */
import { auditEntry } from "../audit/entry.ts";
import { assertFleetActive, type Fleet, getFleet } from "../authority/issuer.ts";
import type { IssuedCertificate } from "../enrollment/answer.ts";
import { certifyDeployedBackend } from "../enrollment/backend-certificate.ts";
import { judgeBackendRequest } from "../enrollment/backend-request.ts";
import { AppError, isAppError } from "../errors.ts";
import { checkConfiguration } from "../fleets/configuration-check.ts";
import type { App } from "../ports.ts";
import { type BackendTrust, configurationItem } from "../records/fleet-configuration.ts";
import type { PipelineOperation } from "../standard/access.ts";

export interface DeploymentBackend {
  readonly fleet: string;
  readonly backendId: string;
  readonly operations: readonly PipelineOperation[];
  readonly purposes: readonly string[];
  /** DER. */
  readonly csr: Uint8Array;
}

/** As the audit log names whoever holds the deployment. */
const actor = "system";
/** The configuration changes with people's decisions: seldom. */
const attempts = 5;

async function writeTrust(app: App, found: Fleet, entry: BackendTrust): Promise<void> {
  const { configuration, configurationVersion: stored } = found;
  const others = configuration.pipelines.filter(({ id }) => id !== entry.id);
  const changed = { ...configuration, pipelines: [...others, entry] };
  checkConfiguration(changed, app.clock.now());
  const { fleet } = found.record;
  await app.items.transact([
    { put: configurationItem(fleet, changed), when: stored === 0 ? "absent" : stored },
    auditEntry(app, { fleet, action: "fleet.configured", actor, subject: fleet, result: "success" }),
  ]);
}

async function trust(app: App, fleet: string, entry: BackendTrust): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await getFleet(app, fleet);
    const named = found.configuration.pipelines.find(({ id }) => id === entry.id);
    if (named !== undefined && named.kind !== "certificate")
      throw new AppError(
        "already_exists",
        `"${entry.id}" names a pipeline of the fleet; choose another name`,
      );
    if (JSON.stringify(named) === JSON.stringify(entry)) return;
    try {
      await writeTrust(app, found, entry);
      return;
    } catch (error) {
      if (!isAppError(error, "store_condition_failed") || attempt === attempts) throw error;
    }
  }
}

/**
 * Trusts the backend with these operations and purposes, in the place of what it was trusted with before, and certifies
 * its key. The same again changes nothing and gives the same certificate.
 * @throws AppError name_not_permitted, request_invalid (purposes, operations), already_exists (a pipeline of that name),
 * not_found (fleet), fleet_suspended; see `certifyDeployedBackend`.
 */
export async function deployBackend(app: App, backend: DeploymentBackend): Promise<IssuedCertificate> {
  const { fleet, backendId, operations, purposes, csr } = backend;
  const found = await getFleet(app, fleet);
  // Before the configuration is changed: whoever gets no certificate is named in none.
  assertFleetActive(found);
  await judgeBackendRequest(found, backend);
  await trust(app, fleet, {
    kind: "certificate",
    id: backendId,
    backend: backendId,
    operations,
    profiles: [],
    purposes,
  });
  const fleetState = await getFleet(app, fleet);
  return certifyDeployedBackend(app, { certifier: { fleetState, actor }, backendId, csr });
}
