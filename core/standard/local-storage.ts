/**
 * Room: core/standard. Every place in which something is at rest on one machine: what, in which form, for how long, in
 * which copies. Those on AWS are in `storage.ts`.
 */
import { dataAtRest, days, evidence, recovery, type StoragePlace } from "./storage.ts";

/** sealed: by the key store's master key; owner: a secret in the clear for the owner's eyes; clear: no secret is in it. */
export type LocalForm = "sealed" | "owner" | "clear";

export interface LocalPlace extends StoragePlace {
  readonly form: LocalForm;
  /** Of paths below the data directory, parted by `/`. */
  readonly files: RegExp;
}

const ownCopies = "the owner's copies of DIR";

export const localStorage = {
  items: {
    what: "records: see below; what is secret in them is hashed or sealed",
    where: "`fleetkey.sqlite` with its journal",
    form: "clear",
    kept: "see below; what is deleted is overwritten",
    copies: ownCopies,
    citation: dataAtRest,
    files: /^fleetkey\.sqlite(?:-wal|-shm)?$/,
  },
  subjectKeys: {
    what: "subject keys, each under its fleet's wrapping key; tombstones",
    where: "`subject-keys/subject-keys.sqlite` with its journal",
    form: "sealed",
    kept: "until they are shredded, and overwritten then; tombstones as long as the file",
    copies: `the owner's, in a rhythm of their own: none older than ${days(recovery.default)}, for a copy brings shredded keys back`,
    citation: `${dataAtRest}; SP 800-88 r1 §2.6; 45 CFR 164.310(d)(2)(i)`,
    files: /^subject-keys\/subject-keys\.sqlite(?:-wal|-shm)?$/,
  },
  masterKey: {
    what: "the master key, where no passphrase is given",
    where: "`master.key`",
    form: "owner",
    kept: "as long as the key store",
    copies: "keep it apart from copies of DIR",
    citation: "SP 800-57 Part 1 r5 §6.2.2",
    files: /^master\.key$/,
  },
  keyStore: {
    what: "signing keys of authorities, responders and manifests, PKCS #8 sealed with AES-256-GCM",
    where: "`keys/key.*.json`",
    form: "sealed",
    kept: "until they are destroyed: overwritten 30 days after two people decided it",
    copies: ownCopies,
    citation: `${dataAtRest}; SP 800-57 Part 1 r5 §6.2.2`,
    files: /^keys\/key\.[\w.-]+\.json$/,
  },
  wrappingKeys: {
    what: "generations of fleets' wrapping keys, sealed with AES-256-GCM",
    where: "`keys/wrapping.{fleet}.{generation}.json`",
    form: "sealed",
    kept: "until two people shred the fleet, and overwritten then",
    copies: `${ownCopies}: one that holds them and the subject keys brings a shredded fleet back`,
    citation: `${dataAtRest}; SP 800-57 Part 1 r5 §6.2.2`,
    files: /^keys\/wrapping\.[a-z0-9-]+\.[0-9]+\.json$/,
  },
  keyStoreState: {
    what: "how the master key is derived, a value to check it, which keys are to be or were destroyed, locks",
    where:
      "`keys/` and `certificates/`: `keystore.json`, `deletion.*.json`, `wrapping.*.destroyed.json`, locks",
    form: "clear",
    kept: "as long as the key store",
    copies: ownCopies,
    citation: "RFC 7914",
    files:
      /^(?:keys|certificates)\/(?:keystore\.json|deletion\.[\w.-]+\.json|wrapping\.[a-z0-9-]+\.destroyed\.json|\.?[\w-]*\.?lock)$/,
  },
  certificates: {
    what: "servers' certificates, with their keys sealed with AES-256-GCM",
    where: "`certificates/certificate-*.json`",
    form: "sealed",
    kept: "until they are removed",
    copies: ownCopies,
    citation: dataAtRest,
    files: /^certificates\/certificate-[0-9a-f]{32}[\w.]*$/,
  },
  objects: {
    what: "trust bundles, manifests, lists and trust stores: public; records of ceremonies",
    where: "`objects/`",
    form: "clear",
    kept: "as long as DIR",
    copies: ownCopies,
    citation: evidence,
    files: /^objects\/(?:artifacts|trust-stores|records)\/(?:\.lock|.+~object)$/,
  },
  notices: {
    what: "notices to people: words of ours, opaque ids, numbers",
    where: "`notices.jsonl`",
    form: "clear",
    kept: "until the owner moves the file away",
    copies: ownCopies,
    citation: "45 CFR 164.312(b)",
    files: /^notices\.jsonl(?:\.lock)?$/,
  },
  operatorKey: {
    what: "the private key of the bootstrap's operator",
    where: "`bootstrap/operator.key`, `fleets/{fleet}/operator.key`",
    form: "owner",
    kept: "until it is replaced: 60 of 90 days",
    copies: "keep it out of copies of DIR: the next start makes another",
    citation: "45 CFR 164.312(d)",
    files: /^(?:bootstrap|fleets\/[a-z0-9-]+)\/operator\.key$/,
  },
  bootstrap: {
    what: "the operator's certificate and the fleet's roots: public",
    where: "`bootstrap/`, `fleets/{fleet}/`",
    form: "clear",
    kept: "as long as DIR",
    copies: ownCopies,
    citation: "RFC 5280 §4.1",
    files: /^(?:bootstrap|fleets\/[a-z0-9-]+)\/(?:operator\.pem|root\.pem|\.lock)$/,
  },
} as const satisfies Readonly<Record<string, LocalPlace>>;
