/** Certification requests in great variety from one seed: honest ones, odd ones, and broken ones. */
import { sign } from "node:crypto";
import { type SignatureAlgorithm, signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { assembleCertificationRequest } from "../../core/formats/certification-request.ts";
import {
  encodeElement,
  encodeNull,
  encodeOctetString,
  encodeOidElement,
  encodeSequence,
  encodeSetOf,
  encodeSmallInteger,
} from "../../core/formats/der/writer.ts";
import { encodeName, name } from "../../core/formats/name.ts";
import type { Extension } from "../../core/formats/x509/extension.ts";
import {
  attribute,
  encodeUtf8String,
  extensionRequest,
  requestInfo,
  type Subject,
  usualExtensions,
} from "./certification-request-maker.ts";
import { mutateTree, writeCrookedLength } from "./der-mutation.ts";
import { type DerNode, parseTree, writeTree } from "./der-tree.ts";
import type { Random } from "./seeded-random.ts";

export interface Mutant {
  readonly der: Buffer;
  /** What was done to it, for a report. */
  readonly story: string;
}

type Step = (random: Random) => Uint8Array;

const text = (random: Random): string => random.octets(1 + random.below(20)).toString("base64url");
const commonName = (random: Random): [type: "commonName", value: string] => ["commonName", text(random)];

/** A subject of one common name, in any string type and length. */
const commonNameAs = (tag: number, content: string): Buffer =>
  encodeSequence(
    encodeSetOf(encodeSequence(encodeOidElement("2.5.4.3"), encodeElement(tag, Buffer.from(content)))),
  );

const subjects: readonly [Step, ...Step[]] = [
  () => encodeSequence(),
  (random) => encodeName(name([commonName(random)])),
  (random) =>
    encodeName(name([["countryName", "DE"], ["organizationName", text(random)], commonName(random)])),
  (random) => encodeName(name([["serialNumber", String(random.below(1e9))], commonName(random)])),
  (random) => commonNameAs(0x0c, "x".repeat(60 + random.below(8))),
  (random) => commonNameAs(random.pick([0x0c, 0x13, 0x14, 0x16, 0x1e]), text(random)),
  (random) => (random.chance(0.2) ? random.octets(random.below(12)) : encodeSequence()),
];

const values: readonly [Step, ...Step[]] = [
  () => encodeNull(),
  (random) => encodeUtf8String(text(random)),
  (random) => encodeSmallInteger(random.below(1e6)),
  (random) => encodeOctetString(random.octets(random.below(30))),
  (random) => encodeSequence(encodeSmallInteger(random.below(9)), encodeUtf8String(text(random))),
  // Whatever a tag and random content make: strings of all types, BIT STRINGs, times, context tags.
  (random) => encodeElement(1 + random.below(30), random.octets(random.below(10))),
  (random) => encodeElement(0x80 + random.below(0x1f), random.octets(random.below(10))),
];
const value = (random: Random): Uint8Array => random.pick(values)(random);

const attributes: readonly [Step, ...Step[]] = [
  (random) => attribute("1.2.840.113549.1.9.7", encodeUtf8String(text(random))),
  (random) => attribute("1.2.840.113549.1.9.2", encodeUtf8String(text(random))),
  (random) => attribute(`2.25.${random.below(4)}`, value(random)),
  (random) => attribute(`1.3.6.1.4.1.311.13.2.${random.below(3)}`, value(random), value(random)),
];

const extensionOids = ["2.5.29.14", "2.5.29.17", "2.5.29.32", "1.3.6.1.5.5.7.1.24", "2.25.9"] as const;
function requestedExtension(random: Random): Extension {
  const usual = usualExtensions[random.below(usualExtensions.length + 2)];
  if (usual !== undefined) return { ...usual, critical: random.chance(0.5) };
  return { oid: random.pick(extensionOids), critical: random.chance(0.3), value: value(random) };
}

/** Any of the variety above, mostly in DER order. */
function makeAttributes(random: Random): readonly Uint8Array[] {
  const made = Array.from({ length: random.below(3) }, () => random.pick(attributes)(random));
  if (random.chance(0.6)) {
    made.push(
      extensionRequest(...Array.from({ length: 1 + random.below(4) }, () => requestedExtension(random))),
    );
  }
  return random.chance(0.95) ? made.sort(Buffer.compare) : made;
}

function editOctets(der: Buffer, random: Random): Buffer {
  const copy = Buffer.from(der);
  for (let edits = 1 + random.below(3); edits > 0; edits -= 1)
    copy[random.below(copy.length)] = random.below(256);
  return copy;
}

/** Applies `change` where `der` is a tree; edits octets where an earlier step left none. */
function onTree(der: Buffer, random: Random, change: (root: DerNode, random: Random) => Buffer): Buffer {
  let root: DerNode;
  try {
    root = parseTree(der, random.chance(0.5));
  } catch (error) {
    if (error instanceof RangeError) return editOctets(der, random);
    throw error;
  }
  return change(root, random);
}

const treeOnce = (root: DerNode, random: Random): Buffer => writeTree(mutateTree(root, random));
const treeTwice = (root: DerNode, random: Random): Buffer => treeOnce(mutateTree(root, random), random);

type Edit = readonly [story: string, edit: (der: Buffer, random: Random) => Buffer];

/** Done to the CertificationRequestInfo before it is signed, so that the signature stays right. */
const infoEdits: readonly [Edit, ...Edit[]] = [
  ["tree", (der, random) => onTree(der, random, treeOnce)],
  ["tree twice", (der, random) => onTree(der, random, treeTwice)],
  ["length", (der, random) => onTree(der, random, writeCrookedLength)],
  ["octets", editOctets],
];

/** Done to the signature. */
const signatureEdits: readonly [Edit, ...Edit[]] = [
  ["signature octets", editOctets],
  ["signature cut", (der) => der.subarray(0, -1)],
  ["signature padded", (der) => Buffer.concat([der, Buffer.of(0)])],
  ["signature led by zero", (der) => Buffer.concat([Buffer.of(0), der])],
  ["signature tree", (der, random) => onTree(der, random, treeOnce)],
  ["signature length", (der, random) => onTree(der, random, writeCrookedLength)],
  ["signature empty", () => Buffer.alloc(0)],
];

/** Done to the whole, signed request. */
const outerEdits: readonly [Edit, ...Edit[]] = [
  ["outer octets", editOctets],
  ["outer tree", (der, random) => onTree(der, random, treeOnce)],
  ["outer length", (der, random) => onTree(der, random, writeCrookedLength)],
  ["trailing octets", (der, random) => Buffer.concat([der, random.octets(1 + random.below(3))])],
  ["truncated", (der, random) => der.subarray(0, random.below(der.length))],
];

function edited(
  der: Buffer,
  share: number,
  edits: readonly [Edit, ...Edit[]],
  random: Random,
  story: string[],
): Buffer {
  if (!random.chance(share)) return der;
  const [what, edit] = random.pick(edits);
  story.push(what);
  return edit(der, random);
}

const rowsFor = ({ row }: Subject): readonly [SignatureAlgorithm, ...SignatureAlgorithm[]] => [
  row,
  ...Object.values(signatureAlgorithms).filter(({ keyType }) => keyType === row.keyType),
];

/** The next mutant of `subjects`. About two in five are meant to be right. */
export function makeMutant(all: readonly [Subject, ...Subject[]], random: Random): Mutant {
  const subject = random.pick(all);
  const signer = random.chance(0.03) ? random.pick(all) : subject;
  const story = [subject.row.id, ...(signer === subject ? [] : ["another's signature"])];
  const parts = {
    spki: subject.spki,
    subject: random.pick(subjects)(random),
    attributes: makeAttributes(random),
  };
  const version = random.chance(0.02) ? { version: encodeSmallInteger(random.below(3)) } : {};
  const info = edited(requestInfo({ ...parts, ...version }), 0.4, infoEdits, random, story);
  const row = random.pick(rowsFor(signer));
  const signature = edited(sign(row.digest, info, signer.privateKey), 0.1, signatureEdits, random, story);
  const request = assembleCertificationRequest(info, row, signature);
  return { der: edited(request, 0.15, outerEdits, random, story), story: story.join(", ") };
}
