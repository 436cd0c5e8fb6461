/** Changes to a DER tree that keep it a tree, and to one length that does not. For tests only. */
import { type DerNode, writeTree } from "./der-tree.ts";
import type { Random } from "./seeded-random.ts";

/** All nodes below `root`, and `root`. */
function nodesOf(root: DerNode): readonly [DerNode, ...DerNode[]] {
  return [root, ...(root.children ?? []).flatMap(nodesOf)];
}

/** `root` with `target` replaced by any number of nodes. */
function replace(root: DerNode, target: DerNode, by: readonly DerNode[]): DerNode {
  if (root === target) return by[0] ?? root;
  if (root.children === undefined) return root;
  const children = root.children.flatMap((child) => (child === target ? by : [replace(child, target, by)]));
  return { ...root, children };
}

function editContent(node: DerNode, random: Random): DerNode {
  if (node.content === undefined) return node;
  const content = Buffer.from(node.content);
  if (content.length > 0) content[random.below(content.length)] = random.below(256);
  return { ...node, content };
}

function shuffled(node: DerNode, random: Random): DerNode {
  if (node.children === undefined) return node;
  const children = [...node.children];
  const moved = children.splice(random.below(children.length), 1);
  children.splice(random.below(children.length + 1), 0, ...moved);
  return { ...node, children };
}

type Change = (node: DerNode, random: Random, root: DerNode) => readonly DerNode[];

const changes: readonly [Change, ...Change[]] = [
  () => [],
  (node) => [node, node],
  (node, random, root) => [node, random.pick(nodesOf(root))],
  (_node, random, root) => [random.pick(nodesOf(root))],
  (node, random) => [{ ...node, tag: 1 + random.below(0xfe) }],
  (node, random) => [{ ...node, tag: node.tag ^ (1 << random.below(8)) }],
  (node) => [
    node.children === undefined
      ? { tag: node.tag, content: Buffer.alloc(0) }
      : { tag: node.tag, children: [] },
  ],
  (node, random) => [editContent(node, random)],
  (node, random) => [editContent(node, random)],
  (node, random) => [{ tag: node.tag, content: random.octets(random.below(40)) }],
  (node, random) => [shuffled(node, random)],
  (node) => [{ tag: 0x30, children: [node] }],
  (node) => [{ tag: node.tag, content: Buffer.concat([Buffer.of(0), node.content ?? Buffer.alloc(0)]) }],
];

/** One change to one node: taken out, doubled, moved, replaced, retagged, emptied, edited, wrapped, padded. */
export function mutateTree(root: DerNode, random: Random): DerNode {
  const target = random.pick(nodesOf(root));
  return replace(root, target, random.pick(changes)(target, random, root));
}

type LengthForm = (length: number) => Buffer;

const lengthForms: readonly [LengthForm, ...LengthForm[]] = [
  (length) => Buffer.of(0x82, length >> 8, length & 0xff),
  (length) => Buffer.of(0x83, 0, length >> 8, length & 0xff),
  (length) => Buffer.of(0x84, 0, 0, length >> 8, length & 0xff),
  (length) => Buffer.of(0x85, 0, 0, 0, length >> 8, length & 0xff),
  (length) => Buffer.of(0x82, (length + 1) >> 8, (length + 1) & 0xff),
];

/** Writes `root` with the length of one node in another form than DER has: too long, off by one, indefinite. */
export function writeCrookedLength(root: DerNode, random: Random): Buffer {
  const target = random.pick(nodesOf(root));
  const form = random.pick(lengthForms);
  const indefinite = target.children !== undefined && random.chance(0.3);
  function write(node: DerNode): Buffer {
    if (node.children === undefined && node !== target) return writeTree(node);
    const inner =
      node.children === undefined
        ? (node.content ?? Buffer.alloc(0))
        : Buffer.concat(node.children.map(write));
    if (node !== target) return writeTree({ tag: node.tag, content: inner });
    if (indefinite) return Buffer.concat([Buffer.of(node.tag, 0x80), inner, Buffer.alloc(2)]);
    return Buffer.concat([Buffer.of(node.tag), form(inner.length), inner]);
  }
  return write(root);
}
