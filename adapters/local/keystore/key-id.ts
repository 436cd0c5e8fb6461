/**
 * Room: adapters/local. Names of keys in the key store: the alias that people give, the key id that the product stores.
 */
import { AppError } from "../../../core/errors.ts";

// What KMS takes as an alias too; the length leaves room for a file name.
const aliasPattern = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const aliasCharacters = 200;
// The alias and 64 random bits: a key made anew under an old alias is another key.
const keyIdPattern = /^(?<alias>[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*):(?<suffix>[0-9a-f]{16})$/;

/** @throws AppError configuration_invalid. */
export function checkAlias(alias: string): void {
  if (alias.length <= aliasCharacters && aliasPattern.test(alias)) return;
  throw new AppError(
    "configuration_invalid",
    `key alias of ${alias.length} characters is refused; limit ${aliasCharacters}, ` +
      'letters, digits, "_" and "-", in parts separated by "/"',
  );
}

export interface KeyName {
  readonly alias: string;
  /** Tells it from other keys that had the alias. */
  readonly suffix: string;
}

/** @throws AppError key_not_found for what no key of this store is called: no file is looked for. */
export function parseKeyId(keyId: string): KeyName {
  const { alias, suffix } = keyIdPattern.exec(keyId)?.groups ?? {};
  if (alias === undefined || suffix === undefined || alias.length > aliasCharacters) throw unknownKey();
  return { alias, suffix };
}

export function unknownKey(): AppError {
  return new AppError(
    "key_not_found",
    "no such key in the key store; check the key id and the data directory",
  );
}
