/**
 * Room: core/standard. What becomes of every secret that the service makes, gives out or is shown, and of every text that
 * people write in words of their own.
 */

export interface StoredSecret {
  readonly secret: string;
  readonly becomes: "hashed" | "sealed" | "wrapped" | "never kept" | "kept in the clear";
  readonly where: string;
}

export const storedSecrets: readonly StoredSecret[] = [
  {
    secret: "enrolment token, invitation, challenge, session token",
    becomes: "hashed",
    where: "SHA-256 in its item",
  },
  {
    secret: "proof of possession (DPoP)",
    becomes: "hashed",
    where: "SHA-256 of key and id, so that it works once",
  },
  {
    secret: "ID token of a person or a pipeline",
    becomes: "hashed",
    where: "SHA-256 in an approval; of its claims nothing, of its subject the SHA-256",
  },
  {
    secret: "a passkey's signature",
    becomes: "kept in the clear",
    where:
      "in the approval that it was made for: evidence, good for that one challenge; of a sign-in nothing is kept",
  },
  {
    secret: "nonce of an approval's challenges",
    becomes: "kept in the clear",
    where: "in the approval: it keeps challenges from being known early, and opens nothing by itself",
  },
  {
    secret: "reason of an operator's decryption",
    becomes: "sealed",
    where: "under the fleet's key, in its item",
  },
  { secret: "plaintext of protected data", becomes: "never kept", where: "in memory, for one request" },
  {
    secret: "data key",
    becomes: "never kept",
    where: "in memory, for one request; wrapped it is in its message alone",
  },
  {
    secret: "private key of a data key pair",
    becomes: "never kept",
    where: "leaves as a message, and is not kept",
  },
  {
    secret: "subject key",
    becomes: "wrapped",
    where: "by the fleet's wrapping key; in the clear in memory, used for 300 s at most",
  },
  { secret: "a device's private key", becomes: "never kept", where: "the service is never shown one" },
  {
    secret: "a server's private key",
    becomes: "sealed",
    where: "in AWS Certificate Manager; on one machine by the master key",
  },
  { secret: "signing keys", becomes: "sealed", where: "in KMS; on one machine by the master key" },
  {
    secret: "the master key, the key of the bootstrap's operator",
    becomes: "kept in the clear",
    where: "on one machine alone, each in a file (0600) for its owner, who may keep both elsewhere",
  },
  {
    secret: "the passphrase of the key store",
    becomes: "never kept",
    where: "from the environment of the process",
  },
];

export interface WrittenText {
  readonly text: string;
  readonly treatment: string;
}

/** Of the sensitive kinds that one would look for, those that do not exist are named too. */
export const writtenTexts: readonly WrittenText[] = [
  { text: "why an operator wants to read protected data", treatment: "sealed under the fleet's key" },
  {
    text: "ids of devices, operators, claims, subjects; firmware labels",
    treatment:
      "opaque: what is shaped like a personal datum is refused, and so it is in names of certificates",
  },
  {
    text: "operations that people are asked to approve",
    treatment:
      "the body of the call, by its schema: ids, words of ours, configuration; no reason in free words",
  },
  {
    text: "a fleet's configuration",
    treatment: "issuers, patterns, certificates, numbers: of organisations, not of persons",
  },
  {
    text: "the page that explains a renewal window",
    treatment: "an https address, which renewal information shows",
  },
  { text: "reasons of revocations and destructions", treatment: "words of ours" },
  { text: "descriptions of incidents", treatment: "none exist yet; they will be sealed as reasons are" },
  { text: "names and contacts of operators", treatment: "none exist: an operator is an id" },
];
