/**
 * Room: core/rotation. A signer that an offline root has certified takes its place: the trust manifest names it, then it
 * signs. No root is needed for that.
 */
import { getFleet } from "../../authority/issuer.ts";
import { signerIn, trustSigners } from "../../distribution/known-signers.ts";
import { rotateTrustSigner } from "../../distribution/trust-rotation.ts";
import type { DeploymentApp } from "../../ports.ts";
import { isBelow } from "./signer-need.ts";

/**
 * Nothing where no signer waits, or a root in the key service has certified it: then a ceremony ends what it began. May be
 * repeated, and run beside itself: who was replaced is named, so that no run begins another rotation.
 * @returns 1 when a signer came into its place. @throws AppError as `publishTrust`; not_found.
 */
export async function finishSigner(app: DeploymentApp, fleet: string): Promise<number> {
  const signers = await trustSigners(app, fleet);
  const [active, next] = [signerIn(signers, "active")?.value, signerIn(signers, "next")?.value];
  if (active === undefined || next === undefined) return 0;
  const { authorities } = await getFleet(app, fleet);
  const isOurs = authorities.some(
    (one) => one.record.kind === "root" && one.record.custody === "offline" && isBelow(next, one),
  );
  if (!isOurs) return 0;
  await rotateTrustSigner(app, fleet, active.signerId);
  return 1;
}
