/**
 * Room: core/revocation. Where the status of certificates of a fleet is found: the shard of the CRL by the time of
 * expiry, and the addresses that certificates carry.
 */
import type { Fleet } from "../authority/issuer.ts";
import { crlShardOf } from "./shard.ts";

/** https URIs, as certificates carry them. */
export interface StatusPointers {
  readonly crl: string;
  readonly ocsp: string;
}

export interface CertificateStatusPlaces {
  /** Part of the CRL for a certificate that ends at `notAfter` (milliseconds since the epoch). */
  readonly shardOf: (notAfter: number) => string;
  /** Absent for a fleet that has no address: its certificates say nothing of their status. */
  readonly pointersOf?: (notAfter: number) => StatusPointers;
}

/** Where a list of `authorityId` lies below `base`; also its key in the object store below `fleets/{fleet}`. */
export const crlPath = (authorityId: string, crlShard: string): string =>
  `crl/${authorityId}/${crlShard}.crl`;

/** Key of the list in the object store. */
export const crlObjectKey = (fleet: string, authorityId: string, crlShard: string): string =>
  `fleets/${fleet}/${crlPath(authorityId, crlShard)}`;

/** Address of the fleet's responder. */
export const ocspUrl = (origin: string, fleet: string): string => `${origin}/v1/fleets/${fleet}/ocsp`;

/** Of certificates that `authorityId`, an issuing authority of the fleet, signs now. */
export function statusPlaces({ record, configuration }: Fleet, authorityId: string): CertificateStatusPlaces {
  const { fleet, origin, artifactBases = [] } = record;
  const shardOf = (notAfter: number): string => crlShardOf(notAfter, configuration.crlWindowDays);
  const [base] = artifactBases;
  if (base === undefined || origin === undefined) return { shardOf };
  return {
    shardOf,
    pointersOf: (notAfter) => ({
      crl: `${base}/${crlPath(authorityId, shardOf(notAfter))}`,
      ocsp: ocspUrl(origin, fleet),
    }),
  };
}
