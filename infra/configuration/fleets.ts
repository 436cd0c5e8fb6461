/** Room: infra. The fleets of a stage: each has a root and an issuing key in KMS, made by its deployment. */
import { checkFleetId } from "../../core/policy/identifiers.ts";
import { securityStandard } from "../../core/standard/index.ts";
import { type Place, readChoice, readTable, readText, report } from "./members.ts";

/** Kinds of key that an authority may have; KMS has them all. */
export type AuthorityAlgorithm = keyof typeof securityStandard.algorithms.authority;

export interface FleetConfiguration {
  /** DNS name under which the fleet's SPIFFE IDs stand. */
  readonly trustDomain: string;
  readonly rootAlgorithm: AuthorityAlgorithm;
  readonly issuingAlgorithm: AuthorityAlgorithm;
}

const { authority, defaults } = securityStandard.algorithms;

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
const maximumCharacters = 3_500;
const algorithms = Object.keys(authority) as AuthorityAlgorithm[];

function readFleet(place: Place, path: string, value: unknown): FleetConfiguration {
  const members = readTable(place, path, value, ["trustDomain", "rootAlgorithm", "issuingAlgorithm"]);
  const algorithm = (member: "rootAlgorithm" | "issuingAlgorithm"): AuthorityAlgorithm =>
    readChoice(place, `${path}.${member}`, members[member], algorithms, {
      otherwise: defaultFleet[member],
    }) ?? defaultFleet[member];
  return {
    trustDomain:
      readText(place, `${path}.trustDomain`, members["trustDomain"], trustDomain, {
        otherwise: `"${defaultFleet.trustDomain}"`,
      }) ?? defaultFleet.trustDomain,
    rootAlgorithm: algorithm("rootAlgorithm"),
    issuingAlgorithm: algorithm("issuingAlgorithm"),
  };
}

/** `{ "<fleet>": { trustDomain?, rootAlgorithm?, issuingAlgorithm? } }`; the fleet `default` when there is no value. */
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
  return fleets;
}

/** One function is told of all fleets in its environment, and may use the keys of each by name. */
function reportSize(place: Place, fleets: Readonly<Record<string, FleetConfiguration>>): void {
  const count = Object.keys(fleets).length;
  const characters = JSON.stringify(fleets).length;
  if (count <= maximumFleets && characters <= maximumCharacters) return;
  place.problems.push(
    `fleets: ${count} of them in ${characters} characters are more than ${maximumFleets} in ${maximumCharacters} ` +
      `(a Lambda environment holds 4 KB); deploy some of them as another stage, or shorten their trust domains, in ${place.name}`,
  );
}
