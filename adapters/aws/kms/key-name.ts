/**
 * Room: adapters/aws. Names of keys: the keyId that the product stores, and the alias that people and stacks see.
 */
import { AppError } from "../../../core/errors.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../../core/formats/algorithms.ts";

export interface KeyName {
  readonly keyId: string;
  readonly algorithm: AuthorityAlgorithmId;
  readonly arn: string;
}

const keyIdPattern =
  /^(?<algorithm>[A-Za-z0-9-]{1,20}):(?<arn>arn:aws[a-z-]{0,20}:kms:[a-z0-9-]{1,30}:\d{12}:key\/[A-Za-z0-9-]{1,64})$/;

const isAlgorithm = (id: string | undefined): id is AuthorityAlgorithmId =>
  id !== undefined && Object.hasOwn(authorityAlgorithms, id);

/** The keyId carries the algorithm, so that signing needs nothing but kms:Sign. */
export function keyName(algorithm: AuthorityAlgorithmId, arn: string): KeyName {
  return { keyId: `${algorithm}:${arn}`, algorithm, arn };
}

/** @throws AppError key_not_found for what `keyName` never made: no call is spent on it. */
export function parseKeyId(keyId: string): KeyName {
  const { algorithm, arn } = keyIdPattern.exec(keyId)?.groups ?? {};
  if (isAlgorithm(algorithm) && arn !== undefined) return { keyId, algorithm, arn };
  throw new AppError(
    "key_not_found",
    `key id of ${keyId.length} characters names no KMS key; it reads {algorithm}:{key ARN}`,
  );
}

// KMS takes more; the local key store does not, and a deployment can move only between equal names.
const aliasPattern = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const aliasCharacters = 200;
/** KMS API reference, CreateAlias. */
const aliasNameCharacters = 256;

/** `alias/{prefix}/{alias}`. @throws AppError configuration_invalid. */
export function aliasName(prefix: string, alias: string): string {
  const name = `alias/${prefix}/${alias}`;
  const fits = alias.length <= aliasCharacters && name.length <= aliasNameCharacters;
  if (fits && aliasPattern.test(prefix) && aliasPattern.test(alias)) return name;
  throw new AppError(
    "configuration_invalid",
    `key alias of ${alias.length} characters under a prefix of ${prefix.length} is refused; limit ` +
      `${aliasCharacters}, and ${aliasNameCharacters} with "alias/" and the prefix: letters, digits, "_" and "-", ` +
      'in parts separated by "/"',
  );
}
