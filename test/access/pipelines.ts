/** Two fleets that trust pipelines of one issuer process, for tests of pipelines. */
import { identityVerifier } from "../../adapters/identity/identity-verifier.ts";
import type { App } from "../../core/ports.ts";
import {
  configurationItem,
  defaultConfiguration,
  type IamPipelineTrust,
  type OidcPipelineTrust,
  type PipelineTrust,
} from "../../core/records/fleet-configuration.ts";
import { addFleet, type FleetApp, type FleetPorts, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { type OidcIssuer, type SigningOptions, startOidcIssuer } from "../support/oidc-issuer.ts";

export const tenant = "tenant";
export const subject = "repo:acme/firmware:ref:refs/heads/main";
export const audienceOf = (fleet: string): string => `https://${fleet}.example.test`;

export interface Pipelines extends FleetApp {
  readonly issuer: OidcIssuer;
  /** An entry that covers what `sign` signs. */
  entry(change?: Partial<OidcPipelineTrust>): OidcPipelineTrust;
  /** A token of a job on the main branch, for the first fleet, by the test's clock. */
  sign(claims?: Readonly<Record<string, unknown>>, options?: SigningOptions): Promise<string>;
  /** An App that has not yet fetched anything. */
  fresh(): FleetPorts;
}

export const iamEntry = (change: Partial<IamPipelineTrust> = {}): IamPipelineTrust => ({
  kind: "iam",
  id: "aws-ci",
  operations: ["createEnrollmentToken"],
  profiles: ["device"],
  principal: "arn:aws:sts::123456789012:assumed-role/ci-role/*",
  ...change,
});

/** Replaces what the fleet trusts, as a configuration does. */
export async function trust(app: App, pipelines: readonly PipelineTrust[], fleet = testFleet): Promise<void> {
  const item = configurationItem(fleet, { ...defaultConfiguration, pipelines });
  const stored = await app.items.get({ pk: item.pk, sk: item.sk });
  await app.items.transact([{ put: item, when: stored?.version ?? "absent" }]);
}

export async function openPipelines(): Promise<Pipelines> {
  const [opened, issuer] = await Promise.all([openFleetApp(), startOidcIssuer()]);
  const fresh = (): FleetPorts => ({ ...opened.app, identities: identityVerifier({ ca: issuer.ca }) });
  await addFleet(opened.app, tenant);
  return {
    ...opened,
    app: fresh(),
    issuer,
    fresh,
    entry: (change = {}) => ({
      kind: "oidc",
      id: "ci",
      operations: ["createEnrollmentToken"],
      profiles: ["device"],
      issuer: issuer.issuer,
      audience: audienceOf(testFleet),
      claims: { sub: subject },
      ...change,
    }),
    sign: (claims = {}, options = {}) => {
      const iat = Math.floor(opened.clock.now() / 1000);
      const all = { sub: subject, aud: audienceOf(testFleet), iat, exp: iat + 300, ...claims };
      return issuer.sign(all, options);
    },
    async close() {
      await Promise.all([issuer.close(), opened.close()]);
    },
  };
}
