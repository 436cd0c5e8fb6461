/** Room: core/formats. Arithmetic that finds RSA moduli anyone can factor. Public values only. */

/** Primes below this bound are looked for as factors (CA/B Forum BR §6.1.1.3 asks for known weak keys). */
export const smallFactorBound = 65_536;

/** Rounds of Fermat's method (CA/B Forum BR §6.1.1.3 (5): at least 100). */
export const fermatRounds = 100;

function oddPrimesBelow(bound: number): bigint[] {
  const composite = new Uint8Array(bound);
  const primes: bigint[] = [];
  for (let candidate = 3; candidate < bound; candidate += 2) {
    if (composite[candidate] === 1) continue;
    primes.push(BigInt(candidate));
    for (let multiple = candidate * candidate; multiple < bound; multiple += candidate)
      composite[multiple] = 1;
  }
  return primes;
}

/** Product by halves: operands stay of equal size, which BigInt multiplies far faster than one by one. */
function productOf(factors: readonly bigint[]): bigint {
  if (factors.length <= 8) return factors.reduce((product, factor) => product * factor, 1n);
  const middle = factors.length >> 1;
  return productOf(factors.slice(0, middle)) * productOf(factors.slice(middle));
}

/** A constant of 94,026 bits. It takes 8 ms to make, so the first RSA key pays and a cold start does not. */
function onDemand<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const primorial = onDemand(() => productOf(oddPrimesBelow(smallFactorBound)));

/** True when an odd prime below `smallFactorBound` divides `modulus`. */
export function hasSmallFactor(modulus: bigint): boolean {
  let a = modulus;
  let b = primorial() % modulus;
  while (b !== 0n) [a, b] = [b, a % b];
  return a !== 1n;
}

/** Largest integer whose square is at most `value` (≥ 0), by Newton's method from above. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Squares modulo `modulus`, as a table of 0 and 1. */
function squaresModulo(modulus: number): Uint8Array {
  const squares = new Uint8Array(modulus);
  for (let root = 0; root < modulus; root += 1) squares[(root * root) % modulus] = 1;
  return squares;
}

/** Two bases below 2^23: squares of their residues are exact doubles. Together they pass 1 non-square in 3,800. */
const sieves = [
  [64, 63, 65, 11],
  [17, 19, 23, 29, 31],
].map((moduli) => ({
  base: moduli.reduce((product, modulus) => product * modulus, 1),
  tables: moduli.map((modulus) => ({ modulus, squares: squaresModulo(modulus) })),
}));

/** For each round, whether a² − n may be a square, judged by residues alone. */
function squareCandidates(modulus: bigint, start: bigint): (round: number) => boolean {
  const residues = sieves.map(({ base, tables }) => ({
    base,
    tables,
    modulus: Number(modulus % BigInt(base)),
    start: Number(start % BigInt(base)),
  }));
  return (round) =>
    residues.every(({ base, tables, modulus: n, start: a }) => {
      const difference = ((((a + round) * (a + round)) % base) - n + base) % base;
      return tables.every(({ modulus: m, squares }) => squares[difference % m] === 1);
    });
}

/**
 * True when Fermat's method splits `modulus` within `fermatRounds`: its primes are close together
 * (CVE-2022-26320). `modulus` is odd.
 */
export function hasCloseFactors(modulus: bigint): boolean {
  const floor = integerSquareRoot(modulus);
  const start = floor * floor === modulus ? floor : floor + 1n;
  const mayBeSquare = squareCandidates(modulus, start);
  for (let round = 0; round < fermatRounds; round += 1) {
    if (!mayBeSquare(round)) continue;
    const a = start + BigInt(round);
    const difference = a * a - modulus;
    const root = integerSquareRoot(difference);
    if (root * root === difference) return true;
  }
  return false;
}
