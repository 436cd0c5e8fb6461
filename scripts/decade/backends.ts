/**
 * Room: scripts. The services that devices talk to: each has a certificate of the fleet, and the trust that it fetched
 * last, which for some is what their firmware was built with.
 */
import { windowFor } from "../../core/enrollment/renewal-info.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import { cryptoperiods } from "../../core/standard/cryptoperiods.ts";
import { day, hour } from "./house.ts";
import { datedBy } from "./issuance.ts";
import type { Chance } from "./random.ts";
import { recordOf } from "./records.ts";
import type { Service } from "./service.ts";
import { noteAge } from "./service.ts";

export interface BackendPlan {
  readonly name: string;
  /** Days from one look at the trust to the next. */
  readonly everyDays: number;
  /** Days that the manifest is old when it is taken: built into firmware that was then tested. */
  readonly behindDays: number;
}

export const backendPlans: readonly BackendPlan[] = [
  ...["a", "b", "c", "d"].map((each) => ({ name: `daily-${each}`, everyDays: 1, behindDays: 0 })),
  ...["a", "b"].map((each) => ({ name: `weekly-${each}`, everyDays: 7, behindDays: 0 })),
  { name: "pinned-90", everyDays: 90, behindDays: 14 },
  { name: "pinned-120", everyDays: 120, behindDays: 14 },
];

export interface Backend {
  readonly plan: BackendPlan;
  source: number;
  record: CertificateRecord;
  trustVersion: number;
  looksAt: number;
}

export class Backends {
  readonly all: Backend[];
  readonly #service: Service;
  readonly #chance: Chance;

  constructor(
    service: Service,
    plans: readonly BackendPlan[],
    chance: Chance,
    trustVersion: number,
    now: number,
  ) {
    this.#service = service;
    this.#chance = chance;
    this.all = plans.map((plan) => ({
      ...{ plan, trustVersion, looksAt: now + plan.everyDays * day * chance.next() },
      ...this.#certified(plan.name, now),
    }));
  }

  #certified(name: string, now: number): Pick<Backend, "source" | "record"> {
    const { present } = this.#service.sources;
    const dates = datedBy(present, "server", now);
    return {
      source: present.id,
      record: recordOf(this.#service, present, { kind: "server", name, dates, now, chance: this.#chance }),
    };
  }

  /** The hour that begins at `now`. */
  async pass(now: number): Promise<void> {
    const { trust, windows, keys } = this.#service;
    for (const backend of this.all) {
      const { record, plan } = backend;
      if (windowFor(record, windows, now).start <= now) {
        const days = (now - record.notBefore) / day;
        noteAge(keys, "server", { name: plan.name, days, limit: cryptoperiods.server.originatorDays });
        Object.assign(backend, this.#certified(plan.name, now));
      }
      if (backend.looksAt >= now + hour) continue;
      backend.looksAt += plan.everyDays * day;
      const wanted = trust.versionAt(now - plan.behindDays * day);
      if (wanted > backend.trustVersion)
        backend.trustVersion = await trust.follow(backend.trustVersion, wanted);
    }
  }
}
