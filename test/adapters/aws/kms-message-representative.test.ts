/**
 * FIPS 204's message representative, judged three ways: node:crypto verifies over the whole message what another
 * implementation signed over our µ; that implementation verifies over our µ what node:crypto signed; and the same
 * for every signature of Wycheproof's.
 */
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { describe, expect, it } from "vitest";
import { messageRepresentative } from "../../../adapters/aws/kms/message-representative.ts";
import { corpus, readCase } from "../../formats/corpora.ts";
import { doubleSpecs } from "./double-keys.ts";

const externalMu = { externalMu: true } as const;
const rows = [
  { spec: "ML_DSA_65", type: "ml-dsa-65", noble: ml_dsa65 },
  { spec: "ML_DSA_87", type: "ml-dsa-87", noble: ml_dsa87 },
] as const;
const lengths = [0, 1, 4_096, 4_097, 100_000];

describe.each(rows)("FIPS 204 Algorithm 7 line 6: $type", ({ spec, type, noble }) => {
  const { publicKey: publicKeyOctets = 0 } = noble.lengths;
  const raw = (spki: Buffer): Buffer => spki.subarray(spki.length - publicKeyOctets);

  it.each(lengths)("a message of %i octets signed by its µ verifies whole", (length) => {
    const key = doubleSpecs[spec]?.make();
    const message = randomBytes(length);
    const spki = key?.publicKey ?? Buffer.alloc(0);
    const mu = messageRepresentative(raw(spki), message);
    const signature = key?.signRepresentative?.(mu) ?? Buffer.alloc(0);
    const publicKey = { key: spki, format: "der", type: "spki" } as const;
    expect(mu).toHaveLength(64);
    expect(verify(null, message, publicKey, signature)).toBe(true);
    expect(verify(null, Buffer.concat([message, Buffer.of(0)]), publicKey, signature)).toBe(false);
  });

  it.each(lengths)("a message of %i octets signed whole verifies by its µ", (length) => {
    const { publicKey, privateKey } =
      type === "ml-dsa-65" ? generateKeyPairSync(type) : generateKeyPairSync(type);
    const message = randomBytes(length);
    const pk = raw(publicKey.export({ format: "der", type: "spki" }));
    const signature = sign(null, message, privateKey);
    expect(noble.internal.verify(signature, messageRepresentative(pk, message), pk, externalMu)).toBe(true);
  });
});

interface Vectors {
  readonly testGroups: readonly {
    readonly publicKey: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly ctx?: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }[];
}

const folder = corpus("wycheproof");
const hex = (value: string): Buffer => Buffer.from(value, "hex");

describe.skipIf(folder === undefined)(
  "Wycheproof ML-DSA-65, where the corpora lie beside the project",
  () => {
    const file =
      folder === undefined ? '{"testGroups":[]}' : readCase(folder, "mldsa_65_verify_test.json").toString();
    const { testGroups } = JSON.parse(file) as Vectors;
    const ofLength = testGroups.filter(
      ({ publicKey }) => hex(publicKey).length === ml_dsa65.lengths.publicKey,
    );
    const cases = ofLength.flatMap(({ publicKey, tests }) => tests.map((test) => ({ publicKey, ...test })));
    const accepts = (publicKey: string, sig: string, mu: Buffer): boolean => {
      try {
        return ml_dsa65.internal.verify(hex(sig), mu, hex(publicKey), externalMu);
      } catch {
        return false;
      }
    };

    it("every signature without a context gets its verdict by our µ", () => {
      const wrong = cases
        .filter(({ ctx }) => ctx === undefined)
        .filter(({ publicKey, msg, sig, result }) => {
          return (
            accepts(publicKey, sig, messageRepresentative(hex(publicKey), hex(msg))) !== (result === "valid")
          );
        });
      expect(wrong).toEqual([]);
      expect(
        cases.filter(({ ctx, result }) => ctx === undefined && result === "valid").length,
      ).toBeGreaterThan(70);
    });

    it("RFC 9881 §3: a signature made with a context does not verify by our µ, which has none", () => {
      const others = cases.filter(({ ctx = "", result }) => ctx !== "" && result === "valid");
      expect(others.length).toBeGreaterThan(0);
      for (const { publicKey, msg, sig } of others) {
        expect(accepts(publicKey, sig, messageRepresentative(hex(publicKey), hex(msg)))).toBe(false);
      }
    });
  },
);
