/** Room: lambdas/bootstrap. Makes a configured fleet, certifies its operators, and hears what the gateway reads. */
import * as z from "zod/mini";
import { type DeployedFleet, deployFleet } from "../../core/bootstrap/deployment.ts";
import { type ConfirmedGateway, confirmGateway } from "../../core/bootstrap/gateway.ts";
import type { DeploymentApp, KeyService } from "../../core/ports.ts";
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
const versionId = () =>
  z.string({ error: "must be 1 to 1024 characters" }).check(z.minLength(1), z.maxLength(1_024));
// AWS KMS, CreateGrant: a token is 1 to 8,192 characters, and a call takes ten.
const grantToken = () =>
  z.string({ error: "must be 1 to 8192 characters" }).check(z.minLength(1), z.maxLength(8_192));
const bootstrapRequest = lazily(() =>
  z.strictObject({
    fleet: fleetId(),
    operator: z.exactOptional(operatorRequest()),
    origin: z.exactOptional(host()),
    artifacts: z.exactOptional(host()),
    grantTokens: z.exactOptional(
      z.array(grantToken(), { error: "must be an array of grant tokens" }).check(z.maxLength(10)),
    ),
  }),
);
const gatewayRequest = lazily(() =>
  z.strictObject({ fleet: fleetId(), gateway: z.strictObject({ versionId: versionId() }) }),
);
const saysGateway = (event: unknown): boolean =>
  typeof event === "object" && event !== null && Object.hasOwn(event, "gateway");

export interface BootstrapOptions {
  /**
   * The key service of a call that was lent roots, by the tokens of their loans: without tokens no root signs.
   * @default the app's own, with which roots sign any time
   */
  readonly keysOnLoan?: (grantTokens: readonly string[]) => KeyService;
}

/**
 * An event either makes the fleet, or says which trust store its gateway reads: `{ fleet, gateway: { versionId } }`.
 * @param plans The fleets that may be made; any other is refused.
 */
export function bootstrapFunction(
  app: DeploymentApp,
  plans: FleetPlans,
  { keysOnLoan }: BootstrapOptions = {},
): TaskHandler<DeployedFleet | ConfirmedGateway> {
  return taskHandler(app, "bootstrapFleet", async (event) => {
    if (saysGateway(event)) {
      const { fleet, gateway } = parse(gatewayRequest, event, "body");
      return confirmGateway(app, planOf(plans, fleet).fleet, gateway);
    }
    const { fleet, operator, grantTokens, ...rest } = parse(bootstrapRequest, event, "body");
    const rootsSign = keysOnLoan === undefined || grantTokens !== undefined;
    const request = { plan: planOf(plans, fleet), fleets: [...plans.keys()], rootsSign, ...rest };
    const isLent = keysOnLoan !== undefined && grantTokens !== undefined;
    const lent = isLent ? { ...app, keys: keysOnLoan(grantTokens) } : app;
    if (operator === undefined) return deployFleet(lent, request);
    return deployFleet(lent, { ...request, operator: { ...operator, csr: csrFromText(operator.csr) } });
  });
}
