/**
 * Room: core/records. A server certificate that another service holds with its key: what is wanted, and how far the
 * task has come. One item a certificate, in one partition a fleet. No key is ever in it.
 */
import type { Item, ItemKey, NewItem, ServerKeyAlgorithm } from "../ports.ts";
import { number, optionalText, optionalTexts, present, text, word } from "./attributes.ts";
import type { Stored } from "./certificate-record.ts";

export const serverKeyAlgorithms = [
  "P-256",
  "P-384",
  "RSA-2048",
  "RSA-3072",
  "RSA-4096",
] as const satisfies readonly ServerKeyAlgorithm[];

/**
 * requested: the task is to issue and import it; current: held as it should be; drifted: somebody put another in its
 * place; rolledBack: people use the one before it, and nothing is renewed; removing: the task is to take it away.
 */
export const serverCertificateStates = ["requested", "current", "drifted", "rolledBack", "removing"] as const;
export type ServerCertificateState = (typeof serverCertificateStates)[number];

/** A certificate of ours that was issued for a generation. Times in milliseconds since the epoch, as all here. */
export interface ServerGeneration {
  readonly generation: number;
  /** Who signed it. */
  readonly authorityId: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly dnsNames: readonly string[];
}

/** One of two places that hold copies of the generations in turn. */
export interface ServerSlot extends Pick<ServerGeneration, "generation" | "serialNumber" | "notAfter"> {
  /** Absent until the copy is there for the first time. */
  readonly certificateId?: string;
}

export interface ServerCertificateRecord {
  readonly fleet: string;
  readonly name: string;
  /** Random; tells this one from another of the same name, before or after it. */
  readonly recordId: string;
  readonly state: ServerCertificateState;
  readonly dnsNames: readonly string[];
  /** Fixed for the record's life: a certificate that replaces another has the same key type and size. */
  readonly keyAlgorithm: ServerKeyAlgorithm;
  /** Who asked for the names that it has now: `operator:…` or `pipeline:…`. */
  readonly requestedBy: string;
  readonly createdAt: number;
  /** Where the service holds it, whatever its generation. */
  readonly certificateId?: string;
  /** Of the newest one that was imported; 0 before the first. */
  readonly generation: number;
  /** What is held under `certificateId`. */
  readonly current?: ServerGeneration;
  /** Issued, and not known to be held. */
  readonly pending?: ServerGeneration;
  /** Odd and even generations. */
  readonly slots: readonly [ServerSlot | undefined, ServerSlot | undefined];
  /** Counts issuances, so that each is a request of its own. */
  readonly attempt: number;
  /** While it is in the future: a task has this record for itself. */
  readonly leaseUntil: number;
  /** When the task is to do something about it. */
  readonly nextAt: number;
  /** In a row; 0 after a success. */
  readonly failures: number;
  /** Code of the last failure; absent after a success. */
  readonly lastFailure?: string;
  /** Somebody has decided that what stands there in place of ours may be overwritten. */
  readonly mayReplace?: boolean;
  /** Serial number of whose coming end people were told. */
  readonly endingTold?: string;
}

export const serverCertificatePartition = (fleet: string): string => `SERVERCERTIFICATES#${fleet}`;

export const serverCertificateKey = (fleet: string, name: string): ItemKey => ({
  pk: serverCertificatePartition(fleet),
  sk: name,
});

const json = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

export function serverCertificateItem(record: ServerCertificateRecord): NewItem {
  const { current, pending, slots, ...plain } = record;
  return {
    ...serverCertificateKey(record.fleet, record.name),
    attributes: present({
      ...plain,
      current: json(current),
      pending: json(pending),
      slots: JSON.stringify(slots.map((slot) => slot ?? null)),
    }),
  };
}

/** What is left of one that was removed: nothing but its place, which a store may drop. The name is free. */
export function removedServerCertificate(fleet: string, name: string, now: number): NewItem {
  return {
    ...serverCertificateKey(fleet, name),
    attributes: { fleet, name, removedAt: now },
    expiresAt: Math.floor(now / 1000),
  };
}

export const isRemoved = (item: Item): boolean => item.attributes["removedAt"] !== undefined;

function generation(item: Item, name: string): ServerGeneration | undefined {
  const stored = optionalText(item, name);
  return stored === undefined ? undefined : (JSON.parse(stored) as ServerGeneration);
}

function slotsOf(item: Item): ServerCertificateRecord["slots"] {
  const [even, odd] = JSON.parse(text(item, "slots")) as readonly (ServerSlot | null)[];
  return [even ?? undefined, odd ?? undefined];
}

/** @throws AppError internal when an attribute is missing, mistyped or not one of its words. */
export function serverCertificateRecord(item: Item): Stored<ServerCertificateRecord> {
  const current = generation(item, "current");
  const pending = generation(item, "pending");
  const optional = present({
    mayReplace: item.attributes["mayReplace"] === true ? true : undefined,
    certificateId: optionalText(item, "certificateId"),
    lastFailure: optionalText(item, "lastFailure"),
    endingTold: optionalText(item, "endingTold"),
  }) as Partial<ServerCertificateRecord>;
  return {
    version: item.version,
    value: {
      fleet: text(item, "fleet"),
      name: text(item, "name"),
      recordId: text(item, "recordId"),
      state: word(item, "state", serverCertificateStates),
      dnsNames: optionalTexts(item, "dnsNames") ?? [],
      keyAlgorithm: word(item, "keyAlgorithm", serverKeyAlgorithms),
      requestedBy: text(item, "requestedBy"),
      createdAt: number(item, "createdAt"),
      generation: number(item, "generation"),
      slots: slotsOf(item),
      attempt: number(item, "attempt"),
      leaseUntil: number(item, "leaseUntil"),
      nextAt: number(item, "nextAt"),
      failures: number(item, "failures"),
      ...optional,
      ...(current === undefined ? {} : { current }),
      ...(pending === undefined ? {} : { pending }),
    },
  };
}
