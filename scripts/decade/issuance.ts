/**
 * Room: scripts. What the service gives whoever asks for a certificate: the authority that issues and the chain above it.
 * Of each such pair certificates are really issued again and again; the fleet's own are dated by the same functions.
 */
import { hash } from "node:crypto";
import {
  chainCertificates,
  type Fleet,
  getFleet,
  type Issuer,
  issuingAuthority,
} from "../../core/authority/issuer.ts";
import { issueForDeployment } from "../../core/bootstrap/end-entity.ts";
import { acknowledgeTrust } from "../../core/distribution/acknowledgement.ts";
import { certificatePem } from "../../core/enrollment/answer.ts";
import { issueAuthorised } from "../../core/enrollment/authorised.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { validityFor } from "../../core/enrollment/template.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { verifyCsr } from "../../core/formats/certification-request.ts";
import { encodePem } from "../../core/formats/pem.ts";
import type { Validity } from "../../core/formats/x509/tbs-certificate.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { deviceCsr, deviceKey } from "../../test/support/device.ts";
import { fleet as fleetName, type House } from "./house.ts";

/** Of those whose certificates are validated. */
export const heldProfiles = ["device", "quarantine", "server"] as const;
export type HeldProfile = (typeof heldProfiles)[number];

/** An authority with the chain that it is given out with; another chain is another source. */
export interface Source {
  readonly id: number;
  readonly issuer: Issuer;
  /** PEM of `chainCertificates`. */
  readonly chain: string;
  readonly chainLength: number;
  /** The last certificate of each profile that the service has issued, PEM. */
  readonly samples: Map<HeldProfile, string>;
}

const actor = "operator:owner-1";

/** Validity of a certificate that is issued at `now`. */
export function datedBy({ issuer }: Source, profile: HeldProfile, now: number): Validity {
  const { certificate, publicKey } = issuer;
  return validityFor(profiles[profile], { kind: "authority", tbs: certificate.tbs, publicKey }, now);
}

async function sampleOfQuarantine({ app }: House, fleet: Fleet, csr: Buffer): Promise<string> {
  const { trustDomain } = fleet.record;
  const verified = await verifyCsr(csr);
  const record = await issueAuthorised(app, {
    ...{ fleet, csr: verified, profile: profiles.quarantine, credential: "quarantine:simulated" },
    identity: { kind: "device", deviceId: "sample-2", fleet: fleetName, trustDomain },
    requestDigest: hash("sha256", `simulated\n${verified.publicKey.fingerprint}`),
    consume: [],
    taken: () => new Error("taken") as never,
  });
  return certificatePem(record);
}

export class Sources {
  readonly all: Source[] = [];
  readonly #byContent = new Map<string, Source>();

  /** What is given out from now on. @returns Whether that is another than before. */
  take(house: House, fleet: Fleet): boolean {
    const before = this.all.at(-1);
    const issuer = issuingAuthority(house.app, fleet);
    const raws = chainCertificates(fleet, issuer.record.authorityId);
    const chain = raws.map((raw) => encodePem("CERTIFICATE", raw)).join("");
    const content = `${issuer.record.authorityId}\n${chain}`;
    const known = this.#byContent.get(content);
    if (known !== undefined && known === before) return false;
    // An authority that comes back after another is a source of its own: the newest stands last.
    const source = { id: this.all.length, issuer, chain, chainLength: raws.length, samples: new Map() };
    this.#byContent.set(content, source);
    this.all.push(source);
    return true;
  }

  get present(): Source {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error("no authority has issued yet");
    return last;
  }

  /** Certificates of each profile, really issued by the present source; whoever holds them says what trust it has. */
  async sample(house: House, trustVersion: number): Promise<void> {
    const { app } = house;
    const fleet = await getFleet(app, fleetName);
    const csr = () => deviceCsr(deviceKey());
    const { token } = await createEnrollmentToken(app, { fleet: fleetName, actor, deviceId: "sample-1" });
    const { samples, chain } = this.present;
    const device = await enroll(app, { fleet: fleetName, token, csr: csr() });
    const subject = { kind: "server", dnsNames: ["backend.example.test"], ipAddresses: [] } as const;
    const server = await issueForDeployment(app, { fleet: fleetName, subject, csr: csr() });
    if (device.chain !== chain || server.chain !== chain) throw new Error("another chain was given");
    samples.set("device", device.certificate);
    samples.set("server", server.certificate);
    samples.set("quarantine", await sampleOfQuarantine(house, fleet, csr()));
    for (const id of ["sample-1", "sample-2"])
      await acknowledgeTrust(app, {
        fleet: fleetName,
        subject: { kind: "device", id },
        version: trustVersion,
      });
  }
}
