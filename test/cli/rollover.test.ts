/** Decisions about rollovers and ceremonies: what is asked, what nobody is asked, lost answers, work that goes on. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ceremony, Rollover } from "../../lambdas/http/rotation-answers.ts";
import {
  approvalId,
  approvalOf,
  ceremonyId,
  ceremonyView,
  keyView,
  ok,
  rolloverId,
  rolloverView,
} from "./fake-rotation.ts";
import { type FakeService, type Interception, problemAnswer, startFakeService } from "./fake-service.ts";
import { type RunOptions, runCli } from "./run-cli.ts";

let service: FakeService;
/** What the rollover and the ceremony are at each look, the last from then on. */
let looks: Partial<Rollover>[];
let held: Partial<Ceremony>[];
let decide: (attempt: number) => Interception;
let decisions: number;

const next = <T>(list: T[]): T | undefined => (list.length > 1 ? list.shift() : list[0]);

beforeEach(async () => {
  service = await startFakeService();
  looks = [{}];
  held = [{}];
  decisions = 0;
  decide = () => ok(rolloverView(next(looks)));
  service.intercept = (request) => {
    const { method, path } = request;
    if (path.includes("/approvals")) return approvalOf(request);
    if (path.endsWith(`/rollovers/${rolloverId}`)) return ok(rolloverView(next(looks)));
    if (path.endsWith(`/ceremonies/${ceremonyId}`)) return ok(ceremonyView(next(held)));
    if (method === "POST" && path.endsWith("/ceremonies")) return ok(ceremonyView(next(held)));
    return method === "POST" && path.includes("/rollovers") ? decide(++decisions) : undefined;
  };
});
afterEach(() => service.close());

const run = (argv: readonly string[], options: RunOptions = {}) =>
  runCli([...argv, ...service.flags], options);

/** The bodies of approvals that were asked for. */
const asked = (): readonly Record<string, unknown>[] =>
  service.requests
    .filter(({ method, path }) => method === "POST" && path.endsWith("/approvals"))
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>);

describe("rotation rollback", () => {
  it("has the state approved that it has just shown", async () => {
    looks = [{}, { state: "rolledBack", mayRollBack: false }];
    const done = await run(["rotation", "rollback", rolloverId]);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("is rolledBack since") });
    expect(done.stderr).toContain("issuing rollover issuing-1 to issuing-2 is published since");
    expect(asked()).toEqual([
      { operation: "rollBackRollover", parameters: { rolloverId }, body: { from: "published" } },
    ]);
    const sent = service.requests.find(({ path }) => path.endsWith("/rollback"));
    expect(sent?.headers["fleetkey-approval"]).toBe(approvalId);
    expect(JSON.parse(sent?.body ?? "")).toEqual({ from: "published" });
  });

  it.each(["approval_spent", "rollover_state_invalid"])(
    "whose answer was lost finds it done (%s)",
    async (code) => {
      looks = [{}, { state: "rolledBack", mayRollBack: false }];
      decide = (attempt) => (attempt === 1 ? "resetAfterwards" : problemAnswer(409, code));
      expect(await run(["rotation", "rollback", rolloverId])).toMatchObject({
        ...{ code: 0, stdout: expect.stringContaining("is rolledBack") },
      });
      expect(decisions).toBe(2);
    },
  );

  it("that the service refuses is refused, when nothing came of it", async () => {
    decide = () => problemAnswer(409, "rollover_state_invalid");
    expect(await run(["rotation", "rollback", rolloverId])).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(/\[rollover_state_invalid\]\n.+rotation show ID/),
    });
  });

  it("of what is past it asks nobody", async () => {
    looks = [{ state: "draining", mayRollBack: false }];
    expect((await run(["rotation", "rollback", rolloverId])).code).toBe(1);
    expect(asked()).toEqual([]);
  });
});

describe("rotation advance", () => {
  it("names every gate that does not hold, how far it is, and when time opens it", async () => {
    expect(await run(["rotation", "advance", rolloverId, "--to", "active"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        "waits for: days (2 of 7), by itself at 2026-01-06T00:00:00Z; adoption (40.5 of 95 %); nobody was asked [rollover_gate_closed]",
      ),
    });
    expect(asked()).toEqual([]);
  });

  it("goes where people's decision alone is waited for", async () => {
    const follows: Rollover["next"] = { state: "retired", gates: [{ gate: "approval", holds: false }] };
    looks = [{ state: "draining", next: follows }, { state: "retired" }];
    expect((await run(["rotation", "advance", rolloverId, "--to", "retired"])).code).toBe(0);
    expect(asked()).toEqual([
      { operation: "advanceRollover", parameters: { rolloverId }, body: { to: "retired" } },
    ]);
  });

  it("leaves it to the service what an emergency cuts short", async () => {
    looks = [{ state: "active", emergency: true }, { state: "retired" }];
    expect((await run(["rotation", "advance", rolloverId, "--to", "retired"])).code).toBe(0);
  });
});

describe("rotation plan", () => {
  const plan = {
    ...{ kind: "root", from: "root-1", to: "root-2", algorithm: "P-384", custody: "offline" },
    ...{
      emergency: true,
      keys: [],
      inForce: { asOf: "1970-01-01T00:00:00Z", certificates: 0, byProfile: {} },
    },
    steps: [{ state: "retired", gates: ["children"], by: "system" }],
  };
  beforeEach(() => {
    const known = service.intercept;
    service.intercept = (request) => (request.path.includes("/rollover-plan") ? ok(plan) : known(request));
  });

  it("has kind, emergency and what else was wanted approved, in full", async () => {
    looks = [{ kind: "root", from: "root-1", to: "root-2", state: "planned", custody: "offline" }];
    const wishes = ["--kind", "root", "--offline", "--emergency", "--algorithm", "P-384"];
    const planned = await run(["rotation", "plan", ...wishes]);
    expect(planned.code, planned.stderr).toBe(0);
    const body = { kind: "root", algorithm: "P-384", custody: "offline", emergency: true };
    expect(asked()).toEqual([{ operation: "planRollover", parameters: {}, body }]);
    const preview = service.requests.find(({ path }) => path.includes("/rollover-plan"))?.path;
    expect(preview).toMatch(/\?kind=root&algorithm=P-384&custody=offline&emergency=true$/);
    expect(planned.stderr).toContain("in force: 0 certificates (nothing is counted yet)");
    expect(planned.stderr).toContain("when other rollovers are done, when: nothing stands below");
    expect(planned.stdout).toContain(`do: fleetkey ceremony request ${rolloverId}`);
  });

  it.each([
    { name: "finds it planned", algorithm: "P-384", code: 0 },
    { name: "takes no other for it", algorithm: "P-256", code: 1 },
  ] as const)("whose answer was lost $name", async ({ algorithm, code }) => {
    decide = (attempt) => (attempt === 1 ? "resetAfterwards" : problemAnswer(409, "approval_spent"));
    const known = service.intercept;
    const own = { kind: "root", from: "root-1", to: "root-2", custody: "offline", emergency: true } as const;
    service.intercept = (request) =>
      request.path.includes("/rollovers?")
        ? ok({ rollovers: [rolloverView({ ...own, state: "planned", algorithm })] })
        : known(request);
    const wishes = ["--kind", "root", "--offline", "--emergency", "--algorithm", "P-384"];
    expect((await run(["rotation", "plan", ...wishes])).code).toBe(code);
    expect(decisions).toBe(2);
  });

  it("that nobody waits for prints the approval, and ends with 6", async () => {
    const known = service.intercept;
    service.intercept = (request) => {
      if (!request.path.endsWith("/approvals")) return known(request);
      const answer = approvalOf(request);
      return { ...answer, body: { ...(answer.body as object), state: "requested", approvedBy: [] } };
    };
    expect(await run(["rotation", "plan", "--kind", "root", "--no-wait"])).toMatchObject({
      ...{ code: 6, stdout: `${approvalId}\n` },
    });
    expect(decisions).toBe(0);
  });

  const refused = [
    { name: "a dry run with an approval", argv: ["--kind", "root", "--dry-run", "--approval", approvalId] },
    { name: "a dry run that waits not", argv: ["--kind", "root", "--dry-run", "--no-wait"] },
    { name: "an offline key that signs every day", argv: ["--kind", "issuing", "--offline"] },
    { name: "no kind", argv: [] },
    { name: "another kind", argv: ["--kind", "leaf"] },
    { name: "an algorithm of no authority", argv: ["--kind", "root", "--algorithm", "ML-DSA-44"] },
  ];
  it.each(refused)("refuses $name with exit 2, before it calls", async ({ argv }) => {
    expect((await run(["rotation", "plan", ...argv])).code).toBe(2);
    expect(service.requests).toEqual([]);
  });
});

describe("key destroy and key keep", () => {
  const retired: Partial<Rollover> = {
    state: "retired",
    mayRollBack: false,
    next: { state: "destroyed", gates: [{ gate: "approval", holds: false }] },
  };
  const decided: Partial<Rollover> = { ...retired, destructionApprovedAt: "2026-01-02T00:00:00Z" };
  const of = (authority: string) => [rolloverId, "--authority", authority];

  it("have the authority approved whose key it is, and tell how to call it off", async () => {
    looks = [retired, decided];
    const done = await run(["key", "destroy", ...of("issuing-1")]);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("destruction decided at 2026") });
    expect(done.stderr).toContain(`fleetkey key keep ${rolloverId} --authority issuing-1`);
    const body = { authorityId: "issuing-1" };
    expect(asked()).toEqual([{ operation: "destroyAuthorityKey", parameters: { rolloverId }, body }]);
    looks = [decided, retired];
    expect((await run(["key", "keep", ...of("issuing-1")])).code).toBe(0);
    expect(asked().at(-1)).toEqual({ operation: "cancelKeyDestruction", parameters: { rolloverId }, body });
    const paths = service.requests.map(({ path }) => path);
    expect(paths.filter((path) => path.endsWith("/destruction/cancellation"))).toHaveLength(1);
  });

  const nobody: { name: string; argv: string[]; look: Partial<Rollover> }[] = [
    { name: "another authority's key", argv: ["destroy", ...of("issuing-2")], look: retired },
    { name: "a key in use", argv: ["destroy", ...of("issuing-1")], look: {} },
    { name: "a key that goes already", argv: ["destroy", ...of("issuing-1")], look: decided },
    { name: "keeping what nobody destroys", argv: ["keep", ...of("issuing-1")], look: retired },
    { name: "keeping another authority's key", argv: ["keep", ...of("root-1")], look: decided },
  ];
  it.each(nobody)("ask nobody about $name", async ({ argv, look }) => {
    looks = [look];
    expect(await run(["key", ...argv])).toMatchObject({
      ...{ code: 1, stdout: "", stderr: expect.stringContaining("[rollover_state_invalid]") },
    });
    expect(asked()).toEqual([]);
  });
});

describe("ceremony open", () => {
  const open = ["ceremony", "open", "--purpose", "rollover", "--rollover", rolloverId];

  it("tells how far it is, and ends when all is signed", async () => {
    held = [{}, { state: "open", rootsLent: 1 }, { state: "done", endedAt: "2026-01-01T00:05:00Z" }];
    const { code, stdout, stderr } = await run(open);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${ceremonyId} (rollover ${rolloverId}) is done since 2026-01-01T00:05:00Z\n`,
    });
    expect(stderr).toContain("open: roots sign until 2026-01-01T01:00:00Z at most\n");
  });

  it.each([
    { end: { state: "failed", failure: "configuration_invalid" }, says: "failed (configuration_invalid)" },
    { end: { state: "expired" }, says: "expired: its hour is over" },
  ] as const)("that did not do what was asked for ends with 1: $says", async ({ end, says }) => {
    held = [{}, end];
    expect(await run(open)).toMatchObject({ code: 1, stdout: expect.stringContaining(says) });
    expect((await run(["ceremony", "show", ceremonyId, "--watch"])).code).toBe(1);
    expect((await run(["ceremony", "show", ceremonyId])).code).toBe(0);
  });

  it("whose answer was lost follows the one that it opened", async () => {
    held = [{ state: "done", endedAt: "2026-01-01T00:05:00Z" }];
    const known = service.intercept;
    let opened = 0;
    service.intercept = (request) => {
      if (request.path.includes("/ceremonies?"))
        return ok({ ceremonies: [ceremonyView({ purpose: "rootList" }), ceremonyView({ state: "open" })] });
      if (request.method !== "POST" || !request.path.endsWith("/ceremonies")) return known(request);
      opened += 1;
      return opened === 1 ? "resetAfterwards" : problemAnswer(409, "approval_spent");
    };
    expect(await run(open)).toMatchObject({ code: 0, stdout: expect.stringContaining("is done since") });
    expect(opened).toBe(2);
  });

  it("waits not for its end with --no-wait", async () => {
    expect(await run([...open, "--no-wait"])).toMatchObject({
      ...{ code: 0, stdout: expect.stringContaining("is approved: roots are lent in a moment") },
    });
  });

  it("interrupted leaves the ceremony alone, and says how to follow it", async () => {
    held = [{}, { state: "open", rootsLent: 1 }];
    expect(await run(open, { interruptAt: "open: roots sign" })).toMatchObject({
      ...{ code: 130, stdout: "" },
      stderr: expect.stringContaining(`fleetkey ceremony show ${ceremonyId} --watch follows it`),
    });
  });

  it.each([
    ["--purpose", "rollover"],
    ["--purpose", "rootList", "--rollover", rolloverId],
    ["--purpose", "rollover", "--rollover", "issuing-2"],
    ["--purpose", "everything"],
  ])("refuses %s %s %s %s with exit 2", async (...argv) => {
    const words = argv.filter((word) => word !== undefined);
    expect((await run(["ceremony", "open", ...words])).code).toBe(2);
    expect(service.requests).toEqual([]);
  });
});

describe("key rotate", () => {
  const asOf = "2026-01-01T00:00:00Z";
  const wrapping = keyView({ kind: "keyEncryption", name: "default-protection" });
  const askedFor = { name: "default-protection", askedAt: asOf, onDemandRotations: 3, onDemandLimit: 25 };
  beforeEach(() => {
    const known = service.intercept;
    service.intercept = (request) => {
      if (request.path.endsWith("/data-key-rotations")) return { status: 202, body: askedFor };
      if (!request.path.endsWith("/key-report")) return known(request);
      const report = { fleet: "default", reportedAt: asOf, certificates: [], certificatesAsOf: asOf };
      return ok({ ...report, keys: [keyView(), wrapping] });
    };
  });

  it("has the wrapping key's name approved, and says how often that was asked for", async () => {
    expect(await run(["key", "rotate", "default-protection"])).toMatchObject({
      code: 0,
      stdout: `default-protection: rotation asked for ${asOf}; asked for 3 of 25 times before\n`,
    });
    const body = { name: "default-protection" };
    expect(asked()).toEqual([{ operation: "rotateDataKey", parameters: {}, body }]);
  });

  it("is not for authorities, and asks nobody about them", async () => {
    expect(await run(["key", "rotate", "issuing-1"])).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/\[not_found\]\n.+fleetkey authority rotate ID/) },
    });
    expect(asked()).toEqual([]);
  });
});
