/** Room: infra. The fleets of a stage: each has a root and an issuing key in KMS, made by its deployment. */
import { checkFleetId } from "../../core/policy/identifiers.ts";
import { securityStandard } from "../../core/standard/index.ts";
import {
  type AuthorityAlgorithm,
  authorityAlgorithms,
  generationsOf,
  type KeyGenerations,
  protectionKeyName,
  readKeyGenerations,
  signingKeyKinds,
} from "./key-generations.ts";
import { type Place, readChoice, readTable, readText, report } from "./members.ts";

export type { AuthorityAlgorithm } from "./key-generations.ts";

export interface FleetConfiguration {
  /** DNS name under which the fleet's SPIFFE IDs stand. */
  readonly trustDomain: string;
  readonly rootAlgorithm: AuthorityAlgorithm;
  readonly issuingAlgorithm: AuthorityAlgorithm;
  /** Which of its authorities and signers have keys. @default - the first of each kind */
  readonly keys?: KeyGenerations;
}

const { defaults } = securityStandard.algorithms;

export const defaultFleet: FleetConfiguration = {
  trustDomain: "fleetkey.internal",
  rootAlgorithm: defaults.root,
  issuingAlgorithm: defaults.issuing,
};

export const defaultFleets: Readonly<Record<string, FleetConfiguration>> = { default: defaultFleet };

// As core/policy/identifiers.ts, in the form of a text member. test/infra compares the two.
export const trustDomain = {
  pattern: /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*$/,
  limit: "a name of labels parted by single dots, each of a-z, 0-9 and inner hyphens, at most 253 octets",
};
const maximumFleets = 30;
const maximumCharacters = 3_450;
/** Of the names and ids of keys that wrap: a function is told of all of them, beside names of tables and functions. */
const maximumKeyCharacters = 3_200;
const keyId = "00000000-0000-0000-0000-000000000000";

/** Lambda measures an environment as JSON, in which JSON has each of its quotation marks behind a backslash. */
const charactersOf = (value: unknown): number => JSON.stringify(JSON.stringify(value)).length - 2;

/** A stack gives 200 outputs, one a key; some fifty are of other keys and things. */
const maximumKeys = 150;

/** What the bootstrap function is told of a fleet. */
export const planOf = ({ trustDomain, rootAlgorithm, issuingAlgorithm }: FleetConfiguration) => ({
  trustDomain,
  rootAlgorithm,
  issuingAlgorithm,
});

function readFleet(place: Place, path: string, value: unknown): FleetConfiguration {
  const known = ["trustDomain", "rootAlgorithm", "issuingAlgorithm", "keys"];
  const members = readTable(place, path, value, known);
  const algorithm = (member: "rootAlgorithm" | "issuingAlgorithm"): AuthorityAlgorithm =>
    readChoice(place, `${path}.${member}`, members[member], authorityAlgorithms, {
      otherwise: defaultFleet[member],
    }) ?? defaultFleet[member];
  return {
    trustDomain:
      readText(place, `${path}.trustDomain`, members["trustDomain"], trustDomain, {
        otherwise: `"${defaultFleet.trustDomain}"`,
      }) ?? defaultFleet.trustDomain,
    rootAlgorithm: algorithm("rootAlgorithm"),
    issuingAlgorithm: algorithm("issuingAlgorithm"),
    ...(members["keys"] !== undefined && {
      keys: readKeyGenerations(place, `${path}.keys`, members["keys"]),
    }),
  };
}

/** `{ "<fleet>": { trustDomain?, rootAlgorithm?, issuingAlgorithm?, keys? } }`; the fleet `default` when there is no value. */
export function readFleets(place: Place, value: unknown): Readonly<Record<string, FleetConfiguration>> {
  if (value === undefined) return defaultFleets;
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const table = readTable(place, "fleets", value, names);
  if (names.length === 0 && Object.keys(table).length === 0)
    report(place, "fleets", value, "a JSON object of one fleet at least", {
      otherwise: 'one fleet "default"',
    });
  for (const name of names) {
    const decision = checkFleetId(name);
    if (!decision.allow) report(place, "fleets: the name", name, `a fleet's name (${decision.reason})`);
  }
  const fleets = Object.fromEntries(
    Object.entries(table).map(([name, fleet]) => [name, readFleet(place, `fleets.${name}`, fleet)]),
  );
  reportSize(place, fleets);
  reportKeys(place, fleets);
  reportWrappingKeys(place, fleets);
  return fleets;
}

type Fleets = Readonly<Record<string, FleetConfiguration>>;

/** Functions are told of all keys that wrap; one generation each of thirty fleets fits, whatever their names. */
function reportWrappingKeys(place: Place, fleets: Fleets): void {
  const keys = Object.entries(fleets).flatMap(([fleet, configuration]) =>
    generationsOf(configuration.keys, "protection").map(({ generation }) => ({ fleet, generation })),
  );
  const ids = keys.map(({ fleet, generation }) => [protectionKeyName(fleet, generation), keyId] as const);
  const characters = charactersOf(Object.fromEntries(ids));
  if (characters > maximumKeyCharacters)
    place.problems.push(
      `fleets: the names and ids of ${keys.length} keys that wrap are ${characters} characters, more than ` +
        `${maximumKeyCharacters} (a Lambda environment holds 4 KB); leave out generations that are destroyed, or deploy ` +
        `some fleets as another stage, in ${place.name}`,
    );
  // A key is the fleet's whose name begins its own.
  for (const { fleet, generation } of keys) {
    const other = protectionKeyName(fleet, 1);
    if (generation === 1 || !Object.hasOwn(fleets, other)) continue;
    place.problems.push(
      `fleets: the key "${protectionKeyName(fleet, generation)}" of fleet "${fleet}" would be taken for one of fleet ` +
        `"${other}"; deploy one of the two as another stage, in ${place.name}`,
    );
  }
}

function reportKeys(place: Place, fleets: Fleets): void {
  const keysOf = ({ keys }: FleetConfiguration): number =>
    signingKeyKinds.reduce((sum, kind) => sum + generationsOf(keys, kind).length, 0) +
    // The first that wraps is among the other things.
    Math.max(0, generationsOf(keys, "protection").length - 1);
  const keys = Object.values(fleets).reduce((sum, fleet) => sum + keysOf(fleet), 0);
  if (keys <= maximumKeys) return;
  place.problems.push(
    `fleets: ${keys} signing keys and further keys that wrap are more than ${maximumKeys} (a stack gives 200 outputs); leave out generations that ` +
      `are destroyed, or deploy some fleets as another stage, in ${place.name}`,
  );
}

/** One function is told of all fleets in its environment, and may use the keys of each by name. */
function reportSize(place: Place, fleets: Fleets): void {
  const count = Object.keys(fleets).length;
  const plans = Object.entries(fleets).map(([name, fleet]) => [name, planOf(fleet)] as const);
  const characters = charactersOf(Object.fromEntries(plans));
  if (count <= maximumFleets && characters <= maximumCharacters) return;
  place.problems.push(
    `fleets: ${count} of them in ${characters} characters are more than ${maximumFleets} in ${maximumCharacters} ` +
      `(a Lambda environment holds 4 KB); deploy some of them as another stage, or shorten their trust domains, in ${place.name}`,
  );
}
