/** Room: test. A fleet with an address, so that its certificates name lists; and what a reader finds there. */

import { getFleet, type Issuer } from "../../core/authority/issuer.ts";
import { deployFleet } from "../../core/bootstrap/deployment.ts";
import { bootstrapFleet } from "../../core/bootstrap/fleet.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import {
  type CertificateList,
  decodeCertificateList,
  verifyCertificateListSignature,
} from "../../core/formats/crl/certificate-list.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { decodedExtension } from "../../core/formats/x509/extension.ts";
import { crlDistributionPoints } from "../../core/formats/x509/extensions/index.ts";
import type { RevocationApp } from "../../core/ports.ts";
import type { CertificateRecord } from "../../core/records/certificate-record.ts";
import type { ListApp } from "../../core/revocation/list.ts";
import { publishRevocations, type RevocationReport } from "../../core/revocation/publisher.ts";
import { tendShards } from "../../core/revocation/shards.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";

export const fleet = "default";
export const otherFleet = "clinic";
export const origin = "https://localhost:8443";
export const actor = "operator:operator-1";
export const day = 86_400_000;

export type Ports = DeploymentFixture["app"];

export interface Device {
  readonly deviceId: string;
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
  readonly chain: string;
}

export interface PublishingFleet extends DeploymentFixture {
  readonly root: string;
  enrol(deviceId: string, name?: string): Promise<Device>;
  /** Tends the shards of both fleets, and publishes. */
  publish(app?: ListApp): Promise<RevocationReport>;
  record(serialNumber: string, name?: string): Promise<CertificateRecord>;
  issuer(name?: string): Promise<Issuer>;
}

const plan = (name: string) =>
  ({
    fleet: name,
    trustDomain: "example.test",
    rootAlgorithm: "P-256",
    issuingAlgorithm: "P-256",
  }) as const;

export async function openPublishingFleet(): Promise<PublishingFleet> {
  const opened = await openDeploymentApp();
  const { app } = opened;
  const { root } = await deployFleet(app, { plan: plan(fleet), fleets: [fleet], origin });
  await bootstrapFleet(app, plan(otherFleet));
  await moveOrigin(app, otherFleet, origin);
  return {
    ...opened,
    root,
    async enrol(deviceId, name = fleet) {
      const { token } = await createEnrollmentToken(app, { fleet: name, actor, deviceId });
      const csr = deviceCsr(deviceKey());
      return { deviceId, ...(await enroll(app, { fleet: name, token, csr })) };
    },
    async publish(ports = app) {
      for (const name of [fleet, otherFleet]) await tendShards(ports, await getFleet(ports, name));
      return await publishRevocations(ports);
    },
    async record(serialNumber, name = fleet) {
      const stored = await findCertificate(app, name, serialNumber);
      if (stored === undefined) throw new Error(`no certificate ${serialNumber}`);
      return stored.value;
    },
    async issuer(name = fleet) {
      const { authorities } = await getFleet(app, name);
      const issuer = authorities.find(({ record }) => record.kind === "issuing");
      if (issuer === undefined) throw new Error("no issuing authority");
      return issuer;
    },
  };
}

/** The address that a certificate names, as a relying party reads it. */
export function pointerOf(pem: string): string {
  const [der] = decodePem(pem, "CERTIFICATE");
  if (der === undefined) throw new Error("no certificate");
  const points = decodedExtension(decodeCertificate(der).tbs, crlDistributionPoints) ?? [];
  const value = points[0]?.fullName?.[0]?.value;
  if (typeof value !== "string") throw new Error("the certificate names no list");
  return value;
}

/** Objects lie under the path of their address, below its version. */
export const keyOfUrl = (url: string): string => new URL(url).pathname.replace("/v1/", "");

/** The list at an address, read and verified as a relying party does; undefined where nothing is. */
export async function listAt(
  app: Pick<ListApp, "artifacts">,
  url: string,
  issuer: Issuer,
): Promise<CertificateList | undefined> {
  const object = await app.artifacts.get(keyOfUrl(url));
  if (object === undefined) return undefined;
  const list = decodeCertificateList(object.body);
  if (!(await verifyCertificateListSignature(list, issuer.publicKey)))
    throw new Error(`the list at ${url} is not its issuer's`);
  return list;
}

export const serialsOf = (list: CertificateList | undefined): readonly string[] =>
  (list?.revoked ?? []).map(({ serialNumber }) => serialNumber);

/** Ports whose task starter fails. */
export const withoutStarter = <App extends RevocationApp>(app: App): App => ({
  ...app,
  tasks: { start: () => Promise.reject(new Error("nobody is there")) },
});
