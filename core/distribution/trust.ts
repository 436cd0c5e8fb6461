/** Room: core/distribution. What relying parties pin: the fleet's roots. */
import { hash } from "node:crypto";
import { chainOf, type Fleet, getFleet, type Issuer } from "../authority/issuer.ts";
import { encodePem } from "../formats/pem.ts";
import type { KeylessApp } from "../ports.ts";
import { isTrusted } from "../records/fleet-record.ts";

/** PEM of the fleet's root certificates. Reads no key. @throws AppError not_found. */
export async function trustBundlePem(app: KeylessApp, request: { readonly fleet: string }): Promise<string> {
  return rootsOf(await getFleet(app, request.fleet))
    .map((raw) => encodePem("CERTIFICATE", raw))
    .join("");
}

/** Trusted, the oldest first. */
export function rootsInUse({ authorities }: Fleet): readonly Issuer[] {
  return authorities
    .filter(({ record }) => record.kind === "root" && isTrusted(record))
    .toSorted((left, right) => left.record.createdAt - right.record.createdAt);
}

/** DER of the roots that are trusted, the oldest first. */
export function rootsOf(fleet: Fleet): readonly Uint8Array[] {
  return rootsInUse(fleet).map(({ certificate }) => certificate.raw);
}

/**
 * The root above the authority that issues now: what somebody pins who pins one alone. A rollover that can still be taken
 * back does not change it. Undefined when it is not trusted.
 */
export function rootToPin(fleet: Fleet): Issuer | undefined {
  const rootId = chainOf(fleet, fleet.record.issuingAuthorityId).at(-1)?.record.parentId;
  return rootsInUse(fleet).find(({ record }) => record.authorityId === rootId);
}

/**
 * DER of roots and issuing authorities that are trusted, each issuer before what it issued. Cross certificates are not
 * among them: whoever has all the roots needs none.
 */
export function authoritiesOf(fleet: Fleet): readonly Uint8Array[] {
  const issuing = fleet.authorities.filter(({ record }) => record.kind !== "root" && isTrusted(record));
  return [...rootsOf(fleet), ...issuing.map(({ certificate }) => certificate.raw)];
}

/** SHA-256 of a certificate's DER, lowercase hexadecimal. */
export function certificateFingerprint(raw: Uint8Array): string {
  return hash("sha256", raw);
}
