/** Room: core/rotation. People are told when a key comes into another state of its age: of each state once. */
import type { DataKeyState, NewItem, Notice, RotationApp } from "../ports.ts";
import { type AgeState, ageState, keyAge } from "./cryptoperiod.ts";
import { sinceOfDataKey } from "./data-key-duties.ts";
import type { HeldKey } from "./key-ring.ts";
import { tellOnce } from "./told-notice.ts";

const day = 86_400_000;
/** A root is due for more than a year. */
const keptDays = 800;

const events = {
  warn: { event: "key.rotation-near", severity: "information" },
  due: { event: "key.rotation-due", severity: "warning" },
  overdue: { event: "key.overdue", severity: "critical" },
  refused: { event: "key.refused", severity: "critical" },
} as const satisfies Readonly<Record<Exclude<AgeState, "ok">, Pick<Notice, "event" | "severity">>>;

type AgedKey = Pick<HeldKey, "kind" | "name" | "since">;

function mark(fleet: string, { kind, name, since }: AgedKey, state: AgeState, now: number): NewItem {
  return {
    pk: `KEYNOTICES#${fleet}`,
    sk: `${kind}#${name}#${since}#${state}`,
    attributes: { state },
    expiresAt: Math.floor(now / 1000) + keptDays * 86_400,
  };
}

/** What rotates by itself is nobody's concern before its grace is over. */
function stateToTell({ kind, since }: AgedKey, now: number): AgeState {
  const state = ageState(keyAge(kind, since), now);
  return kind === "keyEncryption" && state !== "refused" ? "ok" : state;
}

/** @returns How many were told now. @throws AppError notifier_unavailable, store_unavailable. */
export async function tellAges(
  app: RotationApp,
  fleet: string,
  keys: readonly HeldKey[],
  dataKeys: readonly DataKeyState[],
): Promise<number> {
  const now = app.clock.now();
  const aged: readonly AgedKey[] = [
    ...keys.filter(({ use }) => use === "used"),
    ...dataKeys.map((key) => ({
      kind: "keyEncryption" as const,
      name: key.name,
      since: sinceOfDataKey(key),
    })),
  ];
  let told = 0;
  for (const key of aged) {
    const state = stateToTell(key, now);
    if (state === "ok") continue;
    const measures = {
      days: Math.floor((now - key.since) / day),
      daysLeft: Math.max(0, Math.floor((keyAge(key.kind, key.since).refusedAt - now) / day)),
    };
    const notice = { ...events[state], fleet, subject: key.name, measures };
    if (await tellOnce(app, mark(fleet, key, state, now), notice)) told += 1;
  }
  return told;
}
