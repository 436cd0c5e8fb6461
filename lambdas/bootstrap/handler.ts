/** Room: lambdas/bootstrap. Makes a configured fleet, and certifies its operators. */
import * as z from "zod/mini";
import { type DeployedFleet, deployFleet } from "../../core/bootstrap/deployment.ts";
import type { DeploymentApp } from "../../core/ports.ts";
import { csrFromText } from "../http/request.ts";
import { fleetId, lazily, parse } from "../http/schemas.ts";
import { type TaskHandler, taskHandler } from "../task.ts";
import { type FleetPlans, planOf } from "./fleet-plans.ts";

const operatorRequest = lazily(() =>
  z.strictObject(
    {
      operatorId: z.string({ error: "must be an opaque identifier" }),
      csr: z.string({ error: "must be a PKCS #10 request in PEM" }),
    },
    { error: "must be an object of operatorId and csr" },
  ),
);
const host = () => z.string({ error: "must be https://HOST or https://HOST:PORT" });
const bootstrapRequest = lazily(() =>
  z.strictObject({
    fleet: fleetId(),
    operator: z.exactOptional(operatorRequest()),
    origin: z.exactOptional(host()),
    artifacts: z.exactOptional(host()),
  }),
);

/** @param plans The fleets that may be made; any other is refused. */
export function bootstrapFunction(app: DeploymentApp, plans: FleetPlans): TaskHandler<DeployedFleet> {
  return taskHandler(app, "bootstrapFleet", async (event) => {
    const { fleet, operator, ...rest } = parse(bootstrapRequest, event, "body");
    const request = { plan: planOf(plans, fleet), fleets: [...plans.keys()], ...rest };
    if (operator === undefined) return deployFleet(app, request);
    return deployFleet(app, { ...request, operator: { ...operator, csr: csrFromText(operator.csr) } });
  });
}
