/**
 * Room: scripts. The service over the years: its tasks at their times, the people who serve them, and what has changed for
 * devices after each run.
 */
import { type Fleet, getFleet } from "../../core/authority/issuer.ts";
import { findWindows, pullForward } from "../../core/enrollment/renewal-window.ts";
import type { StartedTask } from "../../core/ports.ts";
import type { RenewalWindow } from "../../core/records/renewal-window-record.ts";
import type { RolloverRecord } from "../../core/records/rollover-record.ts";
import { keyRing } from "../../core/rotation/key-ring.ts";
import { allRollovers } from "../../core/rotation/rollover-store.ts";
import { adoptionSurvey } from "../../core/rotation/survey.ts";
import { cryptoperiods } from "../../core/standard/cryptoperiods.ts";
import { type RotatedKeyKind, rotationThresholds } from "../../core/standard/rotation.ts";
import { day, fleet as fleetName, type House } from "./house.ts";
import { Sources } from "./issuance.ts";
import type { KeyLimit, RolloverSeen } from "./ledger.ts";
import { replaceAtOnce, retireLost, work } from "./people.ts";
import { runTasks } from "./tasks.ts";
import { Trust } from "./trust.ts";

/** Raises the mark where this key is older than any before. */
export function noteAge<Kind>(
  marks: Map<Kind, KeyLimit>,
  kind: Kind,
  key: { readonly name: string; readonly days: number; readonly limit: number },
): void {
  const known = marks.get(kind);
  if (known === undefined) marks.set(kind, { longest: key.days, name: key.name, limit: key.limit });
  else if (key.days > known.longest) Object.assign(known, { longest: key.days, name: key.name });
}

const timeless = new Set<string>(["published", "active", "draining", "retired", "destroyed"]);

export class Service {
  readonly sources = new Sources();
  readonly trust: Trust;
  readonly keys = new Map<RotatedKeyKind | "device" | "server", KeyLimit>();
  readonly draining = new Map<RotatedKeyKind, KeyLimit>();
  readonly rollovers = new Map<string, RolloverSeen>();
  readonly otherTasks = new Set<string>();
  windows: readonly RenewalWindow[] = [];
  /** One more whenever a path may have become another. */
  changes = 0;
  failedSteps = 0;
  ceremonies = 0;
  #fleet: Fleet | undefined;
  #states = "";
  #waiting: readonly RolloverRecord[] = [];
  #lost: string | undefined;
  readonly house: House;
  readonly #start: number;

  constructor(house: House) {
    this.house = house;
    this.#start = house.clock.now();
    this.trust = new Trust(house);
  }

  get fleet(): Fleet {
    if (this.#fleet === undefined) throw new Error("the service has not been looked at");
    return this.#fleet;
  }

  /** Rollovers that wait until devices trust their successor. */
  get waiting(): readonly RolloverRecord[] {
    return this.#waiting;
  }

  stateOf(authorityId: string): string {
    return (
      this.fleet.authorities.find(({ record }) => record.authorityId === authorityId)?.record.state ??
      "unknown"
    );
  }

  async run(tasks: readonly StartedTask[]): Promise<void> {
    // What is issued until this very hour is what the old authority has issued last.
    if (this.#waiting.length > 0 && tasks.includes("rotate")) await this.sample();
    this.failedSteps += await runTasks(this.house, tasks);
    await this.look();
  }

  sample(): Promise<void> {
    return this.sources.sample(this.house, this.trust.newest);
  }

  /** The people of the fleet, at their desks. */
  async serve(): Promise<void> {
    const done = await work(this.house);
    for (const { action, subject } of done.others) this.otherTasks.add(`${action} ${subject}`);
    this.ceremonies += done.ceremonies;
    if (done.ceremonies + done.destructions > 0) await this.run([]);
  }

  async loseAuthority(): Promise<void> {
    await this.sample();
    this.#lost = await replaceAtOnce(this.house);
    this.ceremonies += 1;
    await this.run(["rotate", "publish"]);
    // The next run, minutes later, finds the manifest in its place.
    await this.run(["rotate"]);
  }

  async endLost(): Promise<void> {
    if (this.#lost === undefined) return;
    await retireLost(this.house, this.#lost);
    await this.run(["publish"]);
  }

  /** Everybody is asked to renew within the week that begins tomorrow. */
  async pullForward(): Promise<void> {
    const { app, clock } = this.house;
    const from = Math.floor(clock.now() / day + 1) * day;
    const reason = "superseded";
    await pullForward(app, {
      fleet: fleetName,
      actor: "operator:owner-1",
      from,
      until: from + 7 * day,
      reason,
    });
    await this.look();
  }

  async look(): Promise<void> {
    const { app } = this.house;
    this.#fleet = await getFleet(app, fleetName);
    const given = this.sources.take(this.house, this.#fleet);
    const published = await this.trust.look(this.#fleet);
    const states = this.#fleet.authorities
      .map(({ record }) => `${record.authorityId} ${record.state}`)
      .join();
    if (given || published || states !== this.#states) this.changes += 1;
    this.#states = states;
    if (given) await this.sample();
    const windows = (await findWindows(app, fleetName))?.value ?? [];
    const idsOf = (some: readonly RenewalWindow[]): string => some.map(({ windowId }) => windowId).join();
    if (idsOf(windows) !== idsOf(this.windows)) this.windows = windows;
    await this.#noteRollovers();
    await this.#noteKeys(this.#fleet);
  }

  async #noteRollovers(): Promise<void> {
    const { app, clock } = this.house;
    const known = (await allRollovers(app, fleetName)).map(({ value }) => value);
    this.#waiting = known.filter(
      ({ state, adoptionPercent }) => state === "published" && adoptionPercent > 0,
    );
    for (const rollover of known) {
      const { rolloverId, kind, fromId, toId, emergency, createdBy, createdAt } = rollover;
      const seen: RolloverSeen = this.rollovers.get(rolloverId) ?? {
        ...{ kind, from: fromId, to: toId, emergency, createdBy },
        entered: { planned: (createdAt - this.#start) / day },
      };
      this.rollovers.set(rolloverId, seen);
      if (!timeless.has(rollover.state) || seen.entered[rollover.state] !== undefined) continue;
      // A run that takes several steps at once has passed the states between.
      seen.entered[rollover.state] = (clock.now() - this.#start) / day;
      if (rollover.activatedAt !== undefined)
        seen.entered["active"] ??= (rollover.activatedAt - this.#start) / day;
      const survey = await adoptionSurvey(app, fleetName, rollover);
      if (rollover.activatedAt !== undefined && seen.adoption === undefined && survey !== undefined)
        seen.adoption = (100 * survey.adopted) / Math.max(1, survey.active);
    }
  }

  async #noteKeys(fleet: Fleet): Promise<void> {
    const { app, clock } = this.house;
    const now = clock.now();
    for (const { kind, name, use, since } of await keyRing(app, fleet)) {
      const days = (now - since) / day;
      if (use === "used")
        noteAge(this.keys, kind, { name, days, limit: rotationThresholds[kind].refusedDays });
      // What it signed counts for so long: its lists are signed until then.
      const recipient =
        kind === "root" || kind === "issuing"
          ? cryptoperiods[kind].recipientDays
          : rotationThresholds[kind].refusedDays;
      if (use === "draining") noteAge(this.draining, kind, { name, days, limit: recipient });
    }
    for (const { name, createdAt, lastRotationAt = createdAt } of await app.dataKeys.list())
      noteAge(this.keys, "keyEncryption", {
        name,
        days: (now - lastRotationAt) / day,
        limit: rotationThresholds.keyEncryption.refusedDays,
      });
  }
}
