/** step-ca CVE-2026-40097: an empty SEQUENCE where a list belongs, in every place of a request and of a key. */
import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { assembleCertificationRequest, verifyCsr } from "../../core/formats/certification-request.ts";
import { encodeElement, encodeNull } from "../../core/formats/der/writer.ts";
import { encodeName, name } from "../../core/formats/name.ts";
import { decodeSubjectPublicKey } from "../../core/formats/spki.ts";
import {
  attribute,
  extensionRequest,
  makeRequest,
  makeSubject,
  type Subject,
  subjectAlgorithms,
  usualExtensions,
  verdictOn,
} from "./certification-request-maker.ts";
import { type DerNode, emptied, type Mutation, mutations, parseTree, writeTree } from "./der-tree.ts";
import { refusalCode } from "./refusal.ts";

type Change = (node: DerNode) => DerNode | undefined;

const sequence = 0x30;
const bitString = 0x03;
const octetString = 0x04;
const nothing: DerNode = { tag: sequence, children: [] };

const changes: readonly { readonly name: string; readonly change: Change }[] = [
  { name: "emptied", change: emptied },
  {
    name: "replaced by an empty SEQUENCE",
    change: (node) => (node.tag === sequence || emptied(node) === undefined ? undefined : nothing),
  },
  {
    name: "left with one empty SEQUENCE",
    change: (node) => (emptied(node) === undefined ? undefined : { tag: node.tag, children: [nothing] }),
  },
  {
    name: "left an OCTET STRING of nothing",
    change: ({ tag }) => (tag === octetString ? { tag, content: Buffer.alloc(0) } : undefined),
  },
];

const fields = ({ children }: DerNode): readonly DerNode[] => children ?? expect.fail("not constructed");
const field = (node: DerNode, index: number): DerNode => fields(node)[index] ?? expect.fail("no such field");

/** Changes inside child `index` of `root`, as changes of `root`. */
function inChild(root: DerNode, index: number, found: readonly Mutation[]): readonly Mutation[] {
  return found.map(({ path, bytes }) => {
    const child = parseTree(bytes);
    const changed = { tag: root.tag, children: fields(root).with(index, child) };
    return { path: path === "" ? `${index}` : `${index}/${path}`, bytes: writeTree(changed) };
  });
}

/** Changes of the DER inside a BIT STRING, as RSAPublicKey and Ecdsa-Sig-Value are; none when it holds no DER. */
function inBitString({ content = Buffer.alloc(0) }: DerNode, change: Change): readonly Mutation[] {
  if (content[1] !== sequence) return [];
  try {
    return mutations(parseTree(content.subarray(1)), change).map(({ path, bytes }) => ({
      path: path === "" ? "0" : `0/${path}`,
      bytes: writeTree({ tag: bitString, content: Buffer.concat([Buffer.of(0), bytes]) }),
    }));
  } catch (error) {
    // A raw key or signature may begin as a SEQUENCE does.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function keyMutations(spki: Buffer, change: Change): readonly Mutation[] {
  const root = parseTree(spki);
  return [...mutations(root, change), ...inChild(root, 1, inBitString(field(root, 1), change))];
}

/** A request with something in every list that one can have. */
const fullRequest = (subject: Subject): Buffer =>
  makeRequest(subject, {
    subject: encodeName(
      name([
        ["organizationName", "Acme"],
        ["commonName", "pump-0001"],
      ]),
    ),
    attributes: [
      attribute("2.25.1", encodeElement(0x0c, Buffer.from("a")), encodeNull()),
      extensionRequest(...usualExtensions),
    ].sort(Buffer.compare),
  });

/** Changes of what is signed, signed again, so that nothing but the change can be refused; and of the rest. */
function requestMutations(subject: Subject, change: Change): readonly Mutation[] {
  const root = parseTree(fullRequest(subject), true);
  const info = field(root, 0);
  const spki = writeTree(field(info, 2));
  const inInfo = [...mutations(info, change), ...inChild(info, 2, keyMutations(spki, change))];
  const { row, privateKey } = subject;
  const signedAgain = inInfo.map(({ path, bytes }) => ({
    path: path === "" ? "0" : `0/${path}`,
    bytes: assembleCertificationRequest(bytes, row, sign(row.digest, bytes, privateKey)),
  }));
  return [
    ...mutations(root, (node) => (node === root ? change(node) : undefined)),
    ...signedAgain,
    ...inChild(root, 1, mutations(field(root, 1), change)),
    ...inChild(root, 2, inBitString(field(root, 2), change)),
  ];
}

/** Where less is asked for and nothing is malformed, by change. 0/1 is the subject, 0/3 the attributes. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  emptied: ["0/1", "0/3"],
  // Values of an attribute that nobody reads may be any DER.
  "left with one empty SEQUENCE": ["0/3/0/1"],
};

const algorithms = subjectAlgorithms.map((id) => ({ id, subject: makeSubject(id) }));

describe.each(algorithms)("a request of a $id key, signed again after each change", ({ subject }) => {
  it("is accepted as it is", async () => {
    expect(await verdictOn(fullRequest(subject))).toBe("accepted");
  });

  it.each(changes)(
    "every list $name: an AppError, or less is asked for",
    async ({ name: change, ...row }) => {
      const found = requestMutations(subject, row.change);
      expect(found.length).toBeGreaterThan(3);
      const verdicts = await Promise.all(
        found.map(async ({ path, bytes }) => ({ path, verdict: await verdictOn(bytes) })),
      );
      const accepted = verdicts.filter(({ verdict }) => verdict === "accepted").map(({ path }) => path);
      expect([...new Set(accepted)].sort()).toEqual(harmless[change] ?? []);
      for (const { path, verdict } of verdicts) {
        if (verdict !== "accepted") expect(`${path}: ${verdict}`).toMatch(/: (?:csr|key)_[a-z_]+$/);
      }
    },
  );

  it("RFC 2986 §4.1: an empty subject names nobody, and empty attributes (a0 00) ask for nothing", async () => {
    const found = requestMutations(subject, emptied);
    const at = async (wanted: string) => {
      const bytes = found.find(({ path }) => path === wanted)?.bytes ?? expect.fail(wanted);
      return verifyCsr(bytes);
    };
    expect((await at("0/1")).subject).toEqual([]);
    const { requested, subject: kept } = await at("0/3");
    expect(requested).toEqual({ subjectAltName: [], others: [] });
    expect(kept).toHaveLength(2);
  });
});

describe.each(algorithms)("a SubjectPublicKeyInfo of $id", ({ id, subject }) => {
  it.each(changes.slice(0, 3))("every list $name: an AppError", ({ name: change, ...row }) => {
    const found = keyMutations(subject.spki, row.change);
    // The key, its algorithm, and for RSA the key inside: all but what is no SEQUENCE already.
    const lists = id === "RSA" ? 3 : 2;
    expect(found).toHaveLength(change === "replaced by an empty SEQUENCE" ? 0 : lists);
    for (const { bytes } of found) {
      expect(refusalCode(() => decodeSubjectPublicKey(bytes))).toMatch(/^key_(?:malformed|unsupported)$/);
    }
  });
});
