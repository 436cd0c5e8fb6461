/** Room: core/rotation. The next signer of trust manifests, as an offline root has certified it: it waits to be named. */
import type { Step } from "../../access/steps.ts";
import { trustSigners } from "../../distribution/known-signers.ts";
import { AppError } from "../../errors.ts";
import {
  type AuthorityAlgorithm,
  type AuthorityAlgorithmId,
  authorityAlgorithms,
} from "../../formats/algorithms.ts";
import { decodeSubjectPublicKey } from "../../formats/spki.ts";
import type { KeylessApp } from "../../ports.ts";
import { type TrustSignerRecord, trustSignerItem } from "../../records/publication-record.ts";
import type { Import } from "./imported.ts";
import { offlineRoot } from "./signer-need.ts";
import type { VerifiedCertificate } from "./verification.ts";

function algorithmOf({ certificate }: VerifiedCertificate): AuthorityAlgorithmId {
  const { algorithm, modulusBits } = decodeSubjectPublicKey(certificate.tbs.subjectPublicKeyInfo);
  const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);
  const row = rows.find(({ key, modulusBits: bits }) => key.id === algorithm.id && bits === modulusBits);
  if (row === undefined)
    throw new AppError("internal", "a signer was certified whose key signs nothing here");
  return row.id as AuthorityAlgorithmId;
}

const changedMeanwhile = (): AppError =>
  new AppError("ceremony_state_invalid", "the fleet's signers were changed meanwhile; repeat this");

/**
 * What makes it the next. Nothing where it is there already, by another answer for the same key, or where its root is in
 * force no more: then its certificate is recorded, and what else is in the answer counts.
 */
export async function signerSteps(app: KeylessApp, it: Import): Promise<readonly Step[]> {
  const { fleet, verified, signerKeyId: keyId } = it;
  const signerId = verified.answer.request.signer?.signerId;
  const found = verified.certificates.find(({ asked }) => asked.subject === signerId);
  if (signerId === undefined || found === undefined || keyId === undefined) return [];
  if (offlineRoot(fleet)?.record.authorityId !== found.asked.signedBy) return [];
  const { fleet: name } = fleet.record;
  const known = await trustSigners(app, name);
  if (known.some(({ value }) => value.signerId === signerId || value.state === "next")) return [];
  const signer: TrustSignerRecord = {
    ...{ fleet: name, signerId, keyId, algorithm: algorithmOf(found), state: "next" },
    certificate: found.certificate.raw,
    createdAt: app.clock.now(),
  };
  return [{ write: { put: trustSignerItem(signer), when: "absent" }, lost: changedMeanwhile }];
}
