/**
 * Room: local. The fleets of one data directory: the first, and those that `createLocalFleet` made, each with a
 * directory for its operator's files. The store itself has no list of fleets: nothing may read across tenants.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../adapters/local/whole-files.ts";
import { distribute } from "../core/bootstrap/distribution.ts";
import { moveOrigin } from "../core/bootstrap/origin.ts";
import { checkFleetId } from "../core/policy/identifiers.ts";
import type { DeploymentApp } from "../core/ports.ts";
import { codeOf } from "../lambdas/http/problems.ts";
import { describeError } from "../lambdas/http/redaction.ts";
import { writeOperatorFiles } from "./bootstrap-files.ts";

export const firstFleet = "default";

export const fleetDirectory = (dataDir: string, fleet: string): string => join(dataDir, "fleets", fleet);

/**
 * Names of the fleets besides the first, in order; none where there is no directory of them. A name is worth no more
 * than its directory: whether the store knows the fleet, the store says.
 */
export async function createdFleets(dataDir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(join(dataDir, "fleets"), { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return names.filter((name) => name !== firstFleet && checkFleetId(name).allow).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/**
 * Has the fleets besides the first follow the server: its origin, and operator credentials that do not run out. One
 * fleet's trouble (a directory of a restored backup that the store does not know, one that others may read) is logged,
 * and is no other's.
 */
async function tendFleets(app: DeploymentApp, dataDir: string, origin: string): Promise<void> {
  for (const fleet of await createdFleets(dataDir)) {
    try {
      await moveOrigin(app, fleet, origin);
      await distribute(app, fleet);
      await writeOperatorFiles(app, fleet, fleetDirectory(dataDir, fleet));
    } catch (error) {
      app.log.error("fleet_not_tended", { fleet, code: codeOf(error), ...describeError(error) });
    }
  }
}

/**
 * Has all fleets follow the server to `origin`. Said again it writes nothing, unless another server of the same data
 * directory was started since: the one that is left takes its fleets back.
 * @throws AppError of the first fleet's trouble; the others' is logged.
 */
export async function followOrigin(app: DeploymentApp, dataDir: string, origin: string): Promise<void> {
  await moveOrigin(app, firstFleet, origin);
  await distribute(app, firstFleet);
  await tendFleets(app, dataDir, origin);
}
