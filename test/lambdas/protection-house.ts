/** Room: test. A fleet with backends that may protect and read data, over HTTP events: the real stores, keys and cipher. */
import { expect } from "vitest";
import type * as z from "zod/mini";
import {
  type BackendTrust,
  configurationItem,
  defaultConfiguration,
} from "../../core/records/fleet-configuration.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import type { HttpResult } from "../../lambdas/http/message.ts";
import { openTeam, type Team } from "../access/team.ts";
import { type FleetPorts, testFleet as fleet } from "../support/fleet-app.ts";
import { backendOf } from "./fleet-callers.ts";
import { gatewayEvent } from "./gateway-event.ts";

export const base = `/v1/fleets/${fleet}`;
export const observations = { purpose: "observations", subject: "s-7f3a91" } as const;
/** Its data keys are wrapped under the fleet's own key. */
export const exported = { purpose: "exports", subject: "s-7f3a91" } as const;

export interface ProtectionHouse extends Team {
  /** PEM; may do all with the two purposes. */
  readonly store: string;
  /** PEM; may encrypt, and nothing else. */
  readonly writer: string;
  /** PEM; may do all with every purpose. */
  readonly archive: string;
}

export const records: BackendTrust = {
  kind: "certificate",
  id: "records",
  backend: "records-store",
  operations: ["createDataKey", "encryptData", "decryptData", "reencryptData"],
  profiles: [],
  purposes: ["observations", "exports"],
};

export async function openProtectionHouse(): Promise<ProtectionHouse> {
  const team = await openTeam();
  const writer: BackendTrust = { ...records, id: "writer", backend: "writer", operations: ["encryptData"] };
  const archive: BackendTrust = { ...records, id: "archive", backend: "archive", purposes: ["*"] };
  const configuration = {
    ...defaultConfiguration,
    fleetWrappedPurposes: ["exports"],
    pipelines: [records, writer, archive],
  };
  await team.app.items.transact([{ put: configurationItem(fleet, configuration), when: "absent" }]);
  const [store, writing, archiving] = [
    await backendOf(team.app, fleet, "records-store"),
    await backendOf(team.app, fleet, "writer"),
    await backendOf(team.app, fleet, "archive"),
  ];
  return {
    ...team,
    store: store.certificate,
    writer: writing.certificate,
    archive: archiving.certificate,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As it goes over the wire. */
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

const answer = ({ statusCode: status, headers, body }: HttpResult): Answer => ({
  status,
  headers,
  text: body,
  json: JSON.parse(body) as Record<string, unknown>,
});

export interface Posting {
  /** Below the fleet. */
  readonly path: string;
  /** An object becomes JSON; text goes as it is. */
  readonly body: object | string;
  /** PEM. */
  readonly certificate: string;
  /** @default those of the house */
  readonly app?: FleetPorts;
}

/** What the function answers, whole. */
export async function post(
  house: Pick<Team, "app" | "handlers">,
  { path, body, certificate, app }: Posting,
): Promise<Answer> {
  const handlers = app === undefined ? house.handlers : handlersOf(app);
  const event = gatewayEvent({
    method: "POST",
    path: `${base}/${path}`,
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    certificate,
  });
  return answer(await handlers.protection(event));
}

/** The members of an answer, none more and none less than its schema has. */
export function shaped<Schema extends z.ZodMiniType>(
  schema: Schema,
  { status, json, text }: Answer,
  expected = 200,
): z.output<Schema> {
  expect(status, text).toBe(expected);
  const parsed = schema.safeParse(json);
  if (!parsed.success) expect.fail(JSON.stringify(parsed.error.issues));
  return parsed.data;
}

export const base64 = (octets: Uint8Array | string): string => Buffer.from(octets).toString("base64");
