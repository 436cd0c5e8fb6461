/** Room: scripts. The devices of the fleet: enrolled, looked after by their agents, brought back by people, retired. */
import { acknowledgeTrust } from "../../core/distribution/acknowledgement.ts";
import { isAppError } from "../../core/errors.ts";
import { type Device, dueAnew, lookAgain, newDevice, switchDevice } from "./devices.ts";
import { day, fleet, hour } from "./house.ts";
import { datedBy } from "./issuance.ts";
import type { Year } from "./ledger.ts";
import type { Chance } from "./random.ts";
import { type Recorder, recordOf } from "./records.ts";
import type { Service } from "./service.ts";

/** Days that firmware is old when its device is enrolled. */
const firmwareDays = 60;

export class Population {
  all: Device[] = [];
  /** In the present hour. */
  renewals = 0;
  readonly #service: Service;
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  #count = 0;
  #windows: Service["windows"] = [];

  constructor(service: Service, recorder: Recorder, chance: Chance) {
    this.#service = service;
    this.#recorder = recorder;
    this.#chance = chance;
  }

  /** A certificate from the authority that issues now. */
  #certify(name: string, kind: "device" | "quarantine", now: number): Pick<Device, "record" | "source"> {
    const { present } = this.#service.sources;
    const dates = datedBy(present, kind, now);
    const record = recordOf(this.#service, present, { kind, name, dates, now, chance: this.#chance });
    this.#recorder.issued(record, present);
    return { record, source: present.id };
  }

  #hold(device: Device, kind: "device" | "quarantine", now: number): void {
    Object.assign(device, this.#certify(device.id, kind, now));
    device.notAfter = device.record.notAfter;
    dueAnew(device, this.#service.windows, now);
    device.state = kind === "device" ? "inService" : "quarantined";
  }

  /** Its firmware pins the root of its day, and it believes the newest manifest because of that. */
  async enrol(now: number, year: Year): Promise<void> {
    this.#count += 1;
    const id = `pump-${String(this.#count).padStart(6, "0")}`;
    const pinned = this.#service.trust.pinnedAt(now - firmwareDays * day);
    const trustVersion = await this.#service.trust.follow(pinned);
    this.all.push(newDevice(id, this.#chance, now, { ...this.#certify(id, "device", now), trustVersion }));
    year.enrolled += 1;
  }

  retire(now: number, year: Year): void {
    const [device] = this.all.splice(this.#chance.whole(0, this.all.length - 1), 1);
    if (device === undefined) return;
    this.#recorder.ended(device.record, now);
    year.retired += 1;
  }

  /** The hour that begins at `now`: who is switched on. */
  wake(now: number): void {
    for (const device of this.all) switchDevice(device, now, this.#chance);
  }

  /** What agents do in the hour that begins at `now`. */
  async look(now: number, year: Year): Promise<void> {
    this.renewals = 0;
    const pulled = this.#service.windows !== this.#windows;
    this.#windows = this.#service.windows;
    for (const device of this.all) {
      if (pulled) dueAnew(device, this.#service.windows, now);
      while (device.isOn && device.nextLook < now + hour) {
        const at = Math.max(now, device.nextLook);
        this.#keepCertificate(device, at, year);
        if (device.trustVersion !== this.#service.trust.newest) await this.#followTrust(device, year);
        lookAgain(device, at, this.#chance);
      }
    }
    year.renewals += this.renewals;
  }

  #keepCertificate(device: Device, now: number, year: Year): void {
    if (device.state === "waiting") {
      this.#enrolAnew(device, now, year);
      return;
    }
    const isTrusted = !["retired", "destroyed"].includes(this.#service.stateOf(device.record.authorityId));
    const overdue = now - device.notAfter;
    const { quarantineDays } = this.#service.fleet.configuration;
    if (!isTrusted || overdue > quarantineDays * day) {
      this.#waitForPeople(device, now);
    } else if (overdue > 0) {
      this.#hold(device, "quarantine", now);
      device.peopleAt = now + this.#chance.between(1, 3) * day;
      year.quarantined += 1;
    } else if (device.state === "quarantined" ? device.peopleAt <= now : device.dueAt <= now) {
      this.#hold(device, "device", now);
      this.renewals += 1;
    }
  }

  #waitForPeople(device: Device, now: number): void {
    device.state = "waiting";
    device.peopleAt = now + this.#chance.between(1, 5) * day;
  }

  #enrolAnew(device: Device, now: number, year: Year): void {
    if (device.peopleAt > now) return;
    this.#hold(device, "device", now);
    year.enrolledAnew += 1;
  }

  async #followTrust(device: Device, year: Year): Promise<void> {
    try {
      device.trustVersion = await this.#service.trust.follow(device.trustVersion);
    } catch (error) {
      if (!isAppError(error)) throw error;
      year.unbelieved += 1;
    }
  }

  /** Where a rollover waits for it: each device that has said nothing of its version yet says so. */
  async acknowledge(): Promise<void> {
    const { app } = this.#service.house;
    for (const device of this.all) {
      const { trustVersion: version, acknowledged, state } = device;
      if (state !== "inService" || version <= acknowledged) continue;
      await acknowledgeTrust(app, { fleet, subject: { kind: "device", id: device.id }, version });
      device.acknowledged = version;
    }
  }
}
