/** Room: test. What the door must say to a credential at a route, from the hand-written expectations alone. */
import type { Credential } from "./credential.ts";
import type { Expectation } from "./expectations.ts";

/** Let in, or the code of the refusal. `not_found`: the path of a fleet that does not exist. */
export type Outcome = "let in" | (string & {});

const certificateHolders: ReadonlySet<string> = new Set(["device", "claim", "backend", "certificate"]);

function isCertificate({ holder }: Credential): boolean {
  return certificateHolders.has(holder.kind) || (holder.kind === "operator" && holder.by === "certificate");
}

/** What a certificate is worth before anybody asks whose it is; undefined when it holds here. */
function certificateOutcome(credential: Credential): Outcome | undefined {
  if (!isCertificate(credential)) return "client_certificate_required";
  // Whose it is, and that an operator has been suspended, is told to its own fleet only.
  return credential.refusal ?? (credential.side === "other" ? "not_found" : undefined);
}

function pipelineOutcome({ refusal, side }: Credential): Outcome {
  // An audience of another fleet's is no audience here, before anything else is looked at.
  if (side === "other") return "token_invalid";
  return refusal ?? "let in";
}

function approvalOutcome(route: Expectation, { approval }: Credential): Outcome {
  if (route.approved === undefined) return "let in";
  if (approval === undefined) return "approval_required";
  if (approval.refusal !== undefined) return approval.refusal;
  return approval.persons < route.approved.persons ? "approval_incomplete" : "let in";
}

/** An approval of another fleet is presented with a credential of this one. */
const isForeign = ({ side, approval }: Credential): boolean => side === "other" && approval === undefined;

function sessionOutcome(route: Expectation, credential: Credential): Outcome | undefined {
  const { refusal, side } = credential;
  if (route.ends === true && side === "own" && refusal === "proof_replayed") return "session_invalid";
  if (refusal !== undefined) return refusal;
  return isForeign(credential) ? "not_found" : undefined;
}

/** What the entry of the configuration lets it do; its own certificate every backend renews, and no other's. */
function backendPermission({ holder }: Credential): Outcome {
  return holder.kind === "backend" && holder.backend === "permitted" ? "let in" : "access_denied";
}

function backendOutcome(credential: Credential): Outcome {
  const worth = certificateOutcome(credential);
  // What a suspended operator's record says is not asked where no operator is let in.
  if (worth === "operator_not_active") return "access_denied";
  return worth ?? backendPermission(credential);
}

function operatorOutcome(route: Expectation, credential: Credential): Outcome {
  const { holder } = credential;
  if (holder.kind === "pipeline" && route.pipelines === true) return pipelineOutcome(credential);
  const isSession = holder.kind === "operator" && holder.by === "session";
  const worth = isSession ? sessionOutcome(route, credential) : certificateOutcome(credential);
  if (worth !== undefined) return worth;
  if (holder.kind === "backend" && route.backends === true) return backendPermission(credential);
  if (holder.kind !== "operator") return "access_denied";
  if (route.sessionOnly === true && holder.by === "certificate") return "session_invalid";
  if (!route.operators?.includes(holder.role)) return "role_not_permitted";
  return approvalOutcome(route, credential);
}

function deviceOutcome(route: Expectation, credential: Credential): Outcome {
  const worth = certificateOutcome(credential);
  const { holder } = credential;
  // What a suspended operator's record says is not asked where no operator is let in.
  if (worth === "operator_not_active") return "access_denied";
  if (worth !== undefined) return worth;
  if (holder.kind !== "device") return "access_denied";
  const { standing } = holder;
  const isHeld = standing === "suspended" || standing === "retired";
  // In quarantine a device may ask how it stands, and may not renew.
  const isRefused = isHeld || (route.devices === "issuance" && standing === "quarantined");
  return isRefused ? "device_not_active" : "let in";
}

function proofOutcome({ holder, state, refusal }: Credential): Outcome {
  if (holder.kind === "proof") return refusal ?? "let in";
  if (holder.kind !== "operator" || holder.by !== "session" || state === "unproved") return "proof_missing";
  // Whose session it is does not matter here: what is asked for is a key.
  if (state === "replayed") return "proof_replayed";
  return state === "otherUrl" || state === "otherMethod" ? "proof_invalid" : "let in";
}

function enrolmentOutcome(credential: Credential): Outcome {
  const { holder, refusal, side, enrolment } = credential;
  if (enrolment !== undefined) return enrolment;
  const isBearerOfAnotherKind =
    holder.kind === "pipeline" || (holder.kind === "operator" && holder.by === "session");
  if (isBearerOfAnotherKind || holder.kind === "invitation") return "credential_invalid";
  if (holder.kind === "token") return side === "other" ? "credential_invalid" : (refusal ?? "let in");
  const worth = certificateOutcome(credential);
  // A request alone is judged by its key, which is in no inventory.
  if (worth === "client_certificate_required") return "device_unknown";
  if (worth !== undefined) return worth;
  return holder.kind === "claim" ? "let in" : "credential_invalid";
}

function invitationOutcome({ holder, side, refusal }: Credential): Outcome {
  // Both are secrets of one form, and neither is the other.
  if (holder.kind === "token") return "credential_invalid";
  if (holder.kind !== "invitation") return "credential_missing";
  return side === "other" ? "credential_invalid" : (refusal ?? "let in");
}

export function expectedOutcome(route: Expectation, credential: Credential): Outcome {
  const { kind } = credential.holder;
  if (route.anyone === true) return "let in";
  if (route.operators !== undefined) return operatorOutcome(route, credential);
  if (route.pipelines === true && kind === "pipeline") return pipelineOutcome(credential);
  if (route.backends === true) return backendOutcome(credential);
  if (route.devices !== undefined) return deviceOutcome(route, credential);
  if (route.keyHolders === true) return proofOutcome(credential);
  if (route.enrolling === true) return enrolmentOutcome(credential);
  if (route.invited === true) return invitationOutcome(credential);
  if (route.principals === true)
    return kind === "principal" ? (credential.refusal ?? "let in") : "credential_missing";
  throw new Error("an expectation that names nobody");
}
