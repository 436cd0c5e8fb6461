/**
 * A DER tree for tests: parse, mutate, write again. Written apart from the reader under test, so that the two
 * can be compared. OCTET STRINGs of extensions are opened too.
 */

export interface DerNode {
  readonly tag: number;
  /** Children of a constructed element, or of an OCTET STRING that holds DER. */
  readonly children?: readonly DerNode[];
  /** Content of a primitive element. */
  readonly content?: Buffer;
}

function readLength(bytes: Buffer, offset: number): { length: number; start: number } {
  const first = bytes.readUInt8(offset);
  if (first < 0x80) return { length: first, start: offset + 1 };
  const octets = first & 0x7f;
  return { length: bytes.readUIntBE(offset + 1, octets), start: offset + 1 + octets };
}

function parseAll(bytes: Buffer, openOctetStrings: boolean): DerNode[] {
  const nodes: DerNode[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const tag = bytes.readUInt8(offset);
    const { length, start } = readLength(bytes, offset + 1);
    const content = bytes.subarray(start, start + length);
    if (content.length !== length) throw new RangeError("truncated");
    nodes.push(node(tag, content, openOctetStrings));
    offset = start + length;
  }
  return nodes;
}

function node(tag: number, content: Buffer, openOctetStrings: boolean): DerNode {
  if ((tag & 0x20) !== 0) return { tag, children: parseAll(content, openOctetStrings) };
  if (tag !== 0x04 || !openOctetStrings || content.length < 2) return { tag, content };
  try {
    const children = parseAll(content, openOctetStrings);
    if (children.length === 1) return { tag, children };
  } catch {
    // Not DER inside: plain octets.
  }
  return { tag, content };
}

/** The one element that `bytes` is. */
export function parseTree(bytes: Uint8Array, openOctetStrings = false): DerNode {
  const [root] = parseAll(Buffer.from(bytes), openOctetStrings);
  if (root === undefined) throw new RangeError("no element");
  return root;
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const digits = length.toString(16);
  const octets = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}

export function writeTree({ tag, children, content }: DerNode): Buffer {
  const inner =
    children === undefined ? (content ?? Buffer.alloc(0)) : Buffer.concat(children.map(writeTree));
  return Buffer.concat([Buffer.of(tag), lengthOctets(inner.length), inner]);
}

export interface Mutation {
  /** Indexes of children from the root: `0/7/0`; empty for the root itself. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** Every tree that differs from `root` by what `change` makes of one node; undefined leaves a node alone. */
export function mutations(
  root: DerNode,
  change: (node: DerNode) => DerNode | undefined,
): readonly Mutation[] {
  const found: Mutation[] = [];
  function visit(current: DerNode, path: readonly number[], rebuild: (changed: DerNode) => DerNode): void {
    const changed = change(current);
    if (changed !== undefined) found.push({ path: path.join("/"), bytes: writeTree(rebuild(changed)) });
    for (const [index, child] of (current.children ?? []).entries()) {
      visit(child, [...path, index], (inner) =>
        rebuild({ ...current, children: (current.children ?? []).with(index, inner) }),
      );
    }
  }
  visit(root, [], (changed) => changed);
  return found;
}

/** The node with all its elements gone, when it is constructed and has any. */
export function emptied({ tag, children }: DerNode): DerNode | undefined {
  return (tag & 0x20) !== 0 && children !== undefined && children.length > 0
    ? { tag, children: [] }
    : undefined;
}
