/** Room: test. Ceremonies: who opens one, what is lent and taken back, what is signed, and what is kept of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { trustSigners } from "../../core/distribution/known-signers.ts";
import { AppError } from "../../core/errors.ts";
import { getCeremony, listCeremonies, openCeremony } from "../../core/rotation/ceremony.ts";
import { holdCeremonies } from "../../core/rotation/held-ceremony.ts";
import { lendRoots, returnRoots } from "../../core/rotation/loans.ts";
import type { CeremonyRequest } from "../../core/rotation/views.ts";
import { codeOf } from "../support/errors.ts";
import {
  approved,
  day,
  deploy,
  minute,
  name,
  openRolloverFleet,
  type RolloverApp,
  type RolloverFleet,
  settle,
  tick,
} from "./rollover-fleet.ts";
import { authorities, ceremony, plan, rollBack, view } from "./rollover-steps.ts";

let origin: Awaited<ReturnType<typeof openRolloverFleet>>;
let fleet: RolloverFleet;
let app: RolloverApp;
beforeAll(async () => {
  origin = await openRolloverFleet();
});
afterAll(() => origin.close());
beforeEach(async () => {
  fleet = await origin.copy();
  app = fleet.app;
});

const stateOf = (ceremonyId: string) => getCeremony(app, { fleet: name, ceremonyId });

async function open(request: Pick<CeremonyRequest, "purpose" | "rolloverId">, of = name) {
  const people = await approved(app, { critical: "authorityUse", what: request.purpose, fleet: of });
  return await openCeremony(app, { ...people, ...request });
}

async function opened(kind: "issuing" | "root" = "issuing") {
  const { rolloverId } = await plan(app, kind);
  const { ceremonyId } = await ceremony(app, rolloverId);
  return { rolloverId, ceremonyId };
}

/** Words of what people were told, in order. */
const told = () => fleet.notices.map(({ event }) => event).filter((event) => event.startsWith("ceremony."));

describe("a ceremony", () => {
  it("approved, open with the roots lent, done; then the roots are back", async () => {
    const { rolloverId, ceremonyId } = await opened();
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "approved", rootsLent: 0, rolloverId });
    expect(await lendRoots(app, name)).toBe(1);
    expect(await lendRoots(app, name)).toBe(0);
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "open", rootsLent: 1 });
    expect(fleet.started).toContain("ceremony");
    expect(await holdCeremonies(app)).toEqual({ held: 1, failed: 0 });
    expect(await holdCeremonies(app)).toEqual({ held: 0, failed: 0 });
    expect(await returnRoots(app, name)).toBe(1);
    expect(await returnRoots(app, name)).toBe(0);
    expect(await stateOf(ceremonyId)).toMatchObject({
      state: "done",
      rootsLent: 0,
      returnedAt: expect.any(String),
    });
    expect(fleet.kept.loans.size).toBe(0);
    expect(told()).toEqual(["ceremony.opened", "ceremony.held"]);
  });

  it("45 CFR 164.312(b): the record names what was signed, by which key, and who approved it", async () => {
    const { ceremonyId } = await opened("root");
    await settle(app);
    const key = fleet.records.keys.find((each) => each.includes(ceremonyId)) ?? "";
    expect(key).toMatch(/^ceremonies\/clinic\/.*Z-authority-certified-[0-9a-f]{32}\.json$/);
    const record = JSON.parse(fleet.records.text(key)) as Record<string, unknown>;
    expect(record).toMatchObject({
      fleet: name,
      signatures: [
        { subjectId: "root-2", signedBy: "root-2" },
        { subjectId: "root-2", signedBy: "root-1" },
        { subjectId: "root-1", signedBy: "root-2" },
      ],
      participants: [{ operatorId: "owner-1" }, { operatorId: "owner-2" }],
      approval: { operationDigest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      lists: [{ authorityId: "root-1" }, { authorityId: "root-2", number: 1 }],
    });
    expect(fleet.kept.lent).toHaveLength(2);
  });

  it("two signers at once sign the same once", async () => {
    const { rolloverId } = await opened();
    await lendRoots(app, name);
    await Promise.all([holdCeremonies(app), holdCeremonies(app)]);
    await settle(app);
    expect(await view(app, rolloverId)).toMatchObject({ state: "published" });
    expect(told().filter((event) => event === "ceremony.held").length).toBeLessThanOrEqual(2);
    expect(told()).not.toContain("ceremony.failed");
  });

  it("without a loan the root signs nothing", async () => {
    const { ceremonyId } = await opened();
    await lendRoots(app, name);
    fleet.kept.loans.clear();
    expect(await holdCeremonies(app)).toEqual({ held: 0, failed: 1 });
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "failed", failure: "key_disabled" });
  });

  it("the next signer of trust manifests, once, however often it is opened for the same", async () => {
    await open({ purpose: "trustSigner" });
    expect(await codeOf(open({ purpose: "trustSigner" }))).toBe("ceremony_state_invalid");
    await settle(app);
    const signers = (await trustSigners(app, name)).map(({ value }) => `${value.signerId} ${value.state}`);
    expect(signers).toEqual(["trust-1 former", "trust-2 active"]);
    expect(fleet.records.keys.some((key) => key.includes("trust-signer-certified"))).toBe(true);
  });

  it("a root's list that is due", async () => {
    fleet.advance(200 * day);
    await open({ purpose: "rootList" });
    await settle(app);
    const key = fleet.records.keys.find((each) => each.includes("root-lists-signed")) ?? "";
    expect(JSON.parse(fleet.records.text(key))).toMatchObject({ signatures: [], lists: [{ number: 2 }] });
  });
});

describe("a ceremony that does not come to its end", () => {
  it("its hour is over before anything was lent, or signed: expired, all is back, nothing is signed later", async () => {
    const first = await opened();
    fleet.advance(60 * minute);
    expect(await lendRoots(app, name)).toBe(0);
    await tick(app);
    expect(await stateOf(first.ceremonyId)).toMatchObject({ state: "expired", rootsLent: 0 });
    const second = await ceremony(app, first.rolloverId);
    await lendRoots(app, name);
    fleet.advance(60 * minute);
    expect(await holdCeremonies(app)).toEqual({ held: 0, failed: 0 });
    await tick(app);
    expect(await stateOf(second.ceremonyId)).toMatchObject({ state: "expired", rootsLent: 0 });
    expect(fleet.kept.loans.size).toBe(0);
    expect((await view(app, first.rolloverId)).state).toBe("planned");
    await ceremony(app, first.rolloverId);
    await settle(app);
    expect((await view(app, first.rolloverId)).state).toBe("published");
  });

  it("its hour ends while it signs: the rest is refused, whatever the loan would let", async () => {
    const { ceremonyId } = await opened("root");
    await holdCeremonies(app);
    await lendRoots(app, name);
    let signatures = 0;
    const late: RolloverApp = {
      ...app,
      keysWith(tokens) {
        const keys = app.keysWith(tokens);
        const sign: typeof keys.sign = async (keyId, message) => {
          signatures += 1;
          if (signatures === 2) fleet.advance(61 * minute);
          return keys.sign(keyId, message);
        };
        return { ...keys, sign };
      },
    };
    expect(await holdCeremonies(late)).toEqual({ held: 0, failed: 1 });
    expect(signatures).toBe(2);
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "failed", failure: "ceremony_state_invalid" });
    await tick(app);
    expect(fleet.kept.loans.size).toBe(0);
    expect(await authorities(app)).not.toHaveProperty("root-2");
  });

  it("a loan fails half-way: it is asked for again, and each key is lent once", async () => {
    const { ceremonyId } = await opened("root");
    await holdCeremonies(app);
    let calls = 0;
    const lend: RolloverApp["custody"]["lend"] = async (keyId, loan) => {
      calls += 1;
      if (calls === 2) throw new AppError("key_service_unavailable", "throttled", { retryAfter: 1 });
      return app.custody.lend(keyId, loan);
    };
    const half = { ...app, custody: { ...app.custody, lend } };
    expect(await codeOf(lendRoots(half, name))).toBe("key_service_unavailable");
    expect(fleet.kept.loans.size).toBe(1);
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "approved" });
    const given = await fleet.copy();
    expect(await lendRoots(app, name)).toBe(2);
    expect(fleet.kept.loans.size).toBe(2);
    // Or never again: the one that was given is taken back all the same.
    given.advance(61 * minute);
    await tick(given.app);
    expect(given.kept.loans.size).toBe(0);
  });

  it("a key that cannot be lent ends it, and what was lent is taken back", async () => {
    const { ceremonyId } = await opened("root");
    await holdCeremonies(app);
    const [rootKey = ""] = (
      await import("../../core/authority/issuer.ts").then(({ getFleet }) => getFleet(app, name))
    ).authorities
      .filter(({ record }) => record.kind === "root")
      .map(({ record }) => record.keyId);
    const lend: RolloverApp["custody"]["lend"] = async (keyId, loan) => {
      if (keyId !== rootKey) throw new AppError("key_not_found", "gone");
      return app.custody.lend(keyId, loan);
    };
    await lendRoots({ ...app, custody: { ...app.custody, lend } }, name);
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "failed", failure: "key_not_found" });
    await tick(app);
    expect(fleet.kept.loans.size).toBe(0);
    expect(told()).toContain("ceremony.failed");
  });

  it("a key that is not deployed: failed with that word, and another can be opened", async () => {
    const { rolloverId, ceremonyId } = await opened("root");
    const createKey = () => Promise.reject(new AppError("configuration_invalid", "no such alias"));
    await holdCeremonies({ ...app, keys: { ...app.keys, createKey } });
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "failed", failure: "configuration_invalid" });
    expect(await ceremony(app, rolloverId)).toMatchObject({ state: "approved" });
  });

  it("the rollover is taken back meanwhile: nothing is published", async () => {
    const { rolloverId, ceremonyId } = await opened();
    await lendRoots(app, name);
    await rollBack(app, rolloverId);
    await holdCeremonies(app);
    expect(await stateOf(ceremonyId)).toMatchObject({ state: "failed", failure: "rollover_state_invalid" });
    expect(await authorities(app)).not.toHaveProperty("issuing-2");
  });

  it("a lost race for the record leaves no loan: it had ended before the last was given", async () => {
    await opened();
    const lend: RolloverApp["custody"]["lend"] = async (keyId, loan) => {
      fleet.advance(61 * minute);
      await returnRoots(app, name);
      return app.custody.lend(keyId, loan);
    };
    await lendRoots({ ...app, custody: { ...app.custody, lend } }, name);
    expect(fleet.kept.loans.size).toBe(0);
  });
});

describe("who may open one, and for what", () => {
  it("refusals name their reason", async () => {
    const { rolloverId } = await plan(app, "issuing");
    expect(await codeOf(open({ purpose: "rollover" }))).toBe("request_invalid");
    expect(await codeOf(open({ purpose: "rootList", rolloverId }))).toBe("request_invalid");
    expect(await codeOf(open({ purpose: "rollover", rolloverId: "0".repeat(32) }))).toBe("not_found");
    const other = await approved(app, { critical: "authorityRotation", what: "x" });
    expect(await codeOf(openCeremony(app, { ...other, purpose: "rootList" }))).toBe("approval_mismatch");
    await rollBack(app, rolloverId);
    expect(await codeOf(open({ purpose: "rollover", rolloverId }))).toBe("rollover_state_invalid");
    const { rolloverId: away } = await plan(app, "root", { custody: "offline" });
    expect(await codeOf(open({ purpose: "rollover", rolloverId: away }))).toBe("key_offline");
  });

  it("another tenant sees and opens nothing of it", async () => {
    await deploy(app, origin.keys, "surgery");
    const { rolloverId, ceremonyId } = await opened();
    expect(await codeOf(getCeremony(app, { fleet: "surgery", ceremonyId }))).toBe("not_found");
    expect((await listCeremonies(app, { fleet: "surgery", limit: 10 })).ceremonies).toEqual([]);
    expect(await codeOf(open({ purpose: "rollover", rolloverId }, "surgery"))).toBe("not_found");
    expect(await codeOf(listCeremonies(app, { fleet: name, limit: 10, cursor: "x" }))).toBe("cursor_invalid");
    expect(await codeOf(listCeremonies(app, { fleet: name, limit: 0 }))).toBe("request_invalid");
  });
});
