/** Room: core/ocsp. Which authorities of a fleet are answered for, and with which certificates. */
import type { Issuer } from "../authority/issuer.ts";
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { readItems } from "../records/pages.ts";
import { type ResponderRecord, responderPartition, responderRecord } from "../records/responder-record.ts";

/** As many as a fleet has authorities, at most. */
const maximumResponders = 1_000;

export type StoredResponder = Stored<ResponderRecord>;

/** Of a fleet's issuing authorities those that have one, by the authority's id. One query. */
export async function findResponders(
  app: KeylessApp,
  fleet: string,
): Promise<ReadonlyMap<string, StoredResponder>> {
  const items = await readItems(app, { pk: responderPartition(fleet), limit: maximumResponders });
  return new Map(items.map(responderRecord).map((stored) => [stored.value.authorityId, stored]));
}

/** True of an authority whose certificates are still relied upon. */
export function isAnsweredFor({ record, certificate }: Issuer, now: number): boolean {
  return record.kind === "issuing" && isTrusted(record) && now < certificate.tbs.validity.notAfter;
}
