/** Room: scripts. The questions that people and programs ask of the inventory, at random places, each timed. */
import { getFleet } from "../../core/authority/issuer.ts";
import { inventoryCounts } from "../../core/distribution/census.ts";
import { type CertificateFilter, listCertificates } from "../../core/distribution/inventory.ts";
import { planSearch } from "../../core/distribution/search.ts";
import { encodeSearchCursor } from "../../core/distribution/search-cursor.ts";
import { timeKey } from "../../core/records/certificate-record.ts";
import { deviceName, type Filled } from "./fill.ts";
import { fleet, type House } from "./house.ts";
import { type Timing, timedInTurn } from "./timing.ts";

const day = 86_400_000;
const limit = 100;
/** Of questions that an index answers alone, and of those for which rows are looked at. */
const manySamples = 200;
const fewSamples = 60;

/** A day's window somewhere in the next three months. */
function anyDay(now: number): CertificateFilter {
  const expiresFrom = now + Math.floor(Math.random() * 85 * day);
  return { expiresFrom, expiresTo: expiresFrom + day };
}

interface Question {
  readonly name: string;
  readonly samples: number;
  readonly ask: (house: House, filled: Filled) => Promise<unknown>;
}

const search = (
  name: string,
  filter: (now: number, filled: Filled) => CertificateFilter,
  samples = manySamples,
): Question => ({
  name,
  samples,
  ask: ({ app }, filled) => listCertificates(app, { fleet, limit, ...filter(app.clock.now(), filled) }),
});

/** A page from a random place on, as one who follows the cursors meets them. */
async function listAnywhere({ app }: House): Promise<unknown> {
  const now = app.clock.now();
  const { identity } = planSearch(await getFleet(app, fleet), {}, now);
  const place = `${timeKey(now - Math.floor(Math.random() * 95 * day))}#00`;
  return listCertificates(app, { fleet, limit, cursor: encodeSearchCursor(identity, place) });
}

/** Each at a page of a hundred; the first page unless it says otherwise. */
const questions: readonly Question[] = [
  search("list, the newest", () => ({})),
  { name: "list, a page anywhere", samples: manySamples, ask: listAnywhere },
  search("one device", (_, { devices }) => ({
    deviceId: deviceName(1 + Math.floor(Math.random() * devices)),
  })),
  search("status revoked", () => ({ status: "revoked" })),
  search("status held (1 % of the revoked)", () => ({ status: "held" }), fewSamples),
  search("status active", () => ({ status: "active" })),
  search("status expired", () => ({ status: "expired" })),
  search("ends within a day, any day", anyDay),
  search("key algorithm P-384 (5 %)", () => ({ keyAlgorithm: "P-384" }), fewSamples),
  search("profile server (0.1 %): an almost empty page", () => ({ profile: "server" }), fewSamples),
  { name: "counts for a dashboard", samples: manySamples, ask: ({ app }) => inventoryCounts(app, { fleet }) },
];

export interface Answered {
  readonly name: string;
  readonly samples: number;
  /** One for each house. */
  readonly timings: readonly Timing[];
}

/** All questions to all houses, in turn. */
export async function timeQuestions(
  houses: readonly (readonly [House, Filled])[],
): Promise<readonly Answered[]> {
  const answered: Answered[] = [];
  for (const { name, samples, ask } of questions) {
    const acts = houses.map(
      ([house, filled]) =>
        () =>
          ask(house, filled),
    );
    answered.push({ name, samples, timings: await timedInTurn(samples, acts) });
  }
  return answered;
}
