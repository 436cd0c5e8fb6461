/**
 * Lemur 2026, EJBCA CVE-2021-40088: access by a referenced id. Whatever a caller names in path, query, body or header,
 * what belongs to another fleet is as what nobody has, and stays as it was.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { createClaim } from "../../core/enrollment/claim.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { pullForward } from "../../core/enrollment/renewal-window.ts";
import type { ItemStore } from "../../core/ports.ts";
import { reasonPlace } from "../../core/protection/operator-decryption-view.ts";
import { sealField } from "../../core/protection/sealed-field.ts";
import { type ApprovalRecord, approvalItem } from "../../core/records/approval-record.ts";
import { ceremonyItem } from "../../core/records/ceremony-record.ts";
import { operatorDecryptionItem } from "../../core/records/operator-decryption-record.ts";
import { operatorItem } from "../../core/records/operator-record.ts";
import { reencryptionItem } from "../../core/records/reencryption-record.ts";
import { rolloverItem } from "../../core/records/rollover-record.ts";
import { shredItem } from "../../core/records/shred-record.ts";
import { previewRevocation } from "../../core/revocation/bulk.ts";
import { requestServerCertificate } from "../../core/rotation/server-request.ts";
import { handlersOf } from "../../lambdas/handlers.ts";
import { type Route, routes } from "../../lambdas/routes.ts";
import { configure, register } from "../enrollment/fixtures/configured-fleet.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { ask, codeAt, named } from "./matrix/caller.ts";
import { digestOf, fleets, openWorld, type World } from "./matrix/world.ts";

let world: World;
/** By the name of a path's parameter: what only the other fleet has, and what nobody has. */
let theirs: Readonly<Record<string, string>>;
const nobodys: Readonly<Record<string, string>> = {
  serialNumber: "4f1c0a9be27d5583",
  deviceId: "pump-of-nobody",
  operatorId: "operator-of-nobody",
  claimId: "claim-of-nobody",
  approvalId: "0123456789abcdef0123456789abcdef",
  requestId: "ab".repeat(32),
  jobId: "0123456789abcdef0123456789abcdef",
  rolloverId: "0123456789abcdef0123456789abcdef",
  ceremonyId: "0123456789abcdef0123456789abcdef",
  windowId: "0123456789abcdef0123456789abcdef",
  serverName: "server-of-nobody",
  decryptionId: "0123456789abcdef0123456789abcdef",
  reencryptionId: "0123456789abcdef0123456789abcdef",
  shredId: "0123456789abcdef0123456789abcdef",
};

beforeAll(async () => {
  world = await openWorld();
  theirs = await furnish(world);
}, 120_000);
afterAll(() => world.close());

const base = `/v1/fleets/${fleets.own}`;
const there = `/v1/fleets/${fleets.other}`;

/** One of each kind of thing, in the other fleet alone. */
async function furnish(world: World): Promise<Readonly<Record<string, string>>> {
  const { put, victim } = world;
  const { app } = world.house;
  const fleet = fleets.other;
  const now = app.clock.now();
  await register(app, ["pump-only-there"], fleet);
  const claim = { fleet, actor: "operator:x", claimId: "claim-only-there", quota: 10 };
  await createClaim(app, { ...claim, csr: deviceCsr(deviceKey()) });
  const operatorId = "operator-only-there";
  const person = { fleet, operatorId, roles: ["owner"], state: "active", origin: "invitation" } as const;
  await put(operatorItem({ ...person, passkeys: ["passkey-there"], createdAt: now }));
  const approvalId = randomBytes(16).toString("hex");
  await put(approvalItem(approvalOf(fleet, approvalId, now)));
  const { configuration } = await getFleet(app, fleet);
  await configure(app, { accepts: [...configuration.accepts, "manual"] }, fleet);
  const request = { fleet, csr: deviceCsr(deviceKey()), deviceId: "pump-asks-there" };
  const pending = await enroll(app, request);
  if (!("requestId" in pending)) throw new Error("the request was decided at once");
  const { requestId } = pending;
  const criteria = { profile: "device" } as const;
  const preview = { fleet, actor: "operator:x", reason: "superseded", criteria } as const;
  const { jobId } = await previewRevocation(app, preview);
  return {
    ...(await furnishRotation(world)),
    ...(await furnishProtection(world)),
    jobId,
    serialNumber: victim("other"),
    deviceId: "pump-only-there",
    claimId: claim.claimId,
    operatorId,
    approvalId,
    requestId,
  };
}

/** A rollover, a ceremony, a window of renewal and a server's certificate of the other fleet. */
async function furnishRotation({ house: { app }, put }: World): Promise<Readonly<Record<string, string>>> {
  const fleet = fleets.other;
  const now = app.clock.now();
  const [rolloverId, ceremonyId] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  const made = { fleet, createdAt: now, createdBy: "operator:x" } as const;
  const gates = { publishedDays: 7, activeDays: 1, adoptionPercent: 95 } as const;
  const pair = { kind: "issuing", fromId: "issuing-1", toId: "issuing-2", algorithm: "P-256" } as const;
  const state = { state: "planned", custody: "service", emergency: false, enteredAt: now } as const;
  await put(rolloverItem({ ...made, ...gates, ...pair, ...state, rolloverId }));
  const purpose = { purpose: "rootList", mode: "service", state: "done", closesAt: now } as const;
  await put(ceremonyItem({ ...made, ...purpose, ceremonyId, approvalId: "0".repeat(32) }));
  const times = { from: now, until: now + 200 * 3_600_000 };
  const window = { fleet, actor: "operator:x", reason: "superseded", ...times } as const;
  const { windowId } = await pullForward(app, window);
  const caller = { actor: "operator:x", namePatterns: "any" } as const;
  const server = { name: "server-only-there", dnsNames: ["only-there.example.test"] };
  await requestServerCertificate(app, { fleet, caller, keyAlgorithm: "P-256", ...server });
  return { rolloverId, ceremonyId, windowId, serverName: server.name };
}

/** A wish to read, a re-encryption and a destruction of the other fleet. */
async function furnishProtection({ house: { app }, put }: World): Promise<Readonly<Record<string, string>>> {
  const fleet = fleets.other;
  const now = app.clock.now();
  const id = () => randomBytes(16).toString("hex");
  const [decryptionId, reencryptionId, shredId] = [id(), id(), id()];
  const sealedReason = await sealField(app, reasonPlace({ fleet, decryptionId }), "seen at the bedside");
  const context = JSON.stringify({ fleet, purpose: "observations", subject: "s-1" });
  const wish = { fleet, decryptionId, context, message: randomBytes(300), sealedReason } as const;
  const by = { state: "requested", operatorId: "operator-owner", requestedAt: now } as const;
  await put(operatorDecryptionItem({ ...wish, ...by }));
  const counts = { moved: 0, unchanged: 0, unreadable: 0, verified: 0, failures: 0 } as const;
  const job = {
    fleet,
    jobId: reencryptionId,
    state: "moving",
    createdAt: now,
    createdBy: "operator:x",
  } as const;
  const target = { targetKeyId: `local:${fleet}-protection:1`, contextVersion: 1, part: "00" } as const;
  await put(reencryptionItem({ ...job, ...target, ...counts }));
  const shred = { fleet, shredId, state: "decided", scope: "subject", subject: "s-1" } as const;
  const decision = { reason: "incident", decidedAt: now, decidedBy: "operator:x", approvalId: id() } as const;
  await put(shredItem({ ...shred, ...decision, destroyed: 0, failures: 0 }));
  return { decryptionId, reencryptionId, shredId };
}

function approvalOf(fleet: string, approvalId: string, now: number): ApprovalRecord {
  return {
    fleet,
    approvalId,
    operation: "setFleetState",
    critical: "fleetSuspension",
    document: "{}",
    operationDigest: digestOf("x"),
    nonce: randomBytes(32).toString("base64url"),
    requestedBy: "operator-owner",
    createdAt: now,
    expiresAt: now + 600_000,
    assertions: [],
  };
}

/** Bodies that are right, so that only the reference can be what is refused. */
const bodies: Readonly<Record<string, unknown>> = {
  revokeCertificate: { reason: "keyCompromise" },
  setDeviceState: { state: "suspended" },
  decideEnrollmentRequest: { decision: "approve" },
  assertApproval: { credential: { id: "x" } },
  changeOperator: { state: "suspended" },
};

const everyRoute = [...routes] as readonly Route[];
const referring = everyRoute
  // What is public is published for everybody: no reference to it needs a credential.
  .filter(({ path, access }) => access !== "public" && /\{(?!fleet\})/.test(path))
  // A backend's id names nothing that is stored: what is certified under it is this fleet's own.
  .filter(({ path }) => !path.includes("{backendId}"))
  .map((route) => [route.id, route] as const);

/** Whoever may do most of what the route lets anybody do. */
function callersOf({ access }: Route): readonly string[] {
  if (access === "public") return [];
  const callers = {
    operator: ["certificate of owner", "session of owner"],
    pipeline: ["pipeline token"],
    iam: ["IAM principal"],
  };
  return access.by.flatMap((kind) => callers[kind as keyof typeof callers] ?? []);
}

function callOf(route: Route, values: Readonly<Record<string, string>>, fleet: string = fleets.own) {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "fleet" ? fleet : (values[name] ?? "unknown"),
  );
  const body = bodies[route.id];
  return { method: route.method, path, ...(body === undefined ? {} : { body }) };
}

/** What the other fleet's owner is told of everything that might have been touched. */
async function answersThere(): Promise<readonly string[]> {
  const owner = named("certificate of owner", "fresh", "other");
  const paths = [
    `${there}/certificates/${theirs["serialNumber"]}`,
    `${there}/devices/${theirs["deviceId"]}`,
    `${there}/claims/${theirs["claimId"]}`,
    `${there}/operators`,
    `${there}/revocations`,
    `${there}/rollovers/${theirs["rolloverId"]}`,
    `${there}/ceremonies/${theirs["ceremonyId"]}`,
    `${there}/renewal-windows`,
    `${there}/server-certificates/${theirs["serverName"]}`,
    `${there}/enrollment-requests`,
    `${there}/operator-decryptions/${theirs["decryptionId"]}`,
    `${there}/reencryptions/${theirs["reencryptionId"]}`,
    `${there}/shreds/${theirs["shredId"]}`,
    there,
  ];
  const answers: string[] = [];
  for (const path of paths) {
    const { statusCode, body } = await ask(world, owner, { path });
    expect(statusCode).toBe(200);
    answers.push(body);
  }
  return answers;
}

describe("Lemur 2026, a reference in a path", () => {
  it("every parameter of a path is among what is tried", () => {
    const names = referring.flatMap(([, { path }]) =>
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    );
    expect([...new Set(names)].sort()).toEqual([...Object.keys(theirs), "fleet"].sort());
  });

  it.each(referring)("%s: another fleet's is as nobody's, and stays as it was", async (_id, route) => {
    const before = await answersThere();
    for (const caller of callersOf(route)) {
      const answer = async (values: Readonly<Record<string, string>>) => {
        const { statusCode, body } = await ask(world, named(caller), callOf(route, values));
        const names = Object.values(values).reduce((text, value) => text.replaceAll(value, "…"), body);
        return [statusCode, names.replaceAll(/"(?:instance|requestId)":"[^"]*"/g, "")];
      };
      const [status, body] = await answer(theirs);
      expect([403, 404]).toContain(status);
      expect([status, body]).toEqual(await answer(nobodys));
    }
    expect(await answersThere()).toEqual(before);
  });
});

describe("Lemur 2026, a reference in a query", () => {
  it("deviceId: another fleet's device has no certificates here", async () => {
    const call = { path: `${base}/certificates`, query: `deviceId=${theirs["deviceId"]}` };
    const { body } = await ask(world, named("certificate of auditor"), call);
    expect(JSON.parse(body).certificates).toEqual([]);
  });

  it("cursor: a place in another fleet's list is none here", async () => {
    const page = (at: string) => ({ path: `${at}/certificates`, query: "limit=1" });
    const other = await ask(world, named("certificate of auditor", "fresh", "other"), page(there));
    const { cursor } = JSON.parse(other.body);
    const call = { path: `${base}/certificates`, query: `limit=1000&cursor=${cursor}` };
    const { statusCode, body } = await ask(world, named("certificate of auditor"), call);
    expect([statusCode, JSON.parse(body).code]).toEqual([400, "cursor_invalid"]);
  });
});

describe("Lemur 2026, a reference in an approval", () => {
  const request = async (body: unknown) => {
    const call = { method: "POST", path: `${base}/approvals`, body };
    return ask(world, named("session of owner"), call);
  };

  it("a fleet among the parameters is refused: it is the path's", async () => {
    const body = {
      operation: "setFleetState",
      parameters: { fleet: fleets.other },
      body: { state: "suspended" },
    };
    expect(JSON.parse((await request(body)).body)).toMatchObject({ code: "request_invalid" });
  });

  it("for another fleet's operator executes as for nobody", async () => {
    const outcome = async (operatorId: string) => {
      const change = { state: "suspended" };
      const body = { operation: "changeOperator", parameters: { operatorId }, body: change };
      const { statusCode } = await request(body);
      const call = { method: "POST", path: `${base}/operators/${operatorId}`, body: change };
      return [statusCode, await codeAt(world, named("approval"), call)];
    };
    const before = await answersThere();
    const [status, code] = await outcome(theirs["operatorId"] ?? "");
    expect(code).toBe("not_found");
    expect([status, code]).toEqual(await outcome(nobodys["operatorId"] ?? ""));
    expect(await answersThere()).toEqual(before);
  });

  it("of another fleet opens nothing, though operation, operator and body are the same", async () => {
    const credential = named("approval", "of another fleet", "other");
    const call = { method: "POST", path: `${base}/state`, body: {} };
    expect(await codeAt(world, credential, call)).toBe("approval_required");
  });
});

describe("Lemur 2026, a reference in a body", () => {
  it("a maker's id is this fleet's own: another's of the same name puts nobody into its inventory", async () => {
    const devices = [{ deviceId: "pump-m", manufacturer: { id: "maker-only-there", serialNumber: "SN-1" } }];
    const call = { method: "POST", path: `${base}/devices`, body: { devices } };
    const { body } = await ask(world, named("certificate of provisioner"), call);
    expect(JSON.parse(body)).toMatchObject({ registered: 0, refused: [{ row: 0, code: "request_invalid" }] });
  });

  it("a token for a device of the same name is this fleet's: the other's device stays as it was", async () => {
    const before = await answersThere();
    const call = {
      method: "POST",
      path: `${base}/enrollment-tokens`,
      body: { deviceId: theirs["deviceId"] },
    };
    const { statusCode, body } = await ask(world, named("certificate of provisioner"), call);
    expect(statusCode).toBe(201);
    const { token } = JSON.parse(body) as { token: string };
    const elsewhere = enroll(world.house.app, { fleet: fleets.other, token, csr: deviceCsr(deviceKey()) });
    await expect(elsewhere).rejects.toMatchObject({ code: "credential_invalid" });
    expect(await answersThere()).toEqual(before);
  });
});

it("every key that a call of one fleet reads or writes names that fleet, and no other", async () => {
  const keys: string[] = [];
  const { items } = world.house.app;
  const seen = (pk: string): void => void keys.push(pk);
  const watched: ItemStore = {
    get(key) {
      seen(key.pk);
      return items.get(key);
    },
    query(query) {
      seen(query.pk);
      return items.query(query);
    },
    transact(operations) {
      for (const operation of operations) {
        if ("put" in operation) seen(operation.put.pk);
        if ("delete" in operation) seen(operation.delete.pk);
        if ("check" in operation) seen(operation.check.pk);
      }
      return items.transact(operations);
    },
  };
  const handlers = handlersOf({ ...world.house.app, items: watched });
  const own = { serialNumber: world.victim("own"), deviceId: "pump-victim", claimId: "claim-fresh" };
  for (const route of everyRoute) {
    for (const caller of callersOf(route))
      await ask(world, named(caller), { ...callOf(route, { ...nobodys, ...own }), handlers });
  }
  // A device whose certificates are revoked has its unfinished issuance closed. Of what is unfinished there is one index
  // for all fleets, and little in it; what is another fleet's is dropped as it is read (core/revocation/unfinished.ts).
  const parts = keys.map((key) => key.split("#")).filter(([kind]) => kind !== "OPEN");
  expect(keys.length).toBeGreaterThan(200);
  expect(parts.filter((part) => !part.includes(fleets.own) || part.includes(fleets.other))).toEqual([]);
});
