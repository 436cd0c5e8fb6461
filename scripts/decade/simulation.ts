/** Room: scripts. A fleet's years, hour by hour, on a clock that is moved: see docs/rotation.md for what is real in it. */

import type { StartedTask } from "../../core/ports.ts";
import { type BackendPlan, Backends, backendPlans } from "./backends.ts";
import { hourOfDay, weekdayOf } from "./habits.ts";
import { day, type House, hour, openHouse } from "./house.ts";
import { emptyYear, type Outcome, type Year } from "./ledger.ts";
import { moveIn } from "./people.ts";
import { Population } from "./population.ts";
import { chance } from "./random.ts";
import { Recorder } from "./records.ts";
import { Service } from "./service.ts";
import { Validation } from "./validation.ts";
import { Verifier } from "./verification.ts";

export interface DecadeOptions {
  readonly devices: number;
  readonly days: number;
  readonly seed: number;
  /** Hours from one run of a task to the next; wakes come between. */
  readonly every: Readonly<Record<"rotate" | "publish" | "maintain" | "sample", number>>;
  /** Days of expiry that one list of revoked certificates covers: fewer lists are fewer signatures. */
  readonly crlWindowDays: number;
  readonly openssl: "always" | "once";
  /** Day on which the issuing authority's key is lost. */
  readonly emergencyDay?: number;
  /** Day on which people pull all renewals forward, over a week. */
  readonly pullDay?: number;
  readonly backends?: readonly BackendPlan[];
  readonly progress?: (day: number, year: Year) => void;
}

/** A Friday. */
const start = Date.parse("2027-01-01T00:00:00Z");
/** Days over which the first devices are enrolled; and until the lost authority's word ends. */
const rampDays = 30;
const lossDays = 7;
/** Share of the fleet that comes and goes each month. */
const turnover = 0.01;

type Daily = { renewals: number; peak: number; upToDate: number };

class Simulation {
  readonly years = new Map<number, Year>();
  readonly daily: Daily[] = [];
  readonly #options: DecadeOptions;
  readonly #house: House;
  readonly #service: Service;
  readonly #recorder: Recorder;
  readonly #population: Population;
  readonly #verifier: Verifier;
  readonly #validation: Validation;
  readonly #chance;
  #backends: Backends | undefined;
  #due = 0;
  #leaving = 0;

  constructor(options: DecadeOptions, house: House) {
    this.#options = options;
    this.#house = house;
    this.#chance = chance(options.seed);
    this.#service = new Service(house);
    this.#recorder = new Recorder(house);
    this.#population = new Population(this.#service, this.#recorder, this.#chance);
    this.#verifier = new Verifier(options.openssl);
    this.#validation = new Validation(this.#service, this.#verifier);
  }

  async begin(): Promise<void> {
    const { clock } = this.#house;
    await moveIn(this.#house, this.#options.crlWindowDays);
    await this.#service.run(["publish", "rotate", "maintain"]);
    const { trust } = this.#service;
    const version = await trust.follow(trust.pinnedAt(clock.now()));
    const plans = this.#options.backends ?? backendPlans;
    this.#backends = new Backends(this.#service, plans, this.#chance, version, clock.now());
  }

  #yearAt(time: number): Year {
    const number = new Date(time).getUTCFullYear();
    const year = this.years.get(number) ?? emptyYear(number);
    this.years.set(number, year);
    return year;
  }

  async #tasks(now: number): Promise<void> {
    const { every, emergencyDay, pullDay } = this.#options;
    const hours = (now - start) / hour;
    const due = (["publish", "maintain", "rotate"] as const).filter((task) => hours % every[task] === 0);
    if (hours % every.sample === 0) await this.#service.sample();
    if (due.includes("rotate") && this.#service.waiting.length > 0) await this.#population.acknowledge();
    if (due.length > 0) await this.#service.run(due satisfies readonly StartedTask[]);
    if (hourOfDay(now) !== 10) return;
    const days = Math.floor(hours / 24);
    if (emergencyDay === days) await this.#service.loseAuthority();
    if (emergencyDay !== undefined && emergencyDay + lossDays === days) await this.#service.endLost();
    if (pullDay === days) await this.#service.pullForward();
    const weekday = weekdayOf(now);
    if (weekday !== 0 && weekday !== 6) await this.#service.serve();
  }

  /** New devices at the beginning, and each month some that come and some that go. */
  async #turnOver(now: number, year: Year): Promise<void> {
    const hours = (now - start) / hour;
    if (hours < rampDays * 24) {
      this.#due += this.#options.devices / (rampDays * 24);
    } else if (new Date(now).getUTCDate() === 2 && hourOfDay(now) >= 7 && hourOfDay(now) < 17) {
      const count = (this.#options.devices * turnover) / 10;
      this.#due += count;
      this.#leaving += count;
      for (; this.#leaving >= 1; this.#leaving -= 1) this.#population.retire(now, year);
    }
    for (; this.#due >= 1; this.#due -= 1) await this.#population.enrol(now, year);
  }

  #notePeak(now: number, year: Year, today: Daily): void {
    const { renewals, all } = this.#population;
    const share = (100 * renewals) / Math.max(1, all.length);
    const isEmergency = this.#service.windows.some(
      ({ reason, from, until }) => reason === "keyCompromise" && from <= now && now < until + 7 * hour,
    );
    if (isEmergency) year.emergencyPeak = Math.max(year.emergencyPeak, share);
    else if (share > year.peak) {
      year.peak = share;
      year.peakAt = now;
    }
    today.renewals += renewals;
    today.peak = Math.max(today.peak, share);
  }

  async #hour(now: number, today: Daily): Promise<void> {
    const year = this.#yearAt(now);
    const versions = this.#service.trust.newest;
    this.#house.clock.set(now);
    await this.#tasks(now);
    this.#house.started.clear();
    year.trustVersions += this.#service.trust.newest - versions;
    await this.#turnOver(now, year);
    this.#population.wake(now);
    const { all } = this.#population;
    await this.#validation.pass(all, this.#backends?.all ?? [], now, year);
    await this.#population.look(now, year);
    await this.#backends?.pass(now);
    await this.#recorder.flush();
    this.#notePeak(now, year, today);
    year.hours += 1;
    year.devices = all.length;
  }

  async day(number: number): Promise<void> {
    const today: Daily = { renewals: 0, peak: 0, upToDate: 0 };
    for (let each = 0; each < 24; each += 1) await this.#hour(start + number * day + each * hour, today);
    const { all } = this.#population;
    const { newest } = this.#service.trust;
    today.upToDate =
      all.filter(({ trustVersion }) => trustVersion === newest).length / Math.max(1, all.length);
    this.daily.push(today);
    this.#options.progress?.(number, this.#yearAt(start + number * day));
  }

  outcome(): Outcome {
    const { devices, days, seed } = this.#options;
    const service = this.#service;
    const { pairs, paths, byOpenssl, atSamplesEnd } = this.#verifier;
    const { certificates, outlivesIssuer } = this.#recorder;
    const notices = Map.groupBy(this.#house.notices, ({ event }) => event);
    return {
      ...{ devices, days, seed, pairs, paths, byOpenssl, atSamplesEnd, certificates, outlivesIssuer },
      years: [...this.years.values()],
      keys: service.keys,
      draining: service.draining,
      rollovers: [...service.rollovers.values()],
      daily: this.daily,
      sources: service.sources.all.length,
      trustSets: service.trust.sets.length,
      walks: service.trust.walks,
      failedSteps: service.failedSteps,
      ceremonies: service.ceremonies,
      otherTasks: [...service.otherTasks],
      notices: new Map([...notices].map(([event, all]) => [event, all.length])),
      failures: [...this.#validation.failures],
    };
  }
}

/** @throws Error when the two judges of paths differ; AppError what the core refuses. */
export async function simulate(options: DecadeOptions): Promise<Outcome> {
  const house = await openHouse(start - hour, options.seed);
  try {
    const simulation = new Simulation(options, house);
    await simulation.begin();
    for (let number = 0; number < options.days; number += 1) {
      await simulation.day(number);
      if (number % 30 === 0) await house.forget();
    }
    return simulation.outcome();
  } finally {
    await house.close();
  }
}
