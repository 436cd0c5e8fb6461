/** Room: test. What must be true of all lists after every publication, whatever happened before. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import {
  type CertificateList,
  decodeCertificateList,
  verifyCertificateListSignature,
} from "../../core/formats/crl/certificate-list.ts";
import { boundedMemo } from "../../core/memo.ts";
import type { NewObject } from "../../core/ports.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { type FleetApp, openFleetApp } from "../support/fleet-app.ts";
import { fleet, History, type SharedAuthority } from "./history.ts";
import { keyOfUrl, serialsOf } from "./publishing-fleet.ts";

const seed = 20_261_125;
const histories = 10_000;
const steps = 13;

let opened: FleetApp;
let authority: SharedAuthority;
beforeAll(async () => {
  opened = await openFleetApp();
  const { authorities } = await getFleet(opened.app, fleet);
  const record = authorities.find((each) => each.record.kind === "issuing")?.record;
  if (record === undefined) throw new Error("no authority");
  authority = { record, keys: opened.app.keys, memo: boundedMemo() };
});
afterAll(() => opened.close());

/** What a reader saw under each key, the newest last; what was looked at once is not looked at again. */
class Reader {
  readonly #history: History;
  readonly #seen = new Map<string, { readonly object: NewObject; readonly list: CertificateList }>();
  readonly #notAfter = new Map<string, number>();
  lists = 0;
  gone = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** The lists that are there now. Each that is new has been judged against the one before it. */
  async read(): Promise<ReadonlyMap<string, CertificateList>> {
    const { artifacts, certificates } = this.#history;
    for (const { serialNumber, notAfter } of certificates) this.#notAfter.set(serialNumber, notAfter);
    const keys = new Set(artifacts.keys);
    for (const key of keys) {
      const object = artifacts.versions(key).at(-1);
      if (object !== undefined && object !== this.#seen.get(key)?.object) await this.#judge(key, object);
    }
    for (const [key, { list }] of this.#seen) {
      if (keys.has(key)) continue;
      this.#seen.delete(key);
      this.gone += 1;
      // RFC 5280 §3.3: it stood in one list at least that was issued after the certificate had expired.
      for (const serial of serialsOf(list)) this.#expectExpired(serial, list.thisUpdate);
    }
    return new Map([...this.#seen].map(([key, { list }]) => [key, list]));
  }

  async #judge(key: string, object: NewObject): Promise<void> {
    const { issuer, certificates } = this.#history;
    const list = decodeCertificateList(object.body);
    this.lists += 1;
    expect(await verifyCertificateListSignature(list, issuer.publicKey)).toBe(true);
    const before = this.#seen.get(key)?.list;
    // RFC 5280 §5.2.3.
    expect(list.number).toBeGreaterThan(before?.number ?? 0);
    expect(list.distributionPoint?.map(({ value }) => keyOfUrl(String(value)))).toEqual([key]);
    const listed = serialsOf(list);
    for (const serial of serialsOf(before)) {
      const known = certificates.find(({ serialNumber }) => serialNumber === serial);
      if (listed.includes(serial) || known?.state === "issued") continue;
      this.#expectExpired(serial, before?.thisUpdate ?? 0);
    }
    this.#seen.set(key, { object, list });
  }

  #expectExpired(serial: string, thisUpdate: number): void {
    expect(this.#notAfter.get(serial)).toBeLessThan(thisUpdate);
  }
}

/** Every certificate against all lists: those that name it, and the one that it names itself. */
function checkLists({ certificates, now }: History, lists: ReadonlyMap<string, CertificateList>): void {
  const places = new Map<string, string[]>();
  for (const [key, list] of lists)
    for (const serial of serialsOf(list)) places.set(serial, [...(places.get(serial) ?? []), key]);
  for (const { serialNumber, notAfter, state, url } of certificates) {
    const found = places.get(serialNumber) ?? [];
    if (state === "issued") expect(found).toEqual([]);
    else if (notAfter >= now) expect(found).toHaveLength(1);
    else expect(found.length).toBeLessThan(2);
    if (found.length === 1 && url !== undefined) {
      expect(found).toEqual([keyOfUrl(url)]);
      const names = lists.get(keyOfUrl(url))?.distributionPoint?.map(({ value }) => value);
      expect(names).toContain(url);
    }
  }
}

async function live(history: History): Promise<Reader> {
  const reader = new Reader(history);
  await history.begin();
  for (let step = 0; step <= steps; step += 1) {
    const published = step === steps ? await history.publish() : await history.step();
    if (published) checkLists(history, await reader.read());
  }
  return reader;
}

it(`Vault CVE-2021-29653: over ${histories} histories, revoked and unexpired is to be on exactly one list`, async () => {
  const random = seededRandom(seed);
  const met = { lists: 0, gone: 0, listed: 0 };
  for (let round = 0; round < histories; round += 1) {
    const history = new History(random, authority);
    try {
      const { lists, gone } = await live(history);
      met.lists += lists;
      met.gone += gone;
      met.listed += history.certificates.filter(({ state }) => state !== "issued").length;
    } catch (cause) {
      throw new Error(`history ${round} of seed ${seed}:\n${history.acts.join("\n")}`, { cause });
    }
  }
  // What is promised must have been met, and often.
  expect(met.lists).toBeGreaterThan(histories);
  expect(met.listed).toBeGreaterThan(histories);
  expect(met.gone).toBeGreaterThan(100);
}, 300_000);
