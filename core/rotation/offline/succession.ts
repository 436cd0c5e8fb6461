/**
 * Room: core/rotation. The last part of a root that was made offline below the trust of one in the key service: the old
 * root vouches for the new (NewWithOld, RFC 9810 §4.4), in a ceremony where it is lent.
 */

import { hash } from "node:crypto";
import { type Fleet, type Issuer, issuerOf } from "../../authority/issuer.ts";
import { issueOnce } from "../../enrollment/issue-once.ts";
import { AppError, isAppError } from "../../errors.ts";
import type { App } from "../../ports.ts";
import type { CertificateRecord } from "../../records/certificate-record.ts";
import type { RolloverRecord } from "../../records/rollover-record.ts";
import { profiles } from "../../standard/profiles.ts";
import { assertRootUsable, rootInForce } from "../signing-root.ts";
import { type ImportedSuccession, importedSuccession } from "./imported.ts";
import { importedAnswer } from "./imported-answer.ts";
import { base64Of } from "./members.ts";
import type { VerifiedAnswer } from "./verification.ts";

const busy = () => new AppError("internal", "the certificate of this root is being made by another request");
/** An intent closed as unfinished is closed for good: the next attempt is another request. */
const attempts = 5;

async function certify(
  app: App,
  old: Issuer,
  rollover: RolloverRecord,
  { successor }: VerifiedAnswer,
): Promise<CertificateRecord> {
  if (successor === undefined)
    throw new AppError("internal", "an answer for a root has no request of its key");
  const { fleet, toId: authorityId } = rollover;
  const { authorityId: signerId, keyId } = old.record;
  for (let attempt = 1; ; attempt += 1) {
    const digest = `cross under ${signerId}\n${authorityId}\n${successor.publicKey.fingerprint}\n${attempt}`;
    try {
      return await issueOnce(
        app,
        {
          fleet,
          signer: { authorityId: signerId, keyId, algorithm: old.algorithm, issuer: old },
          profile: profiles.cross,
          identity: { kind: "authority", fleet, authorityId },
          csr: successor,
          requestDigest: hash("sha256", digest),
          credential: "system",
          consume: [],
        },
        busy,
      );
    } catch (error) {
      if (!isAppError(error, "issuance_closed") || attempt === attempts) throw error;
    }
  }
}

/**
 * What the ceremony writes for a root whose key is offline, from the answer that was imported and the old root's word.
 * A repetition finds the same certificates.
 * @throws AppError key_offline: no answer yet; those of `assertRootUsable`, issuance and the ports; ceremony_invalid.
 */
export async function offlineSuccession(
  app: App,
  fleet: Fleet,
  rollover: RolloverRecord,
): Promise<ImportedSuccession> {
  const old = rootInForce(fleet);
  const { ceremonyId, verified } = await importedAnswer(app, rollover);
  if (old.record.authorityId !== rollover.fromId)
    throw new AppError(
      "rollover_state_invalid",
      `root "${rollover.fromId}" is not in force any more; plan another rollover`,
    );
  assertRootUsable(app, old);
  const { certificate } = await certify(app, old, rollover, verified);
  const { authority, changed } = importedSuccession(app, { fleet, rollover, ceremonyId, verified }, old);
  if (certificate === undefined) throw new AppError("internal", "the root's certificate is not issued");
  // What cannot be decoded is found here, not by whoever relies on it.
  issuerOf(app, { ...authority, certificate });
  return { authority: { ...authority, crossCertificates: [base64Of(certificate)] }, changed };
}
