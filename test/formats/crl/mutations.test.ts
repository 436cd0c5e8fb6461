/** Lists that were tampered with: an AppError, or a list that was read, and nothing else. */
import { describe, expect, test } from "vitest";
import { AppError } from "../../../core/errors.ts";
import {
  decodeCertificateList,
  readCrlNumber,
  verifyCertificateListSignature,
} from "../../../core/formats/crl/certificate-list.ts";
import { mutateTree, writeCrookedLength } from "../der-mutation.ts";
import { type DerNode, emptied, mutations, parseTree, writeTree } from "../der-tree.ts";
import { accepts, refusalCode } from "../refusal.ts";
import { seededRandom } from "../seeded-random.ts";
import { makeAuthority } from "../x509/certificate-maker.ts";
import { makeList } from "./list-maker.ts";

const authority = makeAuthority("P-256");
const raw = makeList(authority);
const tree = parseTree(raw, true);
const nothing: DerNode = { tag: 0x30, children: [] };

const changes: readonly { readonly name: string; readonly change: (node: DerNode) => DerNode | undefined }[] =
  [
    { name: "emptied", change: emptied },
    {
      name: "replaced by an empty SEQUENCE",
      change: (node) => (node.tag === 0x30 || emptied(node) === undefined ? undefined : nothing),
    },
    {
      name: "left with one empty SEQUENCE",
      change: (node) => (emptied(node) === undefined ? undefined : { tag: node.tag, children: [nothing] }),
    },
    {
      name: "left an OCTET STRING of nothing",
      change: ({ tag }) => (tag === 4 ? { tag, content: Buffer.alloc(0) } : undefined),
    },
    {
      name: "left without content",
      change: ({ tag, children }) => (children === undefined ? { tag, content: Buffer.alloc(0) } : undefined),
    },
  ];

test.each(changes)("step-ca CVE-2026-40097: each list $name is refused", ({ change }) => {
  const found = mutations(tree, change);
  expect(found.length).toBeGreaterThan(3);
  const accepted = found.filter(({ bytes }) => accepts(() => decodeCertificateList(bytes)));
  expect(accepted.map(({ path }) => path)).toEqual([]);
});

/** False where `bytes` are refused; whoever reads them can also read their number. */
async function verified(bytes: Uint8Array): Promise<boolean> {
  try {
    return await verifyCertificateListSignature(decodeCertificateList(bytes), authority.publicKey);
  } catch (error) {
    if (error instanceof AppError && error.code === "crl_malformed") return false;
    throw error;
  }
}

describe("a real list", () => {
  test("truncated anywhere is refused", () => {
    for (let length = 0; length < raw.length; length += 1) {
      const part = raw.subarray(0, length);
      expect(refusalCode(() => decodeCertificateList(part))).toBe("crl_malformed");
      accepts(() => readCrlNumber(part));
    }
  });

  test("followed by anything is refused", () => {
    const longer = Buffer.concat([raw, Buffer.of(0)]);
    expect(refusalCode(() => decodeCertificateList(longer))).toBe("crl_malformed");
  });

  test("with any bit turned is refused or does not verify", async () => {
    expect(await verified(raw)).toBe(true);
    for (let bit = 0; bit < raw.length * 8; bit += 1) {
      const changed = Buffer.from(raw);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await verified(changed)).toBe(false);
      accepts(() => readCrlNumber(changed));
    }
  });

  test("changed as a tree, 5,000 times over, gives a list or an AppError", () => {
    const random = seededRandom(5280);
    let refusals = 0;
    for (let run = 0; run < 5_000; run += 1) {
      const bytes = writeTree(mutateTree(tree, random));
      if (!accepts(() => decodeCertificateList(bytes))) refusals += 1;
      accepts(() => readCrlNumber(bytes));
    }
    expect(refusals).toBeGreaterThan(2_500);
  });

  test("X.690 §10.1: with a length in another form is refused", () => {
    const random = seededRandom(690);
    for (let run = 0; run < 1_000; run += 1) {
      const bytes = writeCrookedLength(parseTree(raw), random);
      if (Buffer.compare(bytes, raw) === 0) continue;
      expect(refusalCode(() => decodeCertificateList(bytes))).toBe("crl_malformed");
    }
  });
});
