/**
 * Room: test. 45 CFR 164.312(a)(2)(iv): a local server, run over HTTPS through all that makes or takes a secret, leaves
 * none in the clear: not in its databases and their journals, not in its objects, not in its log. Two files hold one for
 * their owner, and docs/data-at-rest.md names both.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalPlace, localStorage } from "../../core/standard/local-storage.ts";
import { storedItems } from "../../core/standard/stored-items.ts";
import { canaries } from "../../scripts/secrets/canaries.ts";
import { Flows, type Person } from "../house/canary/flows.ts";
import { type Service, startService } from "../house/canary/service.ts";
import { type OidcIssuer, startOidcIssuer } from "../support/oidc-issuer.ts";
import { DataFlows, dataOperations, reason, record } from "./data-flows.ts";
import { holders, octetsBelow, privateKeyFiles } from "./secret-forms.ts";

const base = "/v1/fleets/default";
const audience = "https://pki.example.test/default";

let issuer: OidcIssuer;
let service: Service;
/** Every file while the server runs, with the journals of its databases, and after it has ended. */
let running: ReadonlyMap<string, Buffer>;
let ended: ReadonlyMap<string, Buffer>;
let log: string;

/** A subject's key as it was before it was destroyed, and where it was then. */
let destroyed: ReadonlyMap<string, Buffer>;
let stood: readonly string[];

const entry = (id: string, sub: string) => ({
  kind: "oidc",
  id,
  issuer: issuer.issuer,
  audience,
  claims: { sub },
});
const pipelines = () => [
  { ...entry("ci", "repo:acme/firmware:main"), operations: ["listCertificates"], profiles: ["device"] },
  {
    ...entry("records", "repo:acme/records:main"),
    operations: dataOperations,
    profiles: [],
    purposes: ["*"],
  },
];

async function protectData(flows: Flows, person: Person): Promise<void> {
  const token = () => issuer.sign({ sub: "repo:acme/records:main", aud: audience });
  const data = new DataFlows({ service, flows, person, token });
  await data.keys("s-7f3a91");
  await data.reading("s-7f3a91", await data.message("s-7f3a91"));
  await data.message("s-gone");
  destroyed = new Map([["the key", await data.subjectKey("s-gone")]]);
  stood = holders(await octetsBelow(service.directory), destroyed);
  await data.shred("s-gone");
}

beforeAll(async () => {
  issuer = await startOidcIssuer();
  service = await startService(issuer.ca);
  const flows = new Flows(service);
  await flows.strangers();
  await flows.device("pump-1");
  const person = await flows.signIn();
  const configured = await flows.critical(person, "configureFleet", `${base}/configuration`, {
    method: "PUT",
    json: { accepts: ["token", "claim", "manual"], pipelines: pipelines() },
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
  await protectData(flows, person);
  running = await octetsBelow(service.directory);
  log = (await service.stop()).errors;
  ended = await octetsBelow(service.directory);
}, 120_000);
afterAll(async () => {
  await service.remove();
  await issuer.close();
});

const places = Object.entries<LocalPlace>(localStorage);
const placesOf = (path: string): readonly string[] =>
  places.filter(([, { files }]) => files.test(path)).map(([name]) => name);
const isOwners = (path: string): boolean =>
  placesOf(path).some((name) => places.find(([of]) => of === name)?.[1].form === "owner");

/** All files at both times, without those that hold a key for their owner. */
function searched(): ReadonlyMap<string, Buffer> {
  const marked = (files: ReadonlyMap<string, Buffer>, when: string) =>
    [...files]
      .filter(([path]) => !isOwners(path))
      .map(([path, octets]) => [`${when} ${path}`, octets] as const);
  return new Map([...marked(running, "running"), ...marked(ended, "ended"), ["the log", Buffer.from(log)]]);
}

/** What proves something to whoever has it; signatures of approvals are evidence, and kept. */
function secrets(): ReadonlyMap<string, string | Buffer> {
  const given = [...service.secrets]
    .filter((secret) => !service.kept.has(secret))
    .map((secret, index) => [`secret ${index + 1}`, secret] as const);
  const master = running.get("master.key") ?? Buffer.alloc(0);
  return new Map<string, string | Buffer>([...given, ["the master key", master]]);
}

/** How partition keys of the database begin. */
function partitionsOf(path: string): readonly string[] {
  const database = new DatabaseSync(join(service.directory, path), { readOnly: true });
  const rows = database.prepare("SELECT DISTINCT pk FROM item").all();
  database.close();
  return [...new Set(rows.map(({ pk }) => String(pk).replace(/#.*$/, "#")))];
}

describe("what a local server leaves on its disk", () => {
  it("no secret that it gave out, was shown or made for itself, in any form, in any file or in its log", () => {
    expect(secrets().size).toBeGreaterThan(50);
    expect([...secrets().values()]).toEqual(expect.arrayContaining([record, reason]));
    expect(searched().size).toBeGreaterThan(60);
    expect(holders(searched(), secrets())).toEqual([]);
  });

  it("no name, address or number of a person that anybody wrote anywhere", () => {
    const planted = new Map(canaries.map((text, index) => [`canary ${index + 1}`, text]));
    expect(holders(searched(), planted)).toEqual([]);
  });

  it("no private key in the clear", () => {
    expect(privateKeyFiles(searched())).toEqual([]);
  });

  it("SP 800-88 r1 §2.6: a subject key that was destroyed is not there any more, wrapped or not", () => {
    expect(stood).toContain("subject-keys/subject-keys.sqlite-wal: the key");
    expect(holders(searched(), destroyed)).toEqual([]);
  });

  it("the keys that lie there for their owner are in two files alone", () => {
    expect([...running.keys()].filter(isOwners).toSorted()).toEqual(["bootstrap/operator.key", "master.key"]);
  });

  it("docs/data-at-rest.md: each file is one place's", () => {
    const strange = [...new Set([...running.keys(), ...ended.keys()])].filter(
      (path) => placesOf(path).length !== 1,
    );
    expect(strange).toEqual([]);
  });

  it("docs/data-at-rest.md: each item is of a partition that the table has, in the store that it says", () => {
    const stores = [...ended.keys()].filter((path) => path.endsWith(".sqlite"));
    const found = stores.flatMap((path) => partitionsOf(path).map((partition) => ({ path, partition })));
    const strange = found.filter(({ path, partition }) => {
      const row = storedItems.find((each) => each.partition === partition);
      return row === undefined || !localStorage[row.store ?? "items"].files.test(path);
    });
    expect(found.length).toBeGreaterThan(20);
    expect(strange).toEqual([]);
  });
});

describe("the search finds what is there", () => {
  const hidden = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t";
  const inner = Buffer.from(hidden, "base64url");
  const forms: readonly (readonly [string, string | Buffer])[] = [
    ["as it is", hidden],
    ["in base64", Buffer.from(hidden).toString("base64")],
    ["in hexadecimal", Buffer.from(hidden).toString("hex")],
    ["as the octets that it stands for", inner],
    ["those in base64url", inner.toString("base64url")],
    ["those in hexadecimal", inner.toString("hex")],
  ];
  it.each(forms)("%s", (_, form) => {
    const file = Buffer.concat([Buffer.from("before "), Buffer.from(form as string), Buffer.from(" after")]);
    expect(holders(new Map([["file", file]]), new Map([["it", hidden]]))).toEqual(["file: it"]);
  });

  it("a device's id in the database of the run, and the operator's key in its file", () => {
    const found = holders(running, new Map([["id", "device#pump-1"]]));
    expect(found.some((each) => each.startsWith("fleetkey.sqlite"))).toBe(true);
    expect(privateKeyFiles(running)).toEqual(["bootstrap/operator.key"]);
  });
});
