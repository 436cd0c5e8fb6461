/** Room: test. What the door must say to a credential at a route, from the hand-written expectations alone. */
import type { Credential } from "./credentials.ts";
import type { Expectation } from "./expectations.ts";

/** Let in, or the code of the refusal. `not_found`: the path of a fleet that does not exist. */
export type Outcome = "let in" | (string & {});

const certificateHolders: ReadonlySet<string> = new Set(["device", "claim", "certificate"]);

/** A credential that is a certificate: what it is worth before anybody asks whose it is. */
function certificateOutcome({ holder, refusal, side }: Credential): Outcome | undefined {
  const isCertificate =
    certificateHolders.has(holder.kind) || (holder.kind === "operator" && holder.by === "certificate");
  if (!isCertificate) return "client_certificate_required";
  return refusal ?? (side === "other" ? "not_found" : undefined);
}

function pipelineOutcome({ refusal, side }: Credential): Outcome {
  // An audience of another fleet's is no audience here, before anything else is looked at.
  if (side === "other") return "token_invalid";
  return refusal ?? "let in";
}

function operatorOutcome(route: Expectation, credential: Credential): Outcome {
  const { holder, refusal, side } = credential;
  if (holder.kind === "pipeline" && route.pipelines === true) return pipelineOutcome(credential);
  if (holder.kind === "operator" && holder.by === "session") {
    if (route.ends === true && side === "own" && refusal === "proof_replayed") return "session_invalid";
    if (refusal !== undefined) return refusal;
    if (side === "other") return "not_found";
  } else {
    const worth = certificateOutcome(credential);
    if (worth !== undefined) return worth;
  }
  if (holder.kind !== "operator") return "access_denied";
  if (route.sessionOnly === true && holder.by === "certificate") return "session_invalid";
  if (!route.operators?.includes(holder.role)) return "role_not_permitted";
  return route.approved === true ? "approval_required" : "let in";
}

function deviceOutcome(route: Expectation, credential: Credential): Outcome {
  const worth = certificateOutcome(credential);
  if (worth !== undefined) return worth;
  const { holder } = credential;
  if (holder.kind !== "device") return "access_denied";
  const isHeld = holder.standing === "suspended" || holder.standing === "retired";
  return route.devices === "door" && isHeld ? "device_not_active" : "let in";
}

function proofOutcome({ holder, state, refusal }: Credential): Outcome {
  if (holder.kind === "proof") return refusal ?? "let in";
  if (holder.kind !== "operator" || holder.by !== "session" || state === "unproved") return "proof_missing";
  // Whose session it is does not matter here: what is asked for is a key.
  if (state === "replayed") return "proof_replayed";
  return state === "otherUrl" ? "proof_invalid" : "let in";
}

function enrolmentOutcome(credential: Credential): Outcome {
  const { holder, refusal, side } = credential;
  const isBearerOfAnotherKind =
    holder.kind === "pipeline" || (holder.kind === "operator" && holder.by === "session");
  if (isBearerOfAnotherKind || holder.kind === "invitation") return "credential_invalid";
  if (holder.kind === "token") return side === "other" ? "credential_invalid" : (refusal ?? "let in");
  const worth = certificateOutcome(credential);
  // Without a certificate there is nothing: the fleet takes neither registered keys nor manual requests.
  if (worth === "client_certificate_required") return "credential_missing";
  if (worth !== undefined) return worth;
  return holder.kind === "claim" ? "let in" : "credential_invalid";
}

export function expectedOutcome(route: Expectation, credential: Credential): Outcome {
  const { kind } = credential.holder;
  if (route.anyone === true) return "let in";
  if (route.operators !== undefined) return operatorOutcome(route, credential);
  if (route.devices !== undefined) return deviceOutcome(route, credential);
  if (route.keyHolders === true) return proofOutcome(credential);
  if (route.enrolling === true) return enrolmentOutcome(credential);
  if (route.invited === true)
    return kind === "invitation" || kind === "token" ? "let in" : "credential_missing";
  if (route.principals === true)
    return kind === "principal" ? (credential.refusal ?? "let in") : "credential_missing";
  throw new Error("an expectation that names nobody");
}
