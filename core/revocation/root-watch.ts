/**
 * Room: core/revocation. A root's list is signed by deployments only, so somebody must deploy before it ends. People are
 * told when it is due, and again thirty days before its end, and again for the next list; twice at most where two runs look at the same moment.
 */
import { getFleet } from "../authority/issuer.ts";
import type { KeylessApp, NewItem, Notice, Notifier } from "../ports.ts";
import type { CrlRecord } from "../records/crl-record.ts";
import { isTrusted } from "../records/fleet-record.ts";
import { tellOnce } from "../rotation/told-notice.ts";
import { publicationSchedules } from "../standard/revocation.ts";
import { findListRecord } from "./list-record.ts";
import { completeShard } from "./shard.ts";

const day = 86_400_000;
/** Enough for a deployment that has to be planned. */
const lastDays = 30;

type Stage = "due" | "ending";

function stageOf({ thisUpdate, nextUpdate }: CrlRecord, now: number): Stage | undefined {
  if (now >= nextUpdate - lastDays * day) return "ending";
  return now >= thisUpdate + publicationSchedules.rootCrl.refreshSeconds * 1000 ? "due" : undefined;
}

/** Says that people were told of this very list, at this stage. Forgotten when the list is long over. */
function toldItem({ fleet, authorityId, publishedNumber, nextUpdate }: CrlRecord, stage: Stage): NewItem {
  return {
    pk: `LISTNOTICES#${fleet}`,
    sk: `${authorityId}#${publishedNumber}#${stage}`,
    attributes: { stage },
    expiresAt: Math.floor(nextUpdate / 1000) + 400 * 86_400,
  };
}

async function tellOf(app: KeylessApp & { readonly notifier: Notifier }, list: CrlRecord): Promise<number> {
  const now = app.clock.now();
  const stage = stageOf(list, now);
  if (stage === undefined) return 0;
  const notice: Notice = {
    event: "crl.due",
    severity: stage === "ending" ? "critical" : "warning",
    fleet: list.fleet,
    subject: list.authorityId,
    measures: { days: Math.max(0, Math.floor((list.nextUpdate - now) / day)) },
  };
  return (await tellOnce(app, toldItem(list, stage), notice)) ? 1 : 0;
}

/**
 * Told again after a crash between notice and record, never not at all. Two reads for each root.
 * @returns How many notices were told. @throws AppError not_found, store_unavailable, notifier_unavailable.
 */
export async function watchRootLists(
  app: KeylessApp & { readonly notifier: Notifier },
  fleet: string,
): Promise<number> {
  const { authorities } = await getFleet(app, fleet);
  let told = 0;
  for (const { record } of authorities.filter(
    ({ record: root }) => root.kind === "root" && isTrusted(root),
  )) {
    const name = { fleet, authorityId: record.authorityId, crlShard: completeShard };
    const stored = await findListRecord(app, name);
    if (stored !== undefined && stored.value.publishedNumber > 0) told += await tellOf(app, stored.value);
  }
  return told;
}
