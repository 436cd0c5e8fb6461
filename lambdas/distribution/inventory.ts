/** Room: lambdas/distribution. Certificates and keys: one, a page of them, or their counts. */
import { inventoryCounts } from "../../core/distribution/census.ts";
import { deviceKeys } from "../../core/distribution/device-keys.ts";
import { csvPage, ndjsonPage } from "../../core/distribution/export.ts";
import { getCertificate, listCertificates } from "../../core/distribution/inventory.ts";
import type { KeylessApp } from "../../core/ports.ts";
import { deviceKeysQuery, listCertificatesQuery } from "../http/inventory-schemas.ts";
import type { HttpEvent, HttpResult, RouteHandlers } from "../http/message.ts";
import { certificateResult, jsonResult, pageResult } from "../http/response.ts";
import { parse } from "../http/schemas.ts";
import type { MediaType } from "../routes.ts";

type Inventory =
  | "listCertificates"
  | "listCertificatesByIam"
  | "getCertificate"
  | "getCertificateByIam"
  | "getInventory"
  | "getDeviceKeys"
  | "getDeviceKeysByIam";

const defaultLimit = 100;
const limitOf = (limit: string | undefined): number => (limit === undefined ? defaultLimit : Number(limit));

interface DevicePath {
  readonly fleet: string;
  readonly deviceId: string;
}
interface CertificatePath {
  readonly fleet: string;
  readonly serialNumber: string;
}

async function list(
  app: KeylessApp,
  event: HttpEvent,
  fleet: string,
  accepted: MediaType,
): Promise<HttpResult> {
  const { limit, expiresFrom, expiresTo, ...query } = parse(
    listCertificatesQuery,
    event.queryStringParameters ?? {},
    "query",
  );
  const found = await listCertificates(app, {
    ...query,
    fleet,
    limit: limitOf(limit),
    ...(expiresFrom === undefined ? {} : { expiresFrom: Date.parse(expiresFrom) }),
    ...(expiresTo === undefined ? {} : { expiresTo: Date.parse(expiresTo) }),
  });
  if (accepted === "application/json") return jsonResult(200, found);
  const { certificates, cursor } = found;
  const isFirst = query.cursor === undefined;
  const body = accepted === "text/csv" ? csvPage(certificates, isFirst) : ndjsonPage(certificates);
  return pageResult(event, body, accepted, cursor);
}

async function keys(app: KeylessApp, event: HttpEvent, path: DevicePath): Promise<HttpResult> {
  const { limit, ...query } = parse(deviceKeysQuery, event.queryStringParameters ?? {}, "query");
  return jsonResult(200, await deviceKeys(app, { ...path, ...query, limit: limitOf(limit) }));
}

export function inventoryHandlers(app: KeylessApp): Pick<RouteHandlers<"distribution">, Inventory> {
  const show = async (path: CertificatePath, accepted: MediaType): Promise<HttpResult> =>
    certificateResult(200, await getCertificate(app, path), accepted);
  return {
    listCertificates: ({ event, path: { fleet }, accepted }) => list(app, event, fleet, accepted),
    listCertificatesByIam: ({ event, path: { fleet }, accepted }) => list(app, event, fleet, accepted),
    getCertificate: ({ path, accepted }) => show(path, accepted),
    getCertificateByIam: ({ path, accepted }) => show(path, accepted),
    getInventory: async ({ path }) => jsonResult(200, await inventoryCounts(app, path)),
    getDeviceKeys: ({ event, path }) => keys(app, event, path),
    getDeviceKeysByIam: ({ event, path }) => keys(app, event, path),
  };
}
