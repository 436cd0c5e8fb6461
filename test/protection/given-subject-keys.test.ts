/** Room: test/protection. A subject's key that is given wrapped opens every purpose, and outlives the subject's shredding. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { getSubjectKey } from "../../core/protection/subject-keys.ts";
import { type DataWorld, dataCaller, fleet, openDataWorld } from "./data-world.ts";
import { auditOf } from "./keeping-world.ts";

let world: DataWorld;

beforeAll(async () => {
  world = await openDataWorld();
});
afterAll(() => world.close());

const request = async (subject: string, purposes: readonly string[] = ["*"]) => ({
  caller: await dataCaller(world.app, { purposes }),
  subject,
});

describe("a subject's key that is given wrapped", () => {
  it("is given to whoever may work with every purpose, for it opens all of them", async () => {
    for (const purposes of [[], ["observations"], ["observations", "exports"]])
      await expect(getSubjectKey(world.app, await request("s-none", purposes))).rejects.toMatchObject({
        code: "purpose_not_permitted",
      });
    // Nothing was made for it either.
    expect(await auditOf(world.app, "subject-key.created")).toEqual([]);
    expect(await getSubjectKey(world.app, await request("s-1"))).toMatchObject({
      subject: "s-1",
      version: 1,
    });
  });

  it("45 CFR 164.312(b): that it was given is on record each time", async () => {
    await getSubjectKey(world.app, await request("s-2"));
    await getSubjectKey(world.app, await request("s-2"));
    const entries = await auditOf(world.app, "subject-key.given");
    const entry = { fleet, actor: "backend:b-1", subject: "s-2", result: "success", reason: "version-1" };
    expect(entries.filter(({ subject }) => subject === "s-2")).toMatchObject([entry, entry]);
  });

  it("stays here when that cannot be recorded", async () => {
    await getSubjectKey(world.app, await request("s-3"));
    const unavailable = async () => {
      throw new AppError("store_unavailable", "the store does not answer");
    };
    const { items } = world.app;
    const app = {
      ...world.app,
      items: { get: items.get.bind(items), query: items.query.bind(items), transact: unavailable },
    };
    await expect(getSubjectKey(app, await request("s-3"))).rejects.toMatchObject({
      code: "store_unavailable",
    });
  });
});
