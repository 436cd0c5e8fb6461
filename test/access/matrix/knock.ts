/** Room: test. One cell of the matrix: a route, knocked at with a credential, and what the door says. */
import { type Route, routes } from "../../../lambdas/routes.ts";
import { gatewayEvent } from "../../lambdas/gateway-event.ts";
import { deviceCsr, deviceKey } from "../../support/device.ts";
import type { Credential, Target } from "./credential.ts";
import { outcomeOf } from "./outcome.ts";
import { fleets, type World } from "./world.ts";

export const everyRoute = [...routes] as readonly Route[];

/** Things that exist, so that `not_found` can only be the door's word. */
const parametersOf = (world: World): Readonly<Record<string, string>> => ({
  serialNumber: world.victim("own"),
  deviceId: "pump-victim",
  operatorId: "operator-owner",
  claimId: "claim-fresh",
  backendId: "backend-fresh",
  approvalId: "0".repeat(32),
  requestId: "0".repeat(64),
  jobId: "0".repeat(32),
  authorityId: "issuing-1",
  rolloverId: "0".repeat(32),
  ceremonyId: "0".repeat(32),
  windowId: "0".repeat(32),
  decryptionId: "0".repeat(32),
  reencryptionId: "0".repeat(32),
  shredId: "0".repeat(32),
  serverName: "ingest",
  list: "2026-11-26.7d.crl",
  manifest: "1.jws",
  // What is public lets in whoever asks, also for a certificate that there is not.
  certId: "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
  request: "MAA=",
});

export function targetOf(world: World, { id, method, path }: Route): Target & { readonly id: string } {
  const known = parametersOf(world);
  const names = [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, name = ""]) => name);
  const used = names.filter((name) => name !== "fleet").map((name) => [name, known[name] ?? "unknown"]);
  const named: Readonly<Record<string, string>> = Object.fromEntries(used);
  const filled = path.replaceAll(/\{(\w+)\+?\}/g, (_, name: string) => named[name] ?? fleets.own);
  return { id, method, path: filled, parameters: named };
}

const newCsr = (): string => deviceCsr(deviceKey()).toString("base64");

/** Bodies with which a credential that is judged beyond the door is judged there; else one that is refused. */
async function bodyOf(world: World, route: Route, credential: Credential): Promise<unknown> {
  if (route.id === "enroll") return credential.enrolmentBody?.(world) ?? { csr: newCsr() };
  if (route.id === "renew" || route.id === "renewBackendCertificate") return { csr: newCsr() };
  // A device that is let in must not revoke what it will knock with next.
  if (route.id === "revokeOwn") return { reason: "none" };
  if (route.id !== "registerPasskey") return {};
  const path = `/v1/fleets/${fleets.own}/challenges`;
  const headers = { "content-type": "application/json" };
  const { body } = await world.handlers.access(gatewayEvent({ method: "POST", path, headers, body: "{}" }));
  return { challenge: JSON.parse(body).challenge, credential: {} };
}

/** The outcome of the last request, where the credential is presented twice. */
export async function knock(world: World, route: Route, credential: Credential): Promise<string> {
  const target = targetOf(world, route);
  const { headers = {}, ...presented } = await credential.present(world, target);
  const ask = async () =>
    world.handlers[route.function](
      gatewayEvent({
        method: target.method,
        path: target.path,
        ...presented,
        headers: { "content-type": "application/json", ...headers },
        ...(route.consumes === undefined
          ? {}
          : { body: JSON.stringify(await bodyOf(world, route, credential)) }),
      }),
    );
  if (credential.twice === true) await ask();
  const result = await ask();
  return outcomeOf(
    route.id,
    result,
    world.house.log.findLast(({ event }) => event === "request"),
  );
}
