/** Room: scripts. How long CRLs take to publish and to rebuild, and how large they are. */
import { randomBytes } from "node:crypto";
import type { WriteOperation } from "../../core/ports.ts";
import { type CrlRecord, crlPartition, crlRecord } from "../../core/records/crl-record.ts";
import { readItems } from "../../core/records/pages.ts";
import { revocationEntryItem } from "../../core/records/revocation-entry.ts";
import { publishRevocations, type RevocationReport } from "../../core/revocation/publisher.ts";
import { crlShardOf } from "../../core/revocation/shard.ts";
import { fleet, type House } from "./house.ts";
import { table, timedInTurn } from "./timing.ts";

const day = 86_400_000;
const rebuilds = 20;
const operationsAtOnce = 100;

async function records({ app }: House): Promise<readonly CrlRecord[]> {
  const items = await readItems(app, { pk: crlPartition(fleet), limit: 10_000 });
  return items.map((item) => crlRecord(item).value);
}

/** One more revoked certificate in the list. */
function entryOf({ app, sample: { authorityId } }: House, crlShard: string): WriteOperation {
  const now = app.clock.now();
  const serialNumber = `7f${randomBytes(15).toString("hex")}`;
  const times = { revokedAt: now, changedAt: now };
  const entry = {
    fleet,
    authorityId,
    crlShard,
    serialNumber,
    state: "revoked",
    reason: "superseded",
    ...times,
  } as const;
  return { put: revocationEntryItem(entry), when: "absent" };
}

async function revokeIn(house: House, crlShard: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += operationsAtOnce) {
    const size = Math.min(operationsAtOnce, count - done);
    await house.app.items.transact(Array.from({ length: size }, () => entryOf(house, crlShard)));
  }
}

/** From one revocation to the list that has it: the whole run of the publisher. */
async function rebuild(house: House, crlShard: string): Promise<readonly string[]> {
  const again = async () => {
    await revokeIn(house, crlShard, 1);
    await publishRevocations(house.app);
  };
  const [taken] = await timedInTurn(rebuilds, [again]);
  const list = (await records(house)).find((record) => record.crlShard === crlShard);
  const { entries = 0, octets = 0 } = list ?? {};
  const milliseconds = (time = Number.NaN) => `${time.toFixed(0)} ms`;
  return [
    `${entries}`,
    `${octets}`,
    (octets / entries).toFixed(1),
    milliseconds(taken?.p50),
    milliseconds(taken?.slowest),
  ];
}

export interface ListsMeasured {
  readonly text: string;
  readonly octetsPerEntry: number;
}

/**
 * All lists from the entries in the store; the largest of them again; and one with as many entries as all together.
 * @param all How many entries the one large list gets.
 */
export async function measureLists(house: House, all: number): Promise<ListsMeasured> {
  const begin = performance.now();
  const first: RevocationReport = await publishRevocations(house.app);
  const seconds = (performance.now() - begin) / 1_000;
  const [largest] = [...(await records(house))].sort((left, right) => right.octets - left.octets);
  if (largest === undefined) throw new Error("no list was published");
  const usual = await rebuild(house, largest.crlShard);
  const far = crlShardOf(house.app.clock.now() + 300 * day, 7);
  await revokeIn(house, far, all);
  await publishRevocations(house.app);
  const single = await rebuild(house, far);
  const rows = [
    ["list", "entries", "octets", "octets an entry", "rebuilt, p50", "slowest"],
    [`the largest of ${first.published}`, ...usual],
    ["all revocations in one", ...single],
  ];
  const text = [
    `${first.entries} revocations that no list had were published in ${first.published} lists in ${seconds.toFixed(1)} s.`,
    table(rows),
  ].join("\n\n");
  return { text, octetsPerEntry: largest.octets / largest.entries };
}
