import { beforeAll, describe, expect, it } from "vitest";
import type { KeyAlgorithmId } from "../../core/formats/algorithms.ts";
import { opensslInstalled, opensslVersion } from "../support/openssl.ts";
import { makeSubject, verdictOn } from "./certification-request-maker.ts";
import { type Mutant, makeMutant } from "./csr-mutation.ts";
import { opensslVerdicts } from "./openssl-request-judge.ts";
import { seededRandom } from "./seeded-random.ts";

const seed = Number(process.env["FLEETKEY_SEED"] ?? 2986);
const total = 20_000;
/** Of the refused, every twelfth is shown to OpenSSL too. */
const refusedSample = 12;

interface Judged extends Mutant {
  readonly verdict: string;
}

/** Twice P-256 and Ed25519, since they are quick; RSA and P-384 once. Two keys of a kind, to be mixed up. */
const kinds: readonly KeyAlgorithmId[] = ["P-256", "P-256", "P-256", "Ed25519", "Ed25519", "P-384", "RSA"];

async function judgeAll(): Promise<readonly Judged[]> {
  const random = seededRandom(seed);
  const [first, ...others] = kinds.map(makeSubject);
  if (first === undefined) throw new Error("no subjects");
  const judged: Judged[] = [];
  while (judged.length < total) {
    const batch = Array.from({ length: 100 }, () => makeMutant([first, ...others], random));
    const verdicts = await Promise.all(batch.map(({ der }) => verdictOn(der)));
    for (const [i, mutant] of batch.entries()) judged.push({ ...mutant, verdict: verdicts[i] ?? "none" });
  }
  return judged;
}

function tally(items: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

const show = ({ story, verdict, der }: Judged): string => `${verdict} (${story}): ${der.toString("hex")}`;

describe(`${total} mutants, seed ${seed}`, () => {
  let judged: readonly Judged[] = [];
  let accepted: readonly Judged[] = [];
  let refused: readonly Judged[] = [];
  beforeAll(async () => {
    judged = await judgeAll();
    accepted = judged.filter(({ verdict }) => verdict === "accepted");
    refused = judged.filter(({ verdict }) => verdict !== "accepted");
  }, 180_000);

  it("no crash, no hang; a fair share is accepted, and each refusal of the format occurs", () => {
    expect(judged).toHaveLength(total);
    expect(accepted.length).toBeGreaterThan(total / 5);
    expect(refused.length).toBeGreaterThan(total / 5);
    expect(Object.keys(tally(refused.map(({ verdict }) => verdict))).sort()).toEqual(
      expect.arrayContaining([
        "csr_algorithm_unsupported",
        "csr_attribute_duplicate",
        "csr_extension_duplicate",
        "csr_malformed",
        "csr_signature_invalid",
        "csr_version_unsupported",
        "key_malformed",
        "key_unsupported",
        "key_weak",
      ]),
    );
  });

  it.skipIf(!opensslInstalled)(
    "nothing is accepted that OpenSSL, where installed, rejects",
    { timeout: 180_000 },
    async () => {
      const sample = refused.filter((_, index) => index % refusedSample === 0);
      const opinions = await opensslVerdicts([...accepted, ...sample].map(({ der }) => der));
      const wronglyAccepted = accepted.filter((_, index) => opinions[index] !== true);
      const stricter = sample.filter((_, index) => opinions[accepted.length + index] === true);
      process.stdout.write(
        `${opensslVersion}: seed ${seed}, ${judged.length} mutants, ${accepted.length} accepted, ` +
          `of them ${wronglyAccepted.length} against OpenSSL; of ${sample.length} refused ones ` +
          `${sample.length - stricter.length} by both, ${stricter.length} by us alone ` +
          `${JSON.stringify(tally(stricter.map(({ verdict }) => verdict)))}\n`,
      );
      expect(wronglyAccepted.map(show)).toEqual([]);
      // Where both decode the request, both give the same answer to its signature.
      expect(stricter.filter(({ verdict }) => verdict === "csr_signature_invalid").map(show)).toEqual([]);
    },
  );
});
