/**
 * Room: test. One random history of a small fleet: certificates come, are renewed, revoked, held and released, days
 * pass, lists are published. Certificates are records alone; lists are signed, read and verified as they are.
 */
import { getFleet, issuerOf } from "../../core/authority/issuer.ts";
import type { ItemStore, KeyService, Log, Memo } from "../../core/ports.ts";
import {
  type CertificateRecord,
  certificateItem,
  certificateKey,
  certificateRecord,
} from "../../core/records/certificate-record.ts";
import { configurationItem, defaultConfiguration } from "../../core/records/fleet-configuration.ts";
import {
  type AuthorityRecord,
  authorityItem,
  type FleetRecord,
  fleetItem,
} from "../../core/records/fleet-record.ts";
import { publishRevocations } from "../../core/revocation/publisher.ts";
import { revocationReasons } from "../../core/revocation/reason.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { tendShards } from "../../core/revocation/shards.ts";
import { statusPlaces } from "../../core/revocation/status-places.ts";
import type { Random } from "../formats/seeded-random.ts";
import { memoryItemStore } from "../support/memory-item-store.ts";
import { type MemoryObjectStore, memoryObjectStore } from "../support/memory-object-store.ts";

export const fleet = "default";
const authorityId = "issuing-1";
const hour = 3_600_000;
const day = 24 * hour;
const start = Date.parse("2026-11-20T00:00:00Z");

/** The authority that all histories share: made once, since it takes longer than a history. */
export interface SharedAuthority {
  readonly record: AuthorityRecord;
  readonly keys: KeyService;
  readonly memo: Memo;
}

/** What a certificate must be found to be, by whoever asks the lists. */
export interface Known {
  readonly serialNumber: string;
  readonly deviceId: string;
  readonly notAfter: number;
  /** The address that the certificate carries; undefined for one of an earlier release, which carries none. */
  readonly url: string | undefined;
  state: "issued" | "held" | "revoked";
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export class History {
  readonly artifacts: MemoryObjectStore = memoryObjectStore({ namesVersions: false });
  readonly certificates: Known[] = [];
  readonly acts: string[] = [];
  readonly items: ItemStore = memoryItemStore();
  readonly #random: Random;
  readonly #authority: SharedAuthority;
  #now = start;
  #windowDays = 1;

  constructor(random: Random, authority: SharedAuthority) {
    this.#random = random;
    this.#authority = authority;
    this.#now += random.below(20 * 24) * hour;
  }

  get now(): number {
    return this.#now;
  }

  get app() {
    const { keys, memo } = this.#authority;
    return {
      clock: { now: () => this.#now, sleep: () => Promise.resolve() },
      entropy: { bytes: (length: number) => this.#random.octets(length) },
      items: this.items,
      artifacts: this.artifacts,
      tasks: { start: () => Promise.resolve() },
      identities: {} as never,
      log: silent,
      keys,
      memo,
    };
  }

  get issuer() {
    return issuerOf(this.app, this.#authority.record);
  }

  async begin(): Promise<void> {
    const base = `https://localhost:8443/v1/fleets/${fleet}`;
    const record: FleetRecord = {
      ...{ fleet, trustDomain: "example.test", issuingAuthorityId: authorityId, createdAt: start },
      state: "active",
      origin: "https://localhost:8443",
      artifactBases: [base],
    };
    await this.items.transact([
      { put: fleetItem(record), when: "absent" },
      { put: authorityItem(this.#authority.record), when: "absent" },
    ]);
    await this.#configure();
  }

  /** A step at random; true when it published. */
  async step(): Promise<boolean> {
    const pick = this.#random.below(100);
    if (pick < 22) await this.#issue();
    else if (pick < 30) await this.#renew();
    else if (pick < 46) await this.#change("revoked");
    else if (pick < 58) await this.#change("held");
    else if (pick < 68) await this.#release();
    else if (pick < 82) this.#pass();
    else if (pick < 85) await this.#configure();
    else return await this.publish();
    return false;
  }

  async publish(): Promise<true> {
    if (this.#random.chance(0.1)) await tendShards(this.app, await getFleet(this.app, fleet));
    const report = await publishRevocations(this.app);
    this.acts.push(`publish ${JSON.stringify(report)}`);
    if (report.failed + report.pending > 0) throw new Error("a list was not published");
    return true;
  }

  async #configure(): Promise<void> {
    this.#windowDays = 1 + this.#random.below(3);
    this.acts.push(`windows of ${this.#windowDays} d`);
    const validityDays = { device: 4, quarantine: 1, server: 1, operator: 1, claim: 1 };
    const configuration = { ...defaultConfiguration, validityDays, crlWindowDays: this.#windowDays };
    const { pk, sk } = configurationItem(fleet, configuration);
    const stored = await this.items.get({ pk, sk });
    const put = configurationItem(fleet, configuration);
    await this.items.transact([{ put, when: stored?.version ?? "absent" }]);
  }

  async #issue(deviceId = `pump-${this.#random.below(4)}`): Promise<void> {
    const places = statusPlaces(await getFleet(this.app, fleet), authorityId);
    const notAfter = this.#now - (this.#now % 1000) + (1 + this.#random.below(4 * 24)) * hour - 1000;
    const serial = this.#random.octets(16);
    serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
    const serialNumber = serial.toString("hex");
    // Some are of an earlier release, whose records name no list and whose certificates carry no address.
    const earlier = this.#random.chance(0.1);
    const record: CertificateRecord = {
      ...{
        fleet,
        serialNumber,
        state: "issued",
        subjectKind: "device",
        subjectId: deviceId,
        profile: "device",
      },
      ...{
        authorityId,
        keyId: "key",
        algorithm: "P-256",
        keyAlgorithm: "P-256",
        keyFingerprint: serialNumber,
      },
      ...{
        notBefore: this.#now - hour,
        notAfter,
        createdAt: this.#now,
        credential: "token:x",
        leaseUntil: 0,
      },
      certificate: serial,
      ...(earlier ? {} : { crlShard: places.shardOf(notAfter) }),
    };
    await this.items.transact([{ put: certificateItem(record), when: "absent" }]);
    const url = earlier ? undefined : places.pointersOf?.(notAfter).crl;
    this.acts.push(`issue ${serialNumber} until ${new Date(notAfter).toISOString()}`);
    this.certificates.push({ serialNumber, deviceId, notAfter, url, state: "issued" });
  }

  /** Writes to the presented certificate's record as a renewal does, and issues another to the same device. */
  async #renew(): Promise<void> {
    const known = this.#any((each) => each.state === "issued");
    if (known === undefined) return;
    const item = await this.items.get(certificateKey(fleet, known.serialNumber));
    if (item === undefined) throw new Error("a certificate is lost");
    const { value, version } = certificateRecord(item);
    const put = certificateItem({ ...value, renewals: (value.renewals ?? 0) + 1 });
    await this.items.transact([{ put, when: version }]);
    await this.#issue(known.deviceId);
  }

  async #change(state: "revoked" | "held"): Promise<void> {
    const known = this.#any(
      (each) => each.state === "issued" || (state === "revoked" && each.state === "held"),
    );
    if (known === undefined) return;
    const { serialNumber } = known;
    const reason = state === "held" ? "certificateHold" : this.#random.pick(revocationReasons);
    this.acts.push(`${state} ${serialNumber}`);
    await revoke(this.app, { fleet, serialNumber, actor: "operator:x", reason });
    known.state = state;
  }

  async #release(): Promise<void> {
    const known = this.#any((each) => each.state === "held");
    if (known === undefined) return;
    this.acts.push(`release ${known.serialNumber}`);
    await release(this.app, { fleet, serialNumber: known.serialNumber, actor: "operator:x" });
    known.state = "issued";
  }

  #pass(): void {
    const days = this.#random.pick([0, 0, 0, 1, 1, 3, 8, 20]);
    this.#now += days * day + this.#random.below(24 * 60) * 60_000;
    this.acts.push(`it is ${new Date(this.#now).toISOString()}`);
  }

  #any(wanted: (known: Known) => boolean): Known | undefined {
    const some = this.certificates.filter(wanted);
    return some[this.#random.below(some.length)];
  }
}
