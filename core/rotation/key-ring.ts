/** Room: core/rotation. The keys with which a fleet signs, from its records: what each is for, and since when. */
import type { Fleet, Issuer } from "../authority/issuer.ts";
import { trustSigners } from "../distribution/known-signers.ts";
import { findResponders } from "../ocsp/certified-responders.ts";
import { certifiedKey, responderAlgorithm, responderKey } from "../ocsp/responder-key.ts";
import type { KeylessApp } from "../ports.ts";
import { isTrusted } from "../records/fleet-record.ts";
import type { TrustSignerRecord } from "../records/publication-record.ts";
import type { ResponderRecord } from "../records/responder-record.ts";
import type { RotatedKeyKind } from "../standard/rotation.ts";
import { ageState, keyAge } from "./cryptoperiod.ts";
import type { KeyAgeState, KeyUse } from "./key-views.ts";
import { isBelow } from "./offline/signer-need.ts";

export interface HeldKey {
  readonly kind: RotatedKeyKind;
  readonly name: string;
  /** Absent of a responder's key that no certificate is for yet. */
  readonly keyId?: string;
  readonly algorithm?: string;
  readonly use: KeyUse;
  readonly custody: "service" | "offline";
  /** Of a signer of trust manifests: the authority whose name its certificate bears as its issuer's. */
  readonly certifiedBy?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** The age of a key counts while it signs what is new. */
export function stateOfKey({ kind, use, since }: HeldKey, now: number): KeyAgeState {
  if (use === "waiting") return "ok";
  return use === "used" ? ageState(keyAge(kind, since), now) : "ended";
}

const authorityUses = {
  published: "waiting",
  active: "used",
  draining: "draining",
  retired: "out",
  destroyed: "out",
} as const;

function authorityKey({ record: fleet }: Fleet, { record, certificate }: Issuer): HeldKey {
  const { authorityId, kind, keyId, algorithm, custody = "service" } = record;
  const issuesNoMore = kind === "issuing" && authorityId !== fleet.issuingAuthorityId;
  const use = authorityUses[record.state];
  return {
    kind,
    name: authorityId,
    keyId,
    algorithm,
    custody,
    use: use === "used" && issuesNoMore ? "draining" : use,
    since: certificate.tbs.validity.notBefore,
  };
}

/** Whether anybody relies on what the authority's responder says. */
const isReliedOn = ({ authorities }: Fleet, { authorityId }: ResponderRecord): boolean =>
  authorities.some(({ record }) => record.authorityId === authorityId && isTrusted(record));

function responderKeys(fleet: Fleet, certified: readonly ResponderRecord[]): readonly HeldKey[] {
  const { record } = fleet;
  const present = responderKey(record);
  const keys = new Map<string, HeldKey>();
  const common = { kind: "ocspResponder", algorithm: responderAlgorithm, custody: "service" } as const;
  for (const one of certified) {
    const { responderId: name, since } = certifiedKey(one, record);
    const use = name === present.responderId ? "used" : isReliedOn(fleet, one) ? "draining" : "out";
    // It may have answered for several authorities, of which one is still trusted.
    if (use === "out" && keys.has(name)) continue;
    keys.set(name, { ...common, name, keyId: one.keyId, use, since });
  }
  // Moved to, and nothing is certified yet.
  if (!keys.has(present.responderId) && keys.size > 0)
    keys.set(present.responderId, {
      ...common,
      name: present.responderId,
      use: "used",
      since: present.since,
    });
  return [...keys.values()];
}

const signerUses = { active: "used", next: "waiting", former: "out" } as const;

function signerKey({ authorities }: Fleet, signer: TrustSignerRecord): HeldKey {
  const { signerId, keyId, algorithm, createdAt, state } = signer;
  const issuer = authorities.find((one) => isBelow(signer, one))?.record.authorityId;
  return {
    kind: "trustManifestSigner",
    name: signerId,
    keyId,
    algorithm,
    use: signerUses[state],
    custody: "service",
    ...(issuer === undefined ? {} : { certifiedBy: issuer }),
    since: createdAt,
  };
}

const kindOrder = {
  root: 0,
  issuing: 1,
  ocspResponder: 2,
  trustManifestSigner: 3,
  keyEncryption: 4,
} as const;

/** All that it ever had; in the order of kinds, of each the oldest first. Two reads. */
export async function keyRing(app: KeylessApp, fleet: Fleet): Promise<readonly HeldKey[]> {
  const { fleet: name } = fleet.record;
  const [responders, signers] = await Promise.all([findResponders(app, name), trustSigners(app, name)]);
  const keys = [
    ...fleet.authorities.map((authority) => authorityKey(fleet, authority)),
    ...responderKeys(
      fleet,
      [...responders.values()].map(({ value }) => value),
    ),
    ...signers.map(({ value }) => signerKey(fleet, value)),
  ];
  return keys.toSorted(
    (left, right) => kindOrder[left.kind] - kindOrder[right.kind] || left.since - right.since,
  );
}
