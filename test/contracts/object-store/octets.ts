import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { NewObject } from "../../../core/ports.ts";
import { freshKey, type ObjectStoreContractOptions, type StoreOf, text, textOf } from "./material.ts";

const allOctets = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));

/** What the product publishes, and what headers can hold besides. */
const descriptions: readonly Omit<NewObject, "body">[] = [
  { contentType: "application/pem-certificate-chain", cacheControl: "public, max-age=300" },
  { contentType: "application/x-pem-file" },
  { contentType: "application/json", cacheControl: "no-store" },
  {
    contentType: "text/plain; charset=utf-8",
    cacheControl: 'private="set-cookie", max-age=0,must-revalidate',
  },
  { contentType: "application/vnd.example.v1+json" },
];

export function octetContract(store: StoreOf, { namesVersions }: ObjectStoreContractOptions): void {
  describe("octets and what is said of them", () => {
    it("a key that nothing was put under holds nothing", async () => {
      expect(await store().get(freshKey())).toBeUndefined();
    });

    it.each([0, 1, 1_000_000, 8_000_000])("an object of %i octets is read as it was put", async (length) => {
      const key = freshKey();
      const body = randomBytes(length);
      const { tag } = await store().put(key, { body, contentType: "application/octet-stream" });
      const read = await store().get(key);
      expect(Buffer.compare(read?.body ?? Buffer.from("absent"), body)).toBe(0);
      expect(read?.tag).toBe(tag);
    });

    it("every octet passes, line ends and zero among them", async () => {
      const key = freshKey();
      const body = Buffer.concat([allOctets, Buffer.from("\r\n\n\r"), allOctets]);
      await store().put(key, { body, contentType: "application/octet-stream" });
      expect(Buffer.from((await store().get(key))?.body ?? [])).toEqual(body);
    });

    it.each(descriptions)("$contentType with Cache-Control $cacheControl is kept", async (description) => {
      const key = freshKey();
      await store().put(key, { ...description, body: Buffer.from("x") });
      const { contentType, cacheControl } = (await store().get(key)) ?? {};
      expect({ contentType, cacheControl }).toEqual({ cacheControl: undefined, ...description });
    });

    it("Cache-Control does not outlive the object that had it", async () => {
      const key = freshKey();
      await store().put(key, { ...text("one"), cacheControl: "public, max-age=300" });
      await store().put(key, text("two"));
      expect((await store().get(key))?.cacheControl).toBeUndefined();
    });

    it("a put is read at once, and so is the next one", async () => {
      const key = freshKey();
      for (let at = 0; at < 20; at += 1) {
        const { tag } = await store().put(key, text(`${at}`));
        const read = await store().get(key);
        expect([Buffer.from(read?.body ?? []).toString(), read?.tag]).toEqual([`${at}`, tag]);
      }
    });

    it("the octets of the call are stored, not what its buffer holds later", async () => {
      const key = freshKey();
      const body = Buffer.from("before");
      await store().put(key, { body, contentType: "text/plain" });
      body.fill("x");
      expect(await textOf(store(), key)).toBe("before");
    });

    it("tags of different octets differ, also of the same length", async () => {
      const key = freshKey();
      const tags = new Set<string>();
      for (let at = 0; at < 10; at += 1) tags.add((await store().put(key, text(`${at}`))).tag);
      expect(tags.size).toBe(10);
    });

    it(`a put names ${namesVersions ? "its own version" : "no version"}`, async () => {
      const key = freshKey();
      const versions = new Set<string | undefined>();
      // The same octets too: a version is a put.
      for (const content of ["a", "a", "b"]) versions.add((await store().put(key, text(content))).versionId);
      if (namesVersions) {
        expect(versions.size).toBe(3);
        expect(versions).not.toContain(undefined);
      } else {
        expect([...versions]).toEqual([undefined]);
      }
    });
  });
}
