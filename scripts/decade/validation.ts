/**
 * Room: scripts. One hour of validations: each device that is on and each backend judge each other. Devices that hold the
 * same certificate and the same trust, as far as paths go, are one group, and each pair of groups is judged for real.
 */
import { cryptoperiods } from "../../core/standard/cryptoperiods.ts";
import type { Backend } from "./backends.ts";
import type { Device } from "./devices.ts";
import { day } from "./house.ts";
import type { HeldProfile, Source } from "./issuance.ts";
import type { Year } from "./ledger.ts";
import { noteAge, type Service } from "./service.ts";
import type { TrustSet } from "./trust.ts";
import type { Verifier } from "./verification.ts";

/** Of a device's certificate: in force, of quarantine, over; and each with a manifest that is past its nextUpdate. */
const conditions = 6;
const staleFrom = 3;

interface Asked {
  readonly source: Source;
  readonly profile: HeldProfile;
  readonly set: TrustSet;
  /** Of a device that judges: its manifest is past its nextUpdate. */
  readonly isStale?: boolean;
}

export class Validation {
  readonly failures = new Set<string>();
  readonly #service: Service;
  readonly #verifier: Verifier;
  #counts = new Uint32Array(0);
  #changes = -1;
  #boundary = 0;

  constructor(service: Service, verifier: Verifier) {
    this.#service = service;
    this.#verifier = verifier;
  }

  /** A certificate that begins or ends changes paths as well; and each month all is judged again. */
  #forgetOld(now: number): void {
    if (this.#service.changes === this.#changes && now < this.#boundary) return;
    this.#changes = this.#service.changes;
    this.#verifier.forget();
    const ends = this.#service.fleet.authorities.flatMap(({ certificate: { tbs } }) => [
      tbs.validity.notBefore,
      tbs.validity.notAfter + 1_000,
    ]);
    this.#boundary = Math.min(now + 30 * day, ...ends.filter((end) => end > now));
  }

  #group(devices: readonly Device[], now: number): number {
    const { sources, trust, keys } = this.#service;
    const size = sources.all.length * conditions * trust.sets.length;
    if (this.#counts.length === size) this.#counts.fill(0);
    else this.#counts = new Uint32Array(size);
    const counts = this.#counts;
    const { setOfVersion, nextUpdates } = trust;
    const setCount = trust.sets.length;
    let oldest = now;
    for (const device of devices) {
      if (!device.isOn) continue;
      const isOver = device.notAfter < now;
      const isStale = (nextUpdates[device.trustVersion] ?? 0) < now;
      const held = isOver ? 2 : device.state === "quarantined" ? 1 : 0;
      const condition = isStale ? staleFrom + held : held;
      if (!isOver && device.record.notBefore < oldest) oldest = device.record.notBefore;
      const at =
        (device.source * conditions + condition) * setCount + (setOfVersion[device.trustVersion] ?? 0);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    noteAge(keys, "device", {
      name: "a device's",
      days: (now - oldest) / day,
      limit: cryptoperiods.device.originatorDays,
    });
    return setCount;
  }

  async #count(year: Year, times: number, now: number, asked: Asked): Promise<void> {
    const { source, profile, set, isStale = false } = asked;
    const judgement =
      this.#verifier.known(source, profile, set) ?? (await this.#verifier.judge(source, profile, set, now));
    year.validations += times;
    if (judgement === "accepted") return;
    if (judgement === "retired") year.lostAuthority += times;
    // It has just come back, knows by its own manifest that it is cut off, and looks for a newer one within the hour.
    else if (isStale) year.staleTrust += times;
    else year.noPath += times;
    const what = `${profile} of ${source.issuer.record.authorityId} (chain of ${source.chainLength})`;
    this.failures.add(
      `${year.year}: ${what}, trust of version ${set.firstVersion} on: ${isStale ? "stale " : ""}${judgement}`,
    );
  }

  /** The hour that begins at `now`. */
  async pass(
    devices: readonly Device[],
    backends: readonly Backend[],
    now: number,
    year: Year,
  ): Promise<void> {
    this.#forgetOld(now);
    const setCount = this.#group(devices, now);
    const { sources, trust } = this.#service;
    for (const [at, count] of this.#counts.entries()) {
      if (count === 0) continue;
      const group = Math.floor(at / setCount) % conditions;
      const [condition, isStale] = [group % staleFrom, group >= staleFrom];
      const source = sources.all[Math.floor(at / setCount / conditions)];
      const held = trust.sets[at % setCount];
      if (source === undefined || held === undefined) throw new Error("no such group");
      for (const backend of backends) {
        const server = sources.all[backend.source];
        const known = trust.sets[trust.setOfVersion[backend.trustVersion] ?? 0];
        if (server === undefined || known === undefined) throw new Error("no such backend");
        await this.#count(year, count, now, { source: server, profile: "server", set: held, isStale });
        if (condition === 2) {
          year.validations += count;
          year.expired += count;
        } else {
          const profile = condition === 1 ? "quarantine" : "device";
          await this.#count(year, count, now, { source, profile, set: known });
        }
      }
    }
  }
}
