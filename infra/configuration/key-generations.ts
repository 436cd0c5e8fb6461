/**
 * Room: infra. Which keys a fleet has of each kind. Authorities follow one another, and each has a key of its own: what
 * is named here has one in KMS, made by a reviewed deployment, before a ceremony can use it.
 */
import { securityStandard } from "../../core/standard/index.ts";
import { isTable, type Place, type Range, readChoice, readNumber, readTable } from "./members.ts";

/** Kinds of key that an authority may have; KMS has them all. */
export type AuthorityAlgorithm = keyof typeof securityStandard.algorithms.authority;

export const authorityAlgorithms = Object.keys(securityStandard.algorithms.authority) as AuthorityAlgorithm[];

/** What a key of a fleet is for; its alias ends in this and its generation. */
export const signingKeyKinds = ["root", "issuing", "ocsp", "trust"] as const;
export type SigningKeyKind = (typeof signingKeyKinds)[number];

/** `protection`: wraps keys of data. The highest generation is in force, the others open what they have wrapped. */
const keyKinds = [...signingKeyKinds, "protection"] as const;
type KeyKind = (typeof keyKinds)[number];

/** End of the alias of a key that wraps. The first has a name that no authority can have: theirs end in a number. */
export const protectionKeyName = (fleet: string, generation: number): string =>
  generation === 1 ? `${fleet}-protection` : `${fleet}-protection-${generation}`;

/** Generations from one number to another, both included. */
export interface Generations {
  /** Those before it are destroyed, or were never made. @default 1 */
  readonly from?: number;
  readonly to: number;
  /** By generation, of authorities alone. @default that of the fleet */
  readonly algorithms?: Readonly<Record<string, AuthorityAlgorithm>>;
}

/** By kind: the highest generation that has a key, or which do. @default 1 each */
export type KeyGenerations = Readonly<Partial<Record<KeyKind, number | Generations>>>;

/** Of each kind; older ones that are destroyed are left out. */
const range: Range = { minimum: 1, maximum: 9, reason: "generations of a key" };

const isAuthority = (kind: KeyKind): boolean => kind === "root" || kind === "issuing";

function readAlgorithms(
  place: Place,
  path: string,
  value: unknown,
  generations: readonly number[],
): Readonly<Record<string, AuthorityAlgorithm>> {
  const members = readTable(place, path, value, generations.map(String));
  const chosen = Object.entries(members).flatMap(([generation, one]) => {
    const algorithm = readChoice(place, `${path}.${generation}`, one, authorityAlgorithms, "required");
    return algorithm === undefined ? [] : [[generation, algorithm] as const];
  });
  return Object.fromEntries(chosen);
}

function readGenerations(place: Place, path: string, kind: KeyKind, value: unknown): Generations {
  const known = ["from", "to", ...(isAuthority(kind) ? ["algorithms"] : [])];
  const members = readTable(place, path, value, known);
  const to = readNumber(place, `${path}.to`, members["to"], range, "required") ?? 1;
  const beginning = { ...range, maximum: to };
  const from = readNumber(place, `${path}.from`, members["from"], beginning, { otherwise: "1" });
  const written = { to, ...(from !== undefined && { from }) };
  if (members["algorithms"] === undefined || !isAuthority(kind)) return written;
  const generations = numbersOf(written);
  return {
    ...written,
    algorithms: readAlgorithms(place, `${path}.algorithms`, members["algorithms"], generations),
  };
}

/** `{ root?, issuing?, ocsp?, trust?, protection? }`, each a number or `{ from?, to, algorithms? }`. */
export function readKeyGenerations(place: Place, path: string, value: unknown): KeyGenerations {
  const members = readTable(place, path, value, keyKinds);
  const read = (kind: KeyKind): number | Generations | undefined => {
    const one = members[kind];
    const at = `${path}.${kind}`;
    if (isTable(one)) return readGenerations(place, at, kind, one);
    return readNumber(place, at, one, range, { otherwise: "1" });
  };
  const kinds = keyKinds.map((kind) => [kind, read(kind)] as const);
  return Object.fromEntries(kinds.filter(([, one]) => one !== undefined)) as KeyGenerations;
}

function numbersOf({ from = 1, to }: Generations): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

export interface KeyGeneration {
  readonly generation: number;
  /** Absent: the fleet's. */
  readonly algorithm?: AuthorityAlgorithm;
}

/** Those of one kind that have keys, the oldest first. */
export function generationsOf(keys: KeyGenerations | undefined, kind: KeyKind): readonly KeyGeneration[] {
  const written = keys?.[kind] ?? 1;
  const generations = typeof written === "number" ? { to: written } : written;
  return numbersOf(generations).map((generation) => {
    const algorithm = generations.algorithms?.[`${generation}`];
    return { generation, ...(algorithm !== undefined && { algorithm }) };
  });
}
