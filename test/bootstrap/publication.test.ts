import { describe, expect, it } from "vitest";
import { publish } from "../../core/bootstrap/publication.ts";
import type { NewObject } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";
import { memoryObjectStore } from "../support/memory-object-store.ts";

const object = (text: string): NewObject => ({ body: Buffer.from(text), contentType: "text/plain" });

describe("a publication", () => {
  it("is written when its octets change, and not otherwise", async () => {
    const store = memoryObjectStore({ namesVersions: true });
    const write = (text: string) => publish(store, "key", async () => object(text));
    expect(await write("a")).toEqual({ key: "key", versionId: "version-1" });
    expect(await write("a")).toEqual({ key: "key", versionId: "version-1" });
    expect(await write("b")).toEqual({ key: "key", versionId: "version-2" });
    expect(store.versions("key")).toHaveLength(2);
  });

  it("names no version where the store tells none", async () => {
    const store = memoryObjectStore({ namesVersions: false });
    expect(await publish(store, "key", async () => object("a"))).toEqual({ key: "key" });
    expect(await publish(store, "key", async () => object("a"))).toEqual({ key: "key" });
  });

  it("the writer with older knowledge loses, asks again, and keeps what the other wrote", async () => {
    const store = memoryObjectStore({ namesVersions: true });
    const known = ["first"];
    let asked = 0;
    await publish(store, "key", async () => {
      asked += 1;
      const seen = object(known.join());
      // Another run learns more and writes it, after this one has looked.
      if (asked === 1) await store.put("key", object([...known, "second"].join()), "absent");
      known.splice(0, known.length, "first", "second");
      return seen;
    });
    expect(asked).toBe(2);
    expect(store.versions("key").map(({ body }) => Buffer.from(body).toString())).toEqual(["first,second"]);
  });

  it("gives up, saying so, when others write all the time", async () => {
    const store = memoryObjectStore({ namesVersions: false });
    let round = 0;
    const make = async (): Promise<NewObject> => {
      round += 1;
      await store.put("key", object(`other ${round}`));
      return object("mine");
    };
    expect(await codeOf(publish(store, "key", make))).toBe("store_condition_failed");
  });
});
