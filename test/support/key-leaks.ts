/**
 * Room: test/support. Looks for private keys in whatever was written, said or thrown: as octets, as PEM, as DER, in
 * base64 and hexadecimal, whole or in part.
 */
import { createPrivateKey } from "node:crypto";
import { inspect } from "node:util";

/** Octets of the secret itself: the scalar of an EC key, a prime of an RSA key. */
function secretsOf(pem: Buffer): readonly Buffer[] {
  const { d, p } = createPrivateKey(pem).export({ format: "jwk" });
  return [d, p].flatMap((part) => (part === undefined ? [] : [Buffer.from(part, "base64url")]));
}

/** A part of a base64 text that is in it wherever the encoding began: three shifts. */
function base64Parts(octets: Buffer): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const whole = octets.subarray(shift);
    return whole.subarray(0, whole.length - (whole.length % 3)).toString("base64");
  });
}

function needlesOf(pem: Buffer): readonly string[] {
  const der = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  // Of an EC key the second line has the scalar and the third the public point; an RSA key begins with its modulus.
  const lines = pem.toString("latin1").trim().split("\n").slice(1, -1);
  const secretLines = lines.length < 8 ? lines.slice(1, 2) : lines.slice(lines.length / 2, -1);
  const secrets = secretsOf(pem);
  const parts = secrets.flatMap((secret) => [
    secret.toString("latin1"),
    secret.toString("hex"),
    secret.toString("base64url").slice(0, 32),
    ...base64Parts(secret),
  ]);
  // A line may be in base64 once more: as a client sends PEM.
  return [
    ...parts,
    der.toString("base64"),
    der.toString("hex"),
    ...secretLines,
    ...secretLines.flatMap((line) => base64Parts(Buffer.from(line))),
  ];
}

/** Every text and octet string in `value`, however deep, errors and their causes too. */
function texts(value: unknown, seen = new Set<unknown>()): readonly string[] {
  if (typeof value === "string") return [value];
  if (value instanceof Uint8Array) {
    const octets = Buffer.from(value);
    return [octets.toString("latin1"), octets.toString("hex"), octets.toString("base64")];
  }
  if (typeof value !== "object" || value === null || seen.has(value)) return [];
  seen.add(value);
  const own = Reflect.ownKeys(value).map((key) => Reflect.get(value, key) as unknown);
  const printed = value instanceof Error ? [inspect(value, { depth: 10 })] : [];
  return [...printed, ...own.flatMap((each) => texts(each, seen))];
}

/**
 * What of `keys` (PEM of PKCS #8) is in `haystack`: the first characters of each find, none for none.
 */
export function leaks(haystack: unknown, keys: readonly Buffer[]): readonly string[] {
  const all = texts(haystack);
  const lower = all.map((each) => each.toLowerCase());
  return keys
    .flatMap(needlesOf)
    .filter(
      (needle) => all.some((text) => text.includes(needle)) || lower.some((text) => text.includes(needle)),
    )
    .map((needle) => needle.slice(0, 12));
}
