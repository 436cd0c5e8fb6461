/** Room: test. Somebody has to deploy before a root's list ends: people are told in time, and once. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { publishRootList } from "../../core/revocation/root-list.ts";
import { watchRootLists } from "../../core/revocation/root-watch.ts";
import { day, fleet, openPublishingFleet, type PublishingFleet } from "./publishing-fleet.ts";

let house: PublishingFleet;
beforeEach(async () => {
  house = await openPublishingFleet();
});
afterEach(() => house.close());

const told = () => house.notices.filter(({ event }) => event === "crl.due");

it("a fresh list is nobody's concern; a due one is told of once, one that ends in thirty days once more", async () => {
  expect(await watchRootLists(house.app, fleet)).toBe(0);
  for (let days = 0; days < 200; days += 1) {
    house.clock.advance(day);
    await Promise.all([watchRootLists(house.app, fleet), watchRootLists(house.app, fleet)]);
    await watchRootLists(house.app, fleet);
  }
  const severities = new Set(told().map(({ severity }) => severity));
  expect([...severities]).toEqual(["warning", "critical"]);
  // Two that look at the same moment may both tell; nobody tells it again later.
  expect(told().length).toBeLessThanOrEqual(4);
  expect(told()[0]).toMatchObject({ fleet, subject: "root-1" });
  // Whole days, and the clock goes on while the test runs.
  expect([89, 90]).toContain(told()[0]?.measures?.["days"]);
});

it("a deployment signs the next list, which is watched anew", async () => {
  house.clock.advance(91 * day);
  expect(await watchRootLists(house.app, fleet)).toBe(1);
  expect(await publishRootList(house.app, fleet)).toBe(1);
  expect(await watchRootLists(house.app, fleet)).toBe(0);
  house.clock.advance(91 * day);
  expect(await watchRootLists(house.app, fleet)).toBe(1);
});

it("a notice that could not be sent is sent by the next run", async () => {
  house.clock.advance(91 * day);
  const notifier = { notify: () => Promise.reject(new Error("the topic is gone")) };
  await expect(watchRootLists({ ...house.app, notifier }, fleet)).rejects.toThrow("the topic is gone");
  expect(await watchRootLists(house.app, fleet)).toBe(1);
});
