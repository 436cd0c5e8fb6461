/** Room: test. Calls with credentials of the matrix, for tests that go beyond the door. */
import { expect } from "vitest";
import type { Handlers } from "../../../lambdas/handlers.ts";
import type { HttpResult } from "../../../lambdas/http/message.ts";
import { matchRoute } from "../../../lambdas/http/router.ts";
import { gatewayEvent, problemOf } from "../../lambdas/gateway-event.ts";
import type { Credential } from "./credential.ts";
import { credentials } from "./credentials.ts";
import type { Side, World } from "./world.ts";

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: unknown;
  /** Of an App other than the world's own. */
  readonly handlers?: Handlers;
}

/** The credential of that name. */
export function named(name: string, state = "fresh", side: Side = "own"): Credential {
  const found = credentials.find((each) => each.name === name && each.state === state && each.side === side);
  return found ?? expect.fail(`no credential ${name}, ${state}, ${side}`);
}

/** The answer to `call`, sent by whoever holds `credential`. */
export async function ask(world: World, credential: Credential, call: Call): Promise<HttpResult> {
  const { method = "GET", path, query, body, handlers = world.handlers } = call;
  const match = matchRoute(method, path);
  if (match.kind !== "route") expect.fail(`no route for ${method} ${path}`);
  const { route, parameters } = match;
  const { fleet: _fleet, ...rest } = parameters;
  const target = { method, path, id: route.id, parameters: rest, body };
  const { headers = {}, ...presented } = await credential.present(world, target);
  const event = gatewayEvent({
    method,
    path,
    headers: { "content-type": "application/json", ...headers },
    ...presented,
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return handlers[route.function](event);
}

/** The code of the problem with which `call` is answered; undefined for any other answer. */
export async function codeAt(world: World, credential: Credential, call: Call): Promise<unknown> {
  const result = await ask(world, credential, call);
  return result.statusCode < 400 ? undefined : problemOf(result)["code"];
}
