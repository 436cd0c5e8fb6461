import { describe, expect, it } from "vitest";
import { type KeyAlgorithmId, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import {
  attribute,
  encodeUtf8String,
  extensionRequest,
  makeSubject,
  requestInfo,
  signRequest,
  usualExtensions,
  verdictOn,
} from "./certification-request-maker.ts";

const [subjectAltName] = usualExtensions;
const challengePassword = attribute("1.2.840.113549.1.9.7", encodeUtf8String("secret"));
const shapes = {
  "no extensions": [],
  "a name": subjectAltName === undefined ? [] : [extensionRequest(subjectAltName)],
  "all extensions": [extensionRequest(...usualExtensions)],
  "a password": [challengePassword],
  "a password and all extensions": [challengePassword, extensionRequest(...usualExtensions)].sort(
    Buffer.compare,
  ),
} as const;
type Shape = keyof typeof shapes;

const some: readonly Shape[] = ["no extensions", "all extensions"];
const more: readonly Shape[] = [...some, "a password and all extensions"];
const all: readonly Shape[] = [
  "no extensions",
  "a name",
  "all extensions",
  "a password",
  "a password and all extensions",
];

/** Twenty requests. ML-DSA ones have about 31,000 bits each, hence two. */
const plan: readonly { readonly id: KeyAlgorithmId; readonly shapes: readonly Shape[] }[] = [
  { id: "P-256", shapes: all },
  { id: "P-384", shapes: all },
  { id: "Ed25519", shapes: all },
  { id: "RSA", shapes: more },
  { id: "ML-DSA-44", shapes: some },
];
const requests = plan.flatMap(({ id, shapes: names }) => names.map((shape) => ({ id, shape })));

function flipped(request: Buffer, bit: number): Buffer {
  const copy = Buffer.from(request);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

/** Verdicts on `request` with each single bit flipped, counted by code. */
async function verdicts(request: Buffer): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const bits = request.length * 8;
  // Batches keep both cores' threads busy without holding every copy at once.
  for (let start = 0; start < bits; start += 256) {
    const batch = Array.from({ length: Math.min(256, bits - start) }, (_, i) => flipped(request, start + i));
    for (const code of await Promise.all(batch.map(verdictOn))) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}

describe("every single-bit flip is refused", () => {
  it("of twenty requests", () => expect(requests).toHaveLength(20));

  it.each(requests)("$id with $shape", { timeout: 120_000 }, async ({ id, shape }) => {
    const subject = makeSubject(id);
    // P-256 under the largest digest too: its identifier is one bit from another's.
    const row = shape === "a name" && id === "P-256" ? signatureAlgorithms["ecdsa-with-SHA512"] : subject.row;
    const request = signRequest(requestInfo({ spki: subject.spki, attributes: shapes[shape] }), subject, row);
    expect(await verdictOn(request)).toBe("accepted");
    const counts = await verdicts(request);
    expect(counts.get("accepted")).toBeUndefined();
    expect([...counts.keys()].filter((code) => !/^(csr|key)_/.test(code))).toEqual([]);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(request.length * 8);
  });
});
