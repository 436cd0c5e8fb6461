/**
 * Room: adapters/local. Names of the wrapping keys of fleets: the id that stands beside what they wrap, and their files.
 * A fleet's key has generations, 1 and up; the highest wraps, all of them unwrap.
 */
import { AppError } from "../../../core/errors.ts";

const suffix = "-protection";
/** Names of fleets, as the product has them: 1 to 32 characters. */
const fleetPattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const keyIdPattern = /^local:(?<fleet>[a-z0-9-]{1,32})-protection:(?<number>[1-9][0-9]{0,5})$/;
// No fleet has a dot, so no two generations share a file; the files of signing keys begin with "key.".
const filePattern = /^wrapping\.(?<fleet>[a-z0-9-]{1,32})\.(?<number>[1-9][0-9]{0,5})\.json$/;
const tombstonePattern = /^wrapping\.[a-z0-9-]{1,32}\.destroyed\.json$/;

export interface GenerationName {
  readonly fleet: string;
  /** From 1. */
  readonly number: number;
}

/** @throws AppError key_not_found for what no fleet is called: no file is looked for. */
export function checkFleet(fleet: string): void {
  if (fleetPattern.test(fleet)) return;
  throw new AppError(
    "key_not_found",
    `no wrapping key: what was given, of ${fleet.length} characters, is no fleet's name; check the fleet`,
  );
}

/** Ours for all generations together: `{fleet}-protection`. */
export const wrappingKeyName = (fleet: string): string => `${fleet}${suffix}`;

/** The fleet of `wrappingKeyName`; undefined for another name. */
export function fleetOfWrappingKey(name: string): string | undefined {
  const fleet = name.endsWith(suffix) ? name.slice(0, -suffix.length) : "";
  return fleetPattern.test(fleet) ? fleet : undefined;
}

/** `local:{fleet}-protection:{number}`. */
export const generationKeyId = ({ fleet, number }: GenerationName): string =>
  `local:${wrappingKeyName(fleet)}:${number}`;

export const generationFileName = ({ fleet, number }: GenerationName): string =>
  `wrapping.${fleet}.${number}.json`;

/** There from the decision on that nobody uses any of the fleet's keys again. */
export const tombstoneName = (fleet: string): string => `wrapping.${fleet}.destroyed.json`;

function named(pattern: RegExp, text: string): GenerationName | undefined {
  const { fleet, number } = pattern.exec(text)?.groups ?? {};
  return fleet === undefined || number === undefined ? undefined : { fleet, number: Number(number) };
}

export const parseGenerationFile = (fileName: string): GenerationName | undefined =>
  named(filePattern, fileName);

/** @throws AppError key_not_found for what is none of this fleet's generations. */
export function parseGenerationId(fleet: string, keyId: string): GenerationName {
  const name = named(keyIdPattern, keyId);
  if (name?.fleet === fleet) return name;
  throw new AppError(
    "key_not_found",
    `key id of ${keyId.length} characters names no wrapping key of this fleet; it reads ` +
      "local:{fleet}-protection:{number}",
  );
}

/** Whether a file makes a key store one that is in use. */
export const isWrappingKeyFile = (fileName: string): boolean =>
  filePattern.test(fileName) || tombstonePattern.test(fileName);
