/**
 * Room: lambdas. The variables that a deployment gives its functions. Only entries read them: whatever comes
 * after an entry receives values.
 */
import { AppError } from "../core/errors.ts";

/** What each variable holds; the deployment sets those that its function needs. */
const variables = {
  FLEETKEY_TABLE: "name of the item table",
  FLEETKEY_SUBJECT_KEYS_TABLE: "name of the table of subject keys",
  FLEETKEY_KEY_ALIAS_PREFIX: "prefix of the signing keys' aliases, such as fleetkey/production",
  FLEETKEY_FLEETS: "JSON of the fleets that this deployment may make",
  FLEETKEY_ARTIFACTS_BUCKET: "bucket of published trust and revocation lists",
  FLEETKEY_TRUST_STORES_BUCKET: "bucket of the gateway's trust stores",
  FLEETKEY_RECORDS_BUCKET: "bucket of lasting records",
  FLEETKEY_TOPIC_ARN: "ARN of the topic for notices",
  FLEETKEY_PUBLICATION_FUNCTION: "name of the function that publishes revocations",
  FLEETKEY_MAINTENANCE_FUNCTION: "name of the function that goes on with bulk revocations",
  FLEETKEY_ROLLOVER_FUNCTION: "name of the function that moves rollovers on",
  FLEETKEY_CEREMONY_FUNCTION: "name of the function that holds ceremonies",
  FLEETKEY_SERVERS_FUNCTION: "name of the function that tends servers' certificates",
  FLEETKEY_SAFEKEEPING_FUNCTION: "name of the function that re-wraps and destroys subject keys",
  FLEETKEY_CEREMONY_ROLE: "ARN of the role to which roots are lent",
  FLEETKEY_DATA_KEYS: "JSON of the keys that encrypt: KMS key ids by name",
  FLEETKEY_WRAPPING_KEYS:
    "JSON of the keys that wrap: where KMS keys are, and ids by fleet, the one in force first",
  FLEETKEY_KEY_RECOVERY_DAYS: "days for which the table of subject keys can be restored, 0 to 35",
  FLEETKEY_STAGE: "name of the stage, with which certificates in ACM are tagged",
} as const;

export type VariableName = keyof typeof variables;

/**
 * The named variables, none of them empty.
 * @throws AppError configuration_invalid, naming every one that is missing and what it must hold.
 */
export function readEnvironment<Name extends VariableName>(
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  const values = names.map((name) => [name, process.env[name] ?? ""] as const);
  const missing = values.filter(([, value]) => value === "").map(([name]) => `${name} (${variables[name]})`);
  if (missing.length > 0) {
    throw new AppError(
      "configuration_invalid",
      `environment lacks ${missing.join(", ")}; deploy the function with its stack, or set them`,
    );
  }
  return Object.fromEntries(values) as Record<Name, string>;
}
