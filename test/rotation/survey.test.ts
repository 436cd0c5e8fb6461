/** Room: test. How many active devices trust a version: each device once, whatever its certificates, whoever counts. */
import { describe, expect, it } from "vitest";
import type { ItemStore, KeylessApp } from "../../core/ports.ts";
import { acknowledgementItem } from "../../core/records/acknowledgement-record.ts";
import { certificateItem } from "../../core/records/certificate-record.ts";
import { adoptionSurvey, survey } from "../../core/rotation/survey.ts";
import { day, madeRecord, store } from "../distribution/stored-certificates.ts";
import { faultyStore, type StoreFault } from "../support/faulty-store.ts";
import { testFleet as fleet } from "../support/fleet-app.ts";
import { memoryItemStore } from "../support/memory-item-store.ts";

type SurveyApp = Pick<KeylessApp, "items" | "clock">;
/** What the survey uses of an app: the store, and the time that a test gives. */
const appOver = (items: ItemStore, at: number): KeylessApp =>
  ({ items, clock: { now: () => at, sleep: async () => {} } }) as SurveyApp as KeylessApp;

const now = Date.parse("2027-01-01T00:00:00Z");
const rollover = { rolloverId: "0".repeat(32), trustVersion: 7 };
const always = Number.POSITIVE_INFINITY;

async function acknowledged(app: KeylessApp, id: string, version: number): Promise<void> {
  const record = { fleet, kind: "device", id, version, at: now } as const;
  await app.items.transact([{ put: acknowledgementItem(record), when: "absent" }]);
}

async function fleetOf(devices: number) {
  const app = appOver(memoryItemStore(), now);
  const old = Array.from({ length: devices }, (_, index) =>
    madeRecord(now - 70 * day, { subjectId: `pump-${index}` }),
  );
  // Every second device has renewed, and so has two certificates in force.
  const fresh = old
    .filter((_, index) => index % 2 === 0)
    .map(({ subjectId }) => madeRecord(now - day, { subjectId }));
  await store(app, [...old, ...fresh]);
  return app;
}

const faults: readonly StoreFault[] = ["unavailable", "committedThenUnavailable"];

describe("the survey of a rollover", () => {
  it("counts each active device once, and those that have acknowledged the version or a later one", async () => {
    const app = await fleetOf(700);
    for (let index = 0; index < 600; index += 1)
      await acknowledged(app, `pump-${index}`, index < 100 ? 6 : 7 + (index % 2));
    await survey(app, fleet, rollover, always);
    expect(await adoptionSurvey(app, fleet, rollover)).toEqual({ active: 700, adopted: 500, asOf: now });
  });

  it("leaves out what has expired, what was revoked, and what is no device's", async () => {
    const app = await fleetOf(0);
    await store(app, [
      madeRecord(now - 91 * day, { subjectId: "gone" }),
      madeRecord(now - day, { subjectId: "op-1", subjectKind: "operator", profile: "operator" }),
      madeRecord(now - 60 * day, { subjectId: "taken-back" }),
      madeRecord(now - day, {
        subjectId: "taken-back",
        state: "revoked",
        revokedAt: now,
        revocationReason: "keyCompromise",
      }),
      madeRecord(now - day, { subjectId: "alive" }),
    ]);
    await survey(app, fleet, rollover, always);
    expect(await adoptionSurvey(app, fleet, rollover)).toEqual({ active: 1, adopted: 0, asOf: now });
  });

  it("says nothing before the first count has ended, and nothing of another version", async () => {
    const app = await fleetOf(10);
    expect(await adoptionSurvey(app, fleet, rollover)).toBeUndefined();
    await survey(app, fleet, rollover, Number.NEGATIVE_INFINITY);
    expect(await adoptionSurvey(app, fleet, rollover)).toBeUndefined();
    await survey(app, fleet, rollover, always);
    expect(await adoptionSurvey(app, fleet, { ...rollover, trustVersion: 8 })).toBeUndefined();
  });

  it("goes on after a death at every call of the store, and counts nobody twice", async () => {
    for (let call = 0; ; call += 1) {
      const app = await fleetOf(40);
      const fault = faults[call % 2] ?? "none";
      let calls = 0;
      const faulty = faultyStore(app.items, () => (calls++ === Math.floor(call / 2) ? fault : "none"));
      let died = false;
      try {
        await survey({ ...app, items: faulty }, fleet, rollover, always);
      } catch {
        died = true;
      }
      await survey(app, fleet, rollover, always);
      expect(await adoptionSurvey(app, fleet, rollover)).toMatchObject({ active: 40, adopted: 0 });
      if (!died) break;
    }
  });

  it("is one count though many take it at once", async () => {
    const app = await fleetOf(300);
    await Promise.all(Array.from({ length: 8 }, () => survey(app, fleet, rollover, always)));
    await survey(app, fleet, rollover, always);
    expect(await adoptionSurvey(app, fleet, rollover)).toMatchObject({ active: 300 });
  });

  it("is taken again when it is old, and keeps the last count until then", async () => {
    const app = await fleetOf(100);
    await survey(app, fleet, rollover, always);
    const certificate = madeRecord(now - day, { subjectId: "new" });
    await app.items.transact([{ put: certificateItem(certificate), when: "absent" }]);
    await survey(app, fleet, rollover, always);
    expect(await adoptionSurvey(app, fleet, rollover)).toMatchObject({ active: 100 });
    const later = appOver(app.items, now + 7_000);
    await survey(later, fleet, rollover, Number.NEGATIVE_INFINITY);
    expect(await adoptionSurvey(later, fleet, rollover)).toMatchObject({ active: 100 });
    await survey(later, fleet, rollover, always);
    expect(await adoptionSurvey(later, fleet, rollover)).toMatchObject({ active: 101, asOf: now + 7_000 });
  });
});
