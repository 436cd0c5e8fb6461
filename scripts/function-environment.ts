/** Room: scripts. Every variable that a deployment may set, with values of nowhere: functions start with it and reach nobody. */

const fleets = {
  default: { trustDomain: "example.test", rootAlgorithm: "P-384", issuingAlgorithm: "P-256" },
};
const keyId = "1234abcd-12ab-34cd-56ef-1234567890ab";

export const functionEnvironment: Readonly<Record<string, string>> = {
  AWS_REGION: "eu-central-1",
  FLEETKEY_TABLE: "items",
  FLEETKEY_SUBJECT_KEYS_TABLE: "subject-keys",
  FLEETKEY_KEY_ALIAS_PREFIX: "fleetkey/example",
  FLEETKEY_FLEETS: JSON.stringify(fleets),
  FLEETKEY_ARTIFACTS_BUCKET: "artifacts",
  FLEETKEY_TRUST_STORES_BUCKET: "trust-stores",
  FLEETKEY_RECORDS_BUCKET: "records",
  FLEETKEY_TOPIC_ARN: "arn:aws:sns:eu-central-1:000000000000:notices",
  FLEETKEY_PUBLICATION_FUNCTION: "publication",
  FLEETKEY_MAINTENANCE_FUNCTION: "maintenance",
  FLEETKEY_ROLLOVER_FUNCTION: "rollover",
  FLEETKEY_CEREMONY_FUNCTION: "ceremony",
  FLEETKEY_SERVERS_FUNCTION: "servers",
  FLEETKEY_SAFEKEEPING_FUNCTION: "safekeeping",
  FLEETKEY_CEREMONY_ROLE: "arn:aws:iam::000000000000:role/ceremony",
  FLEETKEY_DATA_KEYS: JSON.stringify({ data: keyId }),
  FLEETKEY_WRAPPING_KEYS: JSON.stringify({
    prefix: "arn:aws:kms:eu-central-1:000000000000:key/",
    fleets: { default: [keyId] },
  }),
  FLEETKEY_KEY_RECOVERY_DAYS: "7",
  FLEETKEY_STAGE: "example",
};
