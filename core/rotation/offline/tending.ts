/**
 * Room: core/rotation. The ceremony's task looks after what is signed elsewhere: answers to put away, a signer that was
 * certified and is to sign, requests to carry out.
 */
import { isAppError } from "../../errors.ts";
import type { DeploymentApp } from "../../ports.ts";
import { prepareFleet } from "./fleet-request.ts";
import { placeOffline } from "./placement.ts";
import { prepareOffline } from "./prepare.ts";
import { finishSigner } from "./signer-succession.ts";

/** Each in its own attempt; a failure is logged and left to the next run. @returns How many requests and answers. */
export async function tendOffline(app: DeploymentApp, fleet: string): Promise<number> {
  let done = 0;
  for (const tend of [placeOffline, finishSigner, prepareOffline, prepareFleet]) {
    try {
      done += await tend(app, fleet);
    } catch (error) {
      const code = isAppError(error) ? error.code : "internal";
      app.log.error("offline_not_tended", { fleet, code });
    }
  }
  return done;
}
