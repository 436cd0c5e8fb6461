/** Room: core/enrollment. A fleet's own rule on what its devices are called. */
import { AppError } from "../errors.ts";
import type { FleetConfiguration } from "../records/fleet-configuration.ts";

/** @throws AppError name_not_permitted: the fleet's rule on names. */
export function checkDeviceName(configuration: FleetConfiguration, deviceId: string): void {
  const { deviceIdPrefixes: prefixes } = configuration;
  if (prefixes.length === 0 || prefixes.some((prefix) => deviceId.startsWith(prefix))) return;
  throw new AppError(
    "name_not_permitted",
    `device identifier begins with none of the fleet's prefixes; use ${prefixes.join(" or ")}`,
  );
}
