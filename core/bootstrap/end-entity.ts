/**
 * Room: core/bootstrap. Certificates that the deployment itself asks for: the listener's and the first
 * operator's. Whoever composes the App vouches for the identity; nothing reaches this over the network.
 */
import { hash } from "node:crypto";
import { ensureBootstrapOperator } from "../access/operator.ts";
import { getFleet } from "../authority/issuer.ts";
import { type IssuedCertificate, issuedCertificate } from "../enrollment/answer.ts";
import { issueAuthorised } from "../enrollment/authorised.ts";
import { AppError } from "../errors.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import type { SubjectIdentity } from "../policy/identity.ts";
import type { App } from "../ports.ts";
import { profiles } from "../standard/profiles.ts";

export type DeploymentSubject =
  | { readonly kind: "server"; readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] }
  | { readonly kind: "operator"; readonly operatorId: string };

/** One key, one operator: a key that was certified for another must not be answered with that certificate. */
function assertSubject(subject: DeploymentSubject, certified: string): void {
  if (subject.kind !== "operator" || subject.operatorId === certified) return;
  throw new AppError(
    "key_reused",
    `this key is operator "${certified}"'s; make a new key for another operator`,
  );
}

/**
 * The same key and subject get the same certificate again.
 * @param request.csr DER.
 * @throws AppError csr_* and key_* (key_reused: certified for another operator), the policy's codes, not_found,
 * authority_unavailable.
 */
export async function issueForDeployment(
  app: App,
  request: { readonly fleet: string; readonly subject: DeploymentSubject; readonly csr: Uint8Array },
): Promise<IssuedCertificate> {
  const csr = await verifyCsr(request.csr);
  const fleet = await getFleet(app, request.fleet);
  const { fleet: name, trustDomain } = fleet.record;
  const { subject } = request;
  if (subject.kind === "operator") await ensureBootstrapOperator(app, name, subject.operatorId);
  const identity: SubjectIdentity =
    subject.kind === "server" ? { ...subject, fleet: name } : { ...subject, fleet: name, trustDomain };
  const record = await issueAuthorised(app, {
    fleet,
    csr,
    profile: profiles[subject.kind],
    identity,
    credential: "system",
    // The deployment's own server answers for the status of all others.
    statusPointers: subject.kind !== "server",
    requestDigest: hash("sha256", `deployment\n${subject.kind}\n${csr.publicKey.fingerprint}`),
    consume: [],
    taken: () => new AppError("internal", "the deployment's request was taken by another"),
  });
  assertSubject(subject, record.subjectId);
  return issuedCertificate(fleet, record);
}
