/** Room: core/rotation. A fleet's authorities as people see them, whatever their state. Times are ISO 8601, UTC. */
import { hash } from "node:crypto";
import { type Fleet, getFleet, type Issuer } from "../authority/issuer.ts";
import { isoSeconds } from "../enrollment/answer.ts";
import { encodePem } from "../formats/pem.ts";
import { serialNumberHex } from "../formats/x509/tbs-certificate.ts";
import type { KeylessApp } from "../ports.ts";
import type { AuthorityRecord, AuthorityState } from "../records/fleet-record.ts";

export interface AuthorityView {
  readonly authorityId: string;
  readonly kind: AuthorityRecord["kind"];
  readonly state: AuthorityState;
  readonly algorithm: AuthorityRecord["algorithm"];
  /** offline: its key is on a machine of people's own. */
  readonly custody: "service" | "offline";
  /** The authority that signed it; absent for a root. */
  readonly issuer?: string;
  /** Whether the fleet's certificates come from it now. */
  readonly issues: boolean;
  /** Lowercase hexadecimal, both. */
  readonly serialNumber: string;
  readonly sha256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM of this root's key, certified by other roots of the fleet (RFC 9810 §4.4). */
  readonly crossCertificates: readonly string[];
  readonly changedAt?: string;
}

export interface AuthorityList {
  readonly fleet: string;
  /** Roots first, each kind by age. */
  readonly authorities: readonly AuthorityView[];
}

function authorityView({ record: fleet }: Fleet, { record, certificate }: Issuer): AuthorityView {
  const { authorityId, kind, state, algorithm, parentId, changedAt } = record;
  const { validity, serialNumber } = certificate.tbs;
  const cross = record.crossCertificates ?? [];
  return {
    authorityId,
    kind,
    state,
    algorithm,
    custody: record.custody ?? "service",
    ...(parentId === undefined ? {} : { issuer: parentId }),
    issues: authorityId === fleet.issuingAuthorityId,
    serialNumber: serialNumberHex(serialNumber),
    sha256: hash("sha256", record.certificate),
    notBefore: isoSeconds(validity.notBefore),
    notAfter: isoSeconds(validity.notAfter),
    certificate: encodePem("CERTIFICATE", record.certificate),
    crossCertificates: cross.map((one) => encodePem("CERTIFICATE", Buffer.from(one, "base64"))),
    ...(changedAt === undefined ? {} : { changedAt: isoSeconds(changedAt) }),
  };
}

const rank = ({ record: { kind } }: Issuer): number => (kind === "root" ? 0 : 1);

/** One read. @throws AppError not_found. */
export async function listAuthorities(
  app: KeylessApp,
  { fleet: name }: { readonly fleet: string },
): Promise<AuthorityList> {
  const fleet = await getFleet(app, name);
  const ordered = fleet.authorities.toSorted(
    (left, right) => rank(left) - rank(right) || left.record.createdAt - right.record.createdAt,
  );
  return { fleet: name, authorities: ordered.map((authority) => authorityView(fleet, authority)) };
}
