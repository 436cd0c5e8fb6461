/** Room: test. `fleetkey/protect` against the local server: a backend's certificate, real routes, real keys. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalServer, startLocal } from "../../local/app.ts";
import { openLocalDeployment } from "../../local/backend-creation.ts";
import { keyWithRequest } from "../../local/certification.ts";
import { fleetkeyProtector, isAppError, type Protector, serviceKeys } from "../../protect/index.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const context = { purpose: "observations", subject: "s-7f3a91", record: "r-1" };
let dataDir: string;
let server: LocalServer;
let protector: Protector;

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "nothing was thrown",
    (failure: unknown) => (isAppError(failure) ? failure.code : String(failure)),
  );

async function protectorOf(backendId: string, purposes: readonly string[]): Promise<Protector> {
  const operations = ["createDataKey", "decryptData"] as const;
  const { privateKey, csr } = keyWithRequest();
  const deployment = await openLocalDeployment({ dataDir, fleet: server.fleet, log: silent });
  const { certificate, chain } = await deployment.certify({ backendId, operations, purposes, csr });
  await deployment.close();
  const { url, fleet } = server;
  const cert = certificate + chain;
  return fleetkeyProtector({
    keys: serviceKeys({ url, fleet, ca: deployment.roots, cert, key: privateKey }),
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "fleetkey-protect-"));
  server = await startLocal({ dataDir, host: "127.0.0.1", port: 0, log: silent });
  protector = await protectorOf("records-store", ["observations"]);
});
afterAll(async () => {
  protector.close();
  await server.close();
  await rm(dataDir, { recursive: true });
});

it("fields and objects come back, with keys in memory and with keys asked for again", async () => {
  const stored = await protector.protect({ id: "r-1", note: "bolus" }, ["note"], context);
  expect(await protector.unprotect(stored, ["note"], context)).toEqual({ id: "r-1", note: "bolus" });
  const { record: _, ...object } = context;
  const message = await protector.protectBytes(Buffer.from("image"), object);
  protector.forget();
  expect(await protector.unprotect(stored, ["note"], context)).toEqual({ id: "r-1", note: "bolus" });
  expect(Buffer.from(await protector.unprotectBytes(message, object)).toString()).toBe("image");
});

it("another backend of the fleet, with another purpose, can neither write nor read", async () => {
  const other = await protectorOf("billing", ["invoices"]);
  const stored = await protector.protect({ note: "bolus" }, ["note"], context);
  expect(await codeOf(other.protect({ note: "x" }, ["note"], context))).toBe("purpose_not_permitted");
  expect(await codeOf(other.unprotect(stored, ["note"], context))).toBe("purpose_not_permitted");
  const moved = { ...context, purpose: "invoices" };
  expect(await codeOf(other.unprotect(stored, ["note"], moved))).toBe("data_unreadable");
  other.close();
});

it("a wrapped key moved below another context does not open at the service either", async () => {
  const message = await protector.protectBytes(Buffer.from("image"), {
    purpose: "observations",
    subject: "s-1",
  });
  const renamed = Buffer.from(message);
  const at = renamed.indexOf("s-1");
  renamed.write("s-2", at);
  const asked = protector.unprotectBytes(renamed, { purpose: "observations", subject: "s-2" });
  expect(await codeOf(asked)).toBe("data_unreadable");
});
