/**
 * Room: core/rotation. What lent roots sign: the successor of a rollover, the next signer of trust manifests, the roots'
 * lists. Each may be repeated: a run that died is finished by the next.
 */
import { getFleet } from "../authority/issuer.ts";
import { rotateTrustSigner } from "../distribution/trust-rotation.ts";
import { AppError } from "../errors.ts";
import type { CeremonyApp, Clock, DeploymentApp, KeyService, WriteOperation } from "../ports.ts";
import { type CeremonyRecord, ceremonyItem } from "../records/ceremony-record.ts";
import type { Stored } from "../records/certificate-record.ts";
import { type AuthorityRecord, authorityItem } from "../records/fleet-record.ts";
import type { RolloverRecord } from "../records/rollover-record.ts";
import { publishRootList } from "../revocation/root-list.ts";
import { loansOf, writeCeremony } from "./ceremony-store.ts";
import { entered, findRollover, moveOf, storedAuthority } from "./rollover-store.ts";
import { certifySuccessor } from "./successor.ts";
import { rolloverEntry } from "./transitions.ts";

type Found = Stored<CeremonyRecord>;

const over = () => new AppError("ceremony_state_invalid", "the ceremony's hour is over; open another");

/** Signs until the hour is over, whatever a loan would let; never with a root that could not be lent. */
function inTime(keys: KeyService, clock: Clock, ceremony: CeremonyRecord): KeyService {
  const missing = new Set(
    loansOf(ceremony)
      .filter(({ loanId }) => loanId === "")
      .map(({ keyId }) => keyId),
  );
  return {
    createKey: (alias, algorithm) => keys.createKey(alias, algorithm),
    describeKey: (keyId) => keys.describeKey(keyId),
    async sign(keyId, message) {
      if (clock.now() >= ceremony.closesAt) throw over();
      // What a service says of a key that it may not use differs from what it says of one that is gone.
      if (missing.has(keyId)) throw new AppError("key_disabled", "the root's key could not be lent");
      return await keys.sign(keyId, message);
    },
  };
}

/** The app whose keys are those that the ceremony was lent. */
export function withLoans(app: CeremonyApp, ceremony: CeremonyRecord): CeremonyApp {
  const tokens = loansOf(ceremony).map(({ token }) => token);
  const keys = app.keysWith(tokens.filter((token) => token !== ""));
  return { ...app, keys: inTime(keys, app.clock, ceremony) };
}

/** A root as it stands, with the certificates besides that a ceremony gave it. */
async function crossed(app: DeploymentApp, root: AuthorityRecord): Promise<WriteOperation> {
  const { value, version } = await storedAuthority(app, root.fleet, root.authorityId);
  const crossCertificates = [
    ...new Set([...(value.crossCertificates ?? []), ...(root.crossCertificates ?? [])]),
  ];
  return { put: authorityItem({ ...value, crossCertificates }), when: version };
}

/**
 * The root above, written as it is: whoever takes it back at this moment loses to this, or this to them.
 * @throws AppError rollover_state_invalid: it is active no more.
 */
async function parentHeld(app: DeploymentApp, authority: AuthorityRecord): Promise<WriteOperation> {
  const { parentId = "" } = authority;
  const { value, version } = await storedAuthority(app, authority.fleet, parentId);
  if (value.state === "active") return { put: authorityItem(value), when: version };
  throw new AppError(
    "rollover_state_invalid",
    `root "${parentId}" is ${value.state}, and nothing new stands below it; open another ceremony`,
  );
}

/** planned → published. */
async function publishSuccessor(app: CeremonyApp, stored: Found): Promise<Found> {
  const { value: ceremony, version } = stored;
  const { fleet: name, rolloverId = "" } = ceremony;
  const rollover = await findRollover(app, { fleet: name, rolloverId });
  if (rollover.value.state !== "planned")
    throw new AppError(
      "rollover_state_invalid",
      `the rollover is ${rollover.value.state}, not planned; nothing is left to be certified`,
    );
  const { authority, changed } = await certifySuccessor(app, await getFleet(app, name), rollover.value);
  const now = app.clock.now();
  const record: RolloverRecord = { ...entered(rollover.value, "published", now), publishedAt: now };
  const signed: CeremonyRecord = { ...ceremony, signedAt: now };
  const above = authority.kind === "issuing" ? [await parentHeld(app, authority)] : [];
  const { writes } = moveOf(
    rollover,
    record,
    { put: authorityItem(authority), when: "absent" },
    ...above,
    ...(await Promise.all(changed.map((root) => crossed(app, root)))),
    rolloverEntry(app, record, "rollover.advanced", ceremony.createdBy, "published"),
  );
  await app.items.transact([{ put: ceremonyItem(signed), when: version }, ...writes]);
  return { value: signed, version: version + 1 };
}

/** Has signed what the ceremony is for, and records that in the store. */
export async function signPurpose(app: CeremonyApp, stored: Found): Promise<Found> {
  const { value } = stored;
  if (app.clock.now() >= value.closesAt) throw over();
  if (value.purpose === "rollover") return await publishSuccessor(app, stored);
  if (value.purpose === "trustSigner") await rotateTrustSigner(app, value.fleet, value.signerId);
  else await publishRootList(app, value.fleet);
  return await writeCeremony(app, stored, { ...value, signedAt: app.clock.now() });
}
