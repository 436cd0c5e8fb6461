/**
 * Room: test. No secret in a log, of the service as people run it: a process of its own, over HTTPS and mutual TLS, with
 * personal data wherever callers write. All that it wrote is searched: standard error, standard output, notices, and of
 * what it keeps on disk every file for secrets in the clear.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteItemStore } from "../../adapters/local/sqlite-item-store.ts";
import { canaries } from "../../scripts/secrets/canaries.ts";
import { searchSecrets } from "../../scripts/secrets/search.ts";
import { type OidcIssuer, startOidcIssuer } from "../support/oidc-issuer.ts";
import { Flows } from "./canary/flows.ts";
import { filesOf, type Service, startService } from "./canary/service.ts";

const base = "/v1/fleets/default";
const audience = "https://pki.example.test/default";

let issuer: OidcIssuer;
let service: Service;
let written: { readonly errors: string; readonly output: string };

beforeAll(async () => {
  issuer = await startOidcIssuer();
  service = await startService(issuer.ca);
  const flows = new Flows(service);
  await flows.strangers();
  await flows.device("pump-1");
  const person = await flows.signIn();
  const configuration = {
    accepts: ["token", "claim", "manual"],
    pipelines: [
      {
        kind: "oidc",
        id: "ci",
        issuer: issuer.issuer,
        audience,
        claims: { sub: "repo:acme/firmware:main" },
        operations: ["listCertificates"],
        profiles: ["device"],
      },
    ],
  };
  const configured = await flows.critical(person, "configureFleet", `${base}/configuration`, {
    method: "PUT",
    json: configuration,
  });
  expect(configured.status, configured.body).toBe(200);
  const invited = await flows.critical(person, "inviteOperator", `${base}/operators`, {
    method: "POST",
    json: { operatorId: "operator-2", roles: ["securityOfficer"] },
  });
  expect(invited.status, invited.body).toBe(201);
  service.secrets.add(String(invited.json()["invitation"]));
  await flows.pipeline(issuer, audience);
  await flows.claim("batch-1", "pump-2");
  await flows.asPerson(person, `${base}/sessions/current`, { method: "DELETE" });
  // Over with the session: refused, and logged.
  await flows.asPerson(person, base, {});
  written = await service.stop();
}, 120_000);
afterAll(async () => {
  await service.remove();
  await issuer.close();
});

/** What was planted or given out, in every form in which it may come out again. */
function forbidden(): readonly string[] {
  const encoded = canaries.flatMap((text) => [
    encodeURIComponent(text),
    Buffer.from(text).toString("base64").replaceAll("=", ""),
    Buffer.from(text).toString("hex"),
  ]);
  return [...canaries, ...encoded, ...service.secrets];
}

describe("what the service writes for people to read", () => {
  it("standard error: its log, without secrets and personal data", () => {
    const { findings, logLines } = searchSecrets(written.errors, forbidden());
    expect(service.secrets.size).toBeGreaterThan(30);
    expect(logLines).toBeGreaterThan(60);
    expect(findings).toEqual([]);
  });

  it("every line of standard error is a line of that log", () => {
    const lines = written.errors.split("\n").filter((line) => line !== "");
    expect(lines.filter((line) => !line.startsWith('{"time":'))).toEqual([]);
  });

  it("standard output: its URL", () => {
    expect(searchSecrets(written.output, forbidden()).findings).toEqual([]);
    expect(written.output.split("\n")).toHaveLength(1);
  });

  it("the audit log: opaque ids", async () => {
    const items = await openSqliteItemStore({ path: join(service.directory, "fleetkey.sqlite") });
    const entries: string[] = [];
    const day = new Date().toISOString().slice(0, 10);
    for (let shard = 0; shard < 16; shard += 1) {
      const pk = `AUDIT#default#${day}#${shard.toString(16)}`;
      const page = await items.query({ pk, limit: 1_000 });
      entries.push(...page.items.map(({ attributes }) => JSON.stringify(attributes)));
    }
    await items.close();
    expect(entries.length).toBeGreaterThan(8);
    expect(searchSecrets(entries.join("\n"), forbidden()).findings).toEqual([]);
  });
});

describe("what the service keeps", () => {
  it("no secret that it gave out or was shown is in any file, but for the operator's own key", async () => {
    const files = await filesOf(service.directory);
    expect([...files.keys()].some((path) => path.endsWith("fleetkey.sqlite"))).toBe(true);
    const secrets = [...service.secrets].filter((secret) => !service.kept.has(secret));
    const found = [...files].flatMap(([path, octets]) =>
      secrets.filter((secret) => octets.includes(secret)).map(() => path),
    );
    expect(secrets.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });
});
