/** Room: test. A key service that is throttled, or whose key is disabled, in the middle of a re-encryption. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { getReencryption, startReencryption } from "../../core/protection/reencryption.ts";
import { safekeep } from "../../core/protection/safekeeping.ts";
import { openReencryptionsPartition } from "../../core/records/reencryption-record.ts";
import { actor, expectSame, fleet, openWorld, putKeys, rotatedWorld } from "./keeping-world.ts";

const throttled = () => new AppError("key_service_unavailable", "throttled", { retryAfter: 30 });

describe("a key service that does not answer", () => {
  it.each([
    ["throttled", throttled()],
    ["disabled", new AppError("key_disabled", "the key is disabled; enable it")],
  ])(
    "%s: the job keeps its place and what it moved, waits longer each time, tells people, and goes on",
    async (_, failure) => {
      const { app, keys, clock, jobId, notices, plain } = await rotatedWorld(30);
      const from = { calls: 0 };
      keys.fault = () => (++from.calls > 20 ? failure : undefined);
      expect(await safekeep(app)).toMatchObject({ failed: 1 });
      const first = await getReencryption(app, { fleet, jobId });
      expect(first).toMatchObject({ state: "moving", lastFailure: failure.code, nextAt: expect.any(String) });
      // Nothing more is asked before its time.
      const calls = from.calls;
      expect(await safekeep(app)).toMatchObject({ failed: 0, moved: 0 });
      expect(from.calls).toBe(calls);
      for (let failures = 2; failures <= 4; failures += 1) {
        clock.advance(3_600_000);
        expect(await safekeep(app)).toMatchObject({ failed: 1 });
      }
      expect(notices).toMatchObject([
        { event: "reencryption.stalled", severity: "warning", subject: jobId, measures: { failures: 3 } },
      ]);
      keys.fault = () => undefined;
      clock.advance(3_600_000);
      expect(await safekeep(app)).toMatchObject({ ended: 1, failed: 0 });
      const last = await getReencryption(app, { fleet, jobId });
      expect(last).toMatchObject({ state: "done", moved: 30, verified: 30, unreadable: 0 });
      expect(last.lastFailure).toBeUndefined();
      await expectSame(app, plain);
    },
  );

  it("keeps no other fleet's job from its end", async () => {
    const { app, keys, clock } = await openWorld({ fleets: [fleet, "other"] });
    await putKeys(app, 3);
    await putKeys(app, 3, "other");
    clock.advance(1_000);
    const one = await startReencryption(app, { fleet, actor });
    const two = await startReencryption(app, { fleet: "other", actor });
    const rewrap = app.wrappingKeys.rewrap.bind(keys);
    const failing = {
      ...app,
      wrappingKeys: {
        ...app.wrappingKeys,
        rewrap: (...call: Parameters<typeof rewrap>) =>
          call[0] === fleet ? Promise.reject(throttled()) : rewrap(...call),
      },
    };
    expect(await safekeep(failing)).toMatchObject({ failed: 1, ended: 1 });
    expect(await getReencryption(app, { fleet, jobId: one.reencryptionId })).toMatchObject({
      state: "moving",
    });
    expect(await getReencryption(app, { fleet: "other", jobId: two.reencryptionId })).toMatchObject({
      state: "done",
    });
  });

  it("whose keys are missing from its list: no key is called unreadable for that, and the job goes on once they are back", async () => {
    const { app, keys, clock, jobId, plain } = await rotatedWorld(12);
    keys.fault = () => new AppError("key_not_found", "no wrapping key");
    expect(await safekeep(app)).toMatchObject({ failed: 1, ended: 0 });
    const view = await getReencryption(app, { fleet, jobId });
    expect(view).toMatchObject({ state: "moving", lastFailure: "key_not_found", unreadable: 0 });
    // All moved, and lost again before the verification.
    const calls = { count: 0 };
    keys.fault = () => (++calls.count > 24 ? new AppError("key_not_found", "no wrapping key") : undefined);
    clock.advance(3_600_000);
    expect(await safekeep(app)).toMatchObject({ failed: 1, moved: 12 });
    expect(await getReencryption(app, { fleet, jobId })).toMatchObject({ state: "verifying", unreadable: 0 });
    keys.fault = () => undefined;
    clock.advance(3_600_000);
    expect(await safekeep(app)).toMatchObject({ ended: 1, verified: 12 });
    await expectSame(app, plain);
  });

  it("of which one older key is gone: what was under it is unreadable, the rest moves", async () => {
    const { app, keys, jobId } = await rotatedWorld(8);
    const rewrap = app.wrappingKeys.rewrap.bind(keys);
    const wrappingKeys = {
      ...app.wrappingKeys,
      rewrap: (...call: Parameters<typeof rewrap>) =>
        call[2]["subject"] === "s-3"
          ? Promise.reject(new AppError("key_not_found", "that key is gone"))
          : rewrap(...call),
    };
    expect(await safekeep({ ...app, wrappingKeys })).toMatchObject({ ended: 1, failed: 0 });
    const view = await getReencryption(app, { fleet, jobId });
    expect(view).toMatchObject({ state: "done", moved: 7, verified: 7, unreadable: 1 });
  });
});

it("a record that cannot be read is counted, and keeps no other job from its turn", async () => {
  const { app, jobId, log } = await rotatedWorld(5);
  const broken = { pk: "REENCRYPTION#other", sk: "0".repeat(32) };
  const open = { pk: openReencryptionsPartition, sk: "0000#other" };
  const put = { ...broken, attributes: { fleet: "other" }, indexes: { open } };
  await app.items.transact([{ put, when: "absent" }]);
  expect(await safekeep(app)).toMatchObject({ ended: 1, failed: 1, moved: 5 });
  expect(await getReencryption(app, { fleet, jobId })).toMatchObject({ state: "done" });
  expect(log.filter(({ event }) => event === "safekeeping_job_unreadable")).toHaveLength(1);
});
