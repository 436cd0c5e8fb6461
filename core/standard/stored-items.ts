/**
 * Room: core/standard. What stands in the item stores: a row for each partition that the product makes, with what in it
 * is hashed or sealed, and when a store may drop it. All else in them is opaque ids, codes, measures and times.
 */
import { accessPeriods } from "./access.ts";

/** Days after which a store may drop the item, and from when they count. */
export interface Kept {
  readonly days: number;
  readonly after: string;
}

export interface StoredItems {
  /** How partition keys begin: up to and with the first `#`, or whole. */
  readonly partition: string;
  /** Words that begin the sort keys in it; none where these are ids or times. */
  readonly sortKeys?: readonly string[];
  readonly what: string;
  /** Which members are hashed or sealed, or why they need be neither. @default opaque ids, codes, measures and times */
  readonly guarded?: string;
  /** Or until when, where no time is counted. @default as long as the store */
  readonly kept?: Kept | string;
  /** @default items */
  readonly store?: "subjectKeys";
}

const after = (days: number, what: string): Kept => ({ days, after: what });
const minutes = (seconds: number): number => seconds / 60;

export const storedItems: readonly StoredItems[] = [
  {
    partition: "FLEET#",
    sortKeys: ["FLEET", "AUTHORITY#", "CONFIGURATION", "GATEWAY", "RENEWALWINDOWS"],
    what: "a fleet, its authorities, configuration, gateway and renewal windows",
    guarded: "certificates are public; patterns of issuers and principals, no claim of a person",
  },
  { partition: "FLEETS", what: "names of all fleets" },
  {
    partition: "CERTIFICATE#",
    sortKeys: ["CERTIFICATE", "OCSP#"],
    what: "a certificate from its intent on",
    guarded: "certificates are public; subjects are opaque ids, servers' DNS names, SPIFFE ids",
  },
  {
    partition: "DEVICE#",
    sortKeys: ["DEVICE", "HOLD", "CLAIMED"],
    what: "a device, what holds it back, by which claim it was enrolled",
    guarded: "the id is opaque: one that is shaped like a personal datum is refused",
  },
  {
    partition: "ISSUANCES#",
    what: "places of a device's hour that are taken",
    kept: after(1 / 12, "the hour begins"),
  },
  {
    partition: "TOKEN#",
    sortKeys: ["TOKEN"],
    what: "an enrolment token",
    guarded: "the token: SHA-256",
    kept: after(30, "its expiry"),
  },
  {
    partition: "REQUEST#",
    sortKeys: ["REQUEST"],
    what: "which certificate answers a request",
    guarded: "credential, CSR and profile: SHA-256",
    kept: after(0, "the certificate's end"),
  },
  {
    partition: "ENROLLMENT-REQUEST#",
    what: "requests that wait for an operator",
    guarded: "the CSR and its key: SHA-256",
    kept: after(0, "its expiry: a day after it came, a week after its decision"),
  },
  {
    partition: "KEY#",
    sortKeys: ["KEY"],
    what: "a registered key and the device that it enrols",
    guarded: "the public key: SHA-256",
  },
  {
    partition: "MAKER#",
    sortKeys: ["MAKER"],
    what: "which device a maker's identifier stands for",
    guarded: "the maker's identifier: SHA-256",
  },
  {
    partition: "CLAIM#",
    sortKeys: ["CLAIM", "SHARE#"],
    what: "a claim and what is left of its quota",
    guarded: "ids and counts; no claim of a person",
  },
  {
    partition: "OPERATOR#",
    sortKeys: ["OPERATOR#"],
    what: "operators: ids, roles, passkeys",
    guarded: "who it is at an identity provider: SHA-256; there is no name, address or telephone number",
  },
  {
    partition: "OIDCSUBJECT#",
    sortKeys: ["OIDCSUBJECT"],
    what: "which operator somebody at an identity provider is",
    guarded: "issuer and subject: SHA-256",
  },
  {
    partition: "PASSKEY#",
    sortKeys: ["PASSKEY"],
    what: "a passkey",
    guarded: "public keys and ids of credentials",
  },
  {
    partition: "INVITATION#",
    sortKeys: ["INVITATION"],
    what: "an invitation to register a passkey",
    guarded: "the invitation: SHA-256",
    kept: after(7, "its expiry"),
  },
  {
    partition: "CHALLENGE#",
    sortKeys: ["CHALLENGE"],
    what: "a challenge for a passkey or an ID token",
    guarded: "the challenge: SHA-256",
    kept: after(0, "its expiry"),
  },
  {
    partition: "SESSION#",
    sortKeys: ["SESSION"],
    what: "a session",
    guarded: "the token: SHA-256; bound to a key of the browser, whose thumbprint is public",
    kept: after(0, "its end"),
  },
  {
    partition: "PROOF#",
    sortKeys: ["PROOF"],
    what: "that a proof of possession was used",
    guarded: "key and proof: SHA-256",
    kept: after(0, "the end of the proof"),
  },
  {
    partition: "ATTEMPTS#",
    sortKeys: ["ATTEMPTS"],
    what: "failed attempts of one identity",
    guarded: "the identity: SHA-256",
    kept: after(0, "the window ends"),
  },
  {
    partition: "APPROVAL#",
    sortKeys: ["APPROVAL#"],
    what: "an approval: the operation, who asked, the proofs of those who approved",
    guarded:
      "ID tokens: SHA-256; a passkey's signature is evidence and signs nothing else; the nonce behind challenges opens " +
      `nothing without the authenticator, and is over after ${minutes(accessPeriods.approval.seconds)} min`,
  },
  {
    partition: "AUDIT#",
    what: "the audit log, an entry an act",
    guarded: "opaque ids and codes, by the form of an entry",
  },
  {
    partition: "OPERATORDECRYPTION#",
    what: "that an operator asked to read protected data, and read it",
    guarded: "the reason: sealed; the message: as it came, encrypted; the plaintext: kept nowhere",
  },
  {
    partition: "REENCRYPTION#",
    what: "a re-encryption and how far it has come",
  },
  {
    partition: "SHRED#",
    what: "a destruction and its certificate",
    guarded: "the reason is one of four words of ours",
  },
  {
    partition: "SUBJECTKEY#",
    sortKeys: ["KEY", "SHREDDED"],
    what: "a subject's keys by version, or the tombstone where they were",
    guarded: "the key: wrapped by the fleet's wrapping key, bound to fleet, subject and version",
    kept: "until they are shredded; a tombstone as long as the store",
    store: "subjectKeys",
  },
  {
    partition: "SUBJECTKEYS#",
    sortKeys: ["SHREDDED"],
    what: "the tombstone of a whole fleet",
    store: "subjectKeys",
  },
  {
    partition: "ACKNOWLEDGEMENT#",
    sortKeys: ["ACKNOWLEDGEMENT"],
    what: "which trust manifest a device or pipeline has",
  },
  { partition: "ACKNOWLEDGED#", what: "that it took one over", kept: after(400, "it happened") },
  { partition: "ADOPTION#", sortKeys: ["ADOPTION"], what: "how many rely on which version" },
  { partition: "SURVEY#", what: "how many active devices trust a successor" },
  {
    partition: "CENSUS#",
    sortKeys: ["PROGRESS", "COUNT#"],
    what: "how many certificates of each kind there are",
  },
  { partition: "CRL#", what: "an authority's list: its numbers and times" },
  {
    partition: "REVOKED#",
    what: "that a certificate was revoked, for the list that names it",
    kept: after(0, "no list needs it any more"),
  },
  { partition: "REVOCATIONJOB#", what: "a bulk revocation" },
  { partition: "RESPONDERS#", what: "who answers for an authority", guarded: "certificates are public" },
  {
    partition: "PUBLICATION#",
    sortKeys: ["STATE", "SIGNER#", "VERSION#"],
    what: "trust manifests and who signs them",
    guarded: "public",
  },
  { partition: "ROLLOVERS#", what: "replacements of authorities" },
  {
    partition: "CEREMONIES#",
    what: "uses of a root's key",
    guarded: "KMS's grant tokens, which are no secrets (KMS developer guide) and end within the hour",
  },
  {
    partition: "OFFLINE#",
    sortKeys: ["REQUEST#", "ANSWER#", "FLEET", "MISSINGSIGNER"],
    what: "what travels to an offline root and back",
    guarded: "signed documents without a key; participants by opaque ids",
  },
  {
    partition: "ROTATIONTASKS#",
    what: "what waits for people",
    kept: after(90, "it is closed"),
  },
  { partition: "DATAKEYWISHES", what: "wrapping keys that people asked to rotate" },
  { partition: "KEYCONDITIONS#", sortKeys: ["CONDITIONS"], what: "how the key services had a fleet's keys" },
  {
    partition: "SERVERCERTIFICATES#",
    what: "servers' certificates that another service holds",
    guarded: "names and numbers; the key is never in it",
  },
  {
    partition: "EXPIRYNOTICES#",
    sortKeys: ["MARKS"],
    what: "how far people were told of certificates that end",
  },
  {
    partition: "KEYNOTICES#",
    what: "that people were told of a key's age",
    kept: after(800, "they were told"),
  },
  { partition: "LISTNOTICES#", what: "that people were told of a list", kept: after(400, "the list's end") },
];

export interface IndexPartition {
  readonly partition: string;
  readonly index: "byDevice" | "byIssue" | "byExpiry" | "open";
  /** Partition of the items that stand in it. */
  readonly of: string;
}

/** Indexes hold the items themselves: what is said of these is true of them. */
export const indexPartitions: readonly IndexPartition[] = [
  { partition: "SUBJECT#", index: "byDevice", of: "CERTIFICATE#" },
  { partition: "FIRMWARE#", index: "byDevice", of: "ACKNOWLEDGEMENT#" },
  { partition: "ISSUED#", index: "byIssue", of: "CERTIFICATE#" },
  { partition: "EXPIRES#", index: "byExpiry", of: "CERTIFICATE#" },
  { partition: "REVOKED#", index: "open", of: "CERTIFICATE#" },
  { partition: "OPEN#", index: "open", of: "CERTIFICATE#" },
  { partition: "DUE#", index: "open", of: "CRL#" },
  { partition: "UNPUBLISHED#", index: "open", of: "REVOKED#" },
  { partition: "REVOCATIONJOBS", index: "open", of: "REVOCATIONJOB#" },
  { partition: "REENCRYPTIONS", index: "open", of: "REENCRYPTION#" },
  { partition: "SHREDS", index: "open", of: "SHRED#" },
];
