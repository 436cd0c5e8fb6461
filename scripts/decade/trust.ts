/**
 * Room: scripts. The trust manifests that were published, and who believes which: each way from one version to another is
 * walked for real, once for all devices that walk the same.
 */
import { hash } from "node:crypto";
import type { Fleet } from "../../core/authority/issuer.ts";
import { artifactKey, manifestVersionKey } from "../../core/distribution/artifacts.ts";
import { type KnownManifest, type TrustAnchor, walk } from "../../core/distribution/manifest-walk.ts";
import { certificateFingerprint, rootToPin } from "../../core/distribution/trust.ts";
import type { TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { AppError } from "../../core/errors.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { fleet as fleetName, type House } from "./house.ts";

/** What a manifest means for paths: versions that differ in dates alone are one. */
export interface TrustSet {
  readonly id: number;
  /** PEM of the roots. */
  readonly roots: string;
  /** Authorities whose word counts no more. */
  readonly retired: ReadonlySet<string>;
  readonly firstVersion: number;
  readonly crossCertificates: number;
}

function setOf(manifest: TrustManifest, id: number): TrustSet {
  return {
    id,
    roots: manifest.roots
      .map(({ certificate }) => encodePem("CERTIFICATE", Buffer.from(certificate, "base64")))
      .join(""),
    retired: new Set(
      manifest.authorities.filter(({ state }) => state === "retired").map((each) => each.authorityId),
    ),
    firstVersion: manifest.version,
    crossCertificates: manifest.crossCertificates.length,
  };
}

function meaning({ roots, authorities, crossCertificates }: TrustManifest): string {
  const retired = authorities.filter(({ state }) => state === "retired").map(({ sha256 }) => sha256);
  return hash("sha256", JSON.stringify([roots.map(({ sha256 }) => sha256), crossCertificates, retired]));
}

export class Trust {
  readonly sets: TrustSet[] = [];
  /** By version: the id of its set. */
  readonly setOfVersion: number[] = [];
  /** By version: when it was published. */
  readonly publishedAt: number[] = [];
  /** By version: when a newer one is there at the latest. */
  readonly nextUpdates: number[] = [];
  readonly #house: House;
  readonly #known = new Map<number, KnownManifest>();
  readonly #ways = new Map<string, Promise<number>>();
  readonly #pins: { readonly since: number; readonly root: string }[] = [];
  newest = 0;
  walks = 0;

  constructor(house: House) {
    this.#house = house;
  }

  /** Looks for versions that were published, and for the root that new firmware pins. */
  async look(fleet: Fleet): Promise<boolean> {
    const now = this.#house.clock.now();
    const root = rootToPin(fleet);
    const fingerprint = root === undefined ? "" : certificateFingerprint(root.certificate.raw);
    if (this.#pins.at(-1)?.root !== fingerprint) this.#pins.push({ since: now, root: fingerprint });
    const before = this.newest;
    while (this.#house.artifacts.versions(manifestVersionKey(fleetName, this.newest + 1)).length > 0) {
      this.newest += 1;
      this.publishedAt[this.newest] = now;
    }
    return this.newest !== before;
  }

  /** The root that firmware pins which was built at `time`. */
  pinnedAt(time: number): string {
    const pin = this.#pins.findLast(({ since }) => since <= time) ?? this.#pins[0];
    return pin?.root ?? "";
  }

  /** The newest version that was there at `time`. */
  versionAt(time: number): number {
    let version = this.newest;
    while (version > 1 && (this.publishedAt[version] ?? 0) > time) version -= 1;
    return version;
  }

  /** From a version that is believed, or from a pinned root. @returns The version believed now. @throws AppError trust_*. */
  follow(from: number | string, to = this.newest): Promise<number> {
    if (from === to) return Promise.resolve(to);
    const way = `${from} ${to}`;
    const known = this.#ways.get(way) ?? this.#walk(from, to);
    this.#ways.set(way, known);
    return known;
  }

  async #walk(from: number | string, to: number): Promise<number> {
    const { artifacts, clock } = this.#house;
    const anchor: TrustAnchor =
      typeof from === "string" ? { roots: [from], fleet: fleetName } : { known: this.#at(from) };
    const fetchVersion = async (version: number | "newest"): Promise<string> => {
      const isLast = version === "newest" && to === this.newest;
      const key = isLast
        ? artifactKey(fleetName, "trust.jws")
        : manifestVersionKey(fleetName, version === "newest" ? to : version);
      const found = await artifacts.get(key);
      if (found === undefined) throw new AppError("not_found", `there is no ${key}`);
      return Buffer.from(found.body).toString();
    };
    const believed = await walk(fetchVersion, anchor, clock.now());
    this.walks += 1;
    this.#believe(believed);
    return believed.manifest.version;
  }

  #at(version: number): KnownManifest {
    const known = this.#known.get(version);
    if (known === undefined) throw new Error(`nobody has believed version ${version} yet`);
    return known;
  }

  #believe({ manifest, text }: KnownManifest): void {
    this.#known.set(manifest.version, { manifest, text });
    this.nextUpdates[manifest.version] = Date.parse(manifest.nextUpdate);
    const content = meaning(manifest);
    let id = this.#meanings.get(content);
    if (id === undefined) {
      id = this.sets.length;
      this.#meanings.set(content, id);
      this.sets.push(setOf(manifest, id));
    }
    this.setOfVersion[manifest.version] = id;
  }

  readonly #meanings = new Map<string, number>();
}
