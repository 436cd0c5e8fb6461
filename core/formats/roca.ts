/**
 * Room: core/formats. Fingerprint of RSA keys made by the Infineon RSALib (CVE-2017-15361, "ROCA").
 * Source: Nemec et al., "The Return of Coppersmith's Attack", ACM CCS 2017, §2 and §3.
 */

/** Odd primes up to 167: M of the library's smallest keys is the product of the primes to 167 (§2.2, table 1). */
const largestPrime = 167;

interface Fingerprint {
  readonly prime: number;
  /** residues[r] is 1 when r is a power of 65537 modulo the prime. */
  readonly residues: Uint8Array;
}

function powersOf65537(prime: number): Uint8Array {
  const residues = new Uint8Array(prime);
  for (let power = 1; residues[power] === 0; power = (power * 65_537) % prime) residues[power] = 1;
  return residues;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1)
    if (candidate % divisor === 0) return false;
  return true;
}

function makeFingerprints(): readonly Fingerprint[] {
  const fingerprints: Fingerprint[] = [];
  for (let prime = 3; prime <= largestPrime; prime += 2) {
    if (!isPrime(prime)) continue;
    const residues = powersOf65537(prime);
    const size = residues.reduce((sum, present) => sum + present, 0);
    // Where 65537 generates the whole group every modulus fits: the prime tells nothing.
    if (size < prime - 1) fingerprints.push({ prime, residues });
  }
  return fingerprints;
}

interface FingerprintTable {
  readonly fingerprints: readonly Fingerprint[];
  readonly product: bigint;
}

let made: FingerprintTable | undefined;

/** Made for the first RSA key: most processes never meet one, and all of them would wait for it at their start. */
function fingerprintTable(): FingerprintTable {
  if (made !== undefined) return made;
  const fingerprints = makeFingerprints();
  const product = fingerprints.reduce((value, { prime }) => value * BigInt(prime), 1n);
  made = { fingerprints, product };
  return made;
}

/** The primes that tell such keys from others; the published table has the same 17. */
export function rocaPrimes(): readonly number[] {
  return fingerprintTable().fingerprints.map(({ prime }) => prime);
}

/**
 * True when `modulus` has the structure of the library: both primes are k·M + (65537^a mod M), so their
 * product is a power of 65537 modulo every prime of M. A sound key shows it with probability 2^-27.8.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  const { fingerprints, product } = fingerprintTable();
  const residue = modulus % product;
  return fingerprints.every(({ prime, residues }) => residues[Number(residue % BigInt(prime))] === 1);
}
