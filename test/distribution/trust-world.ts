/** Room: test. A fleet with an address whose trust is published, and a way to fetch and to change it. */
import { hash } from "node:crypto";
import { getFleet, type Issuer } from "../../core/authority/issuer.ts";
import { bootstrapFleet } from "../../core/bootstrap/fleet.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { readManifest } from "../../core/distribution/manifest-signature.ts";
import type { FetchManifest, KnownManifest } from "../../core/distribution/manifest-walk.ts";
import type { TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { ensureTrust, publishTrust } from "../../core/distribution/trust-publication.ts";
import { AppError } from "../../core/errors.ts";
import type { AuthorityAlgorithmId } from "../../core/formats/algorithms.ts";
import type { DeploymentApp, ObjectStore } from "../../core/ports.ts";
import { configurationItem } from "../../core/records/fleet-configuration.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";

export const trustFleet = "clinic";
export const origin = "https://keys.example.test";

/** A fleet as a deployment leaves it, but for what revocation publishes. */
export async function makeTrustFleet(
  app: DeploymentApp,
  fleet = trustFleet,
  rootAlgorithm: AuthorityAlgorithmId = "P-256",
): Promise<void> {
  await bootstrapFleet(app, { fleet, trustDomain: "example.test", rootAlgorithm, issuingAlgorithm: "P-256" });
  await moveOrigin(app, fleet, origin);
  await ensureTrust(app, fleet);
}

export async function authorityOf(app: DeploymentApp, fleet: string, authorityId: string): Promise<Issuer> {
  const { authorities } = await getFleet(app, fleet);
  const found = authorities.find(({ record }) => record.authorityId === authorityId);
  if (found === undefined) throw new Error(`fleet ${fleet} has no ${authorityId}`);
  return found;
}

export const rootFingerprint = async (app: DeploymentApp, fleet = trustFleet): Promise<string> =>
  hash("sha256", (await authorityOf(app, fleet, "root-1")).record.certificate);

/** As a client fetches: `not_found` where nothing is. */
export function fetcher(artifacts: Pick<ObjectStore, "get">, fleet = trustFleet): FetchManifest {
  return async (version) => {
    const name = version === "newest" ? "trust.jws" : `trust/${version}.jws`;
    const object = await artifacts.get(`fleets/${fleet}/${name}`);
    if (object === undefined) throw new AppError("not_found", `there is no ${name}`);
    return Buffer.from(object.body).toString();
  };
}

/** What is claimed; whoever wants it verified verifies it. */
export const knownManifest = (text: string): KnownManifest => ({
  manifest: readManifest(text).manifest,
  text,
});

export interface TrustWorld extends DeploymentFixture {
  readonly fetchVersion: FetchManifest;
  readonly root: string;
  newest(): Promise<TrustManifest>;
  /** Another content: lists of other windows. */
  change(): Promise<void>;
  /** Changes and publishes. */
  advance(): Promise<KnownManifest>;
}

export async function changeContent(app: DeploymentApp, fleet = trustFleet): Promise<void> {
  const { configuration, configurationVersion } = await getFleet(app, fleet);
  const put = configurationItem(fleet, {
    ...configuration,
    crlWindowDays: (configuration.crlWindowDays % 30) + 1,
  });
  await app.items.transact([{ put, when: configurationVersion === 0 ? "absent" : configurationVersion }]);
}

export async function openTrustWorld(rootAlgorithm: AuthorityAlgorithmId = "P-256"): Promise<TrustWorld> {
  const fixture = await openDeploymentApp();
  const { app } = fixture;
  await makeTrustFleet(app, trustFleet, rootAlgorithm);
  const fetchVersion = fetcher(app.artifacts);
  const change = () => changeContent(app);
  return {
    ...fixture,
    fetchVersion,
    root: await rootFingerprint(app),
    newest: async () => readManifest(await fetchVersion("newest")).manifest,
    change,
    async advance() {
      await change();
      await publishTrust(app, trustFleet);
      return knownManifest(await fetchVersion("newest"));
    },
  };
}
