/** Room: test. The two fleets of the matrix as their owners have set them up, and the people who operate them. */
import { getFleet } from "../../../core/authority/issuer.ts";
import type { App } from "../../../core/ports.ts";
import { configurationItem, defaultConfiguration } from "../../../core/records/fleet-configuration.ts";
import { fleetItem } from "../../../core/records/fleet-record.ts";
import { operatorItem } from "../../../core/records/operator-record.ts";
import type { RoleName } from "./expectations.ts";
import type { Maker } from "../../enrollment/fixtures/maker.ts";

export const origin = "https://api.example.test";
export const roleNames = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
export const audience = "https://pki.example.test";
export const subject = "repo:acme/firmware:ref:refs/heads/main";

const operations = ["createEnrollmentToken", "registerDevices", "listCertificates", "getCertificate"] as const;

/** ARN of the principal that `fleet` trusts. */
export const principalOf = (fleet: string): string =>
  `arn:aws:sts::123456789012:assumed-role/ci-${fleet}/session`;

/** Trusts the issuer for its own audience, one IAM role of its own, and one maker under the id `acme`. */
export async function configure(app: App, fleet: string, issuer: string, maker: Maker): Promise<void> {
  const { record, version } = await getFleet(app, fleet);
  const oidc = { kind: "oidc", issuer, audience: `${audience}/${fleet}` } as const;
  const configuration = configurationItem(fleet, {
    ...defaultConfiguration,
    accepts: ["token", "claim", "manufacturer", "key", "quarantine"],
    issuancesPerHour: 1_000,
    manufacturers: [{ id: "acme", certificate: maker.anchor, identifier: "serialNumber" }],
    pipelines: [
      { ...oidc, id: "ci", claims: { sub: subject }, operations, profiles: ["device"] },
      { ...oidc, id: "idle", claims: { sub: "repo:acme/idle:*" }, operations: [], profiles: [] },
      {
        kind: "iam",
        id: "role",
        principal: principalOf(fleet).replace("/session", "/*"),
        operations,
        profiles: ["device"],
      },
    ],
  });
  await app.items.transact([
    { put: fleetItem({ ...record, origin }), when: version },
    { put: configuration, when: "absent" },
  ]);
}

interface Person {
  readonly operatorId: string;
  readonly role: RoleName;
  readonly state: "active" | "suspended";
}

/** One of each role, and an owner who has been suspended. */
const people: readonly Person[] = [
  ...roleNames.map((role) => ({ operatorId: `operator-${role}`, role, state: "active" }) as const),
  { operatorId: "operator-leaver", role: "owner", state: "suspended" },
];

/** Each has a passkey, so that owner, officer and whoever left count as people who could approve. */
export async function addPeople(app: App, fleet: string): Promise<void> {
  const puts = people.map(({ operatorId, role, state }) =>
    operatorItem({
      fleet,
      operatorId,
      roles: [role],
      state,
      origin: "invitation",
      passkeys: [`passkey-of-${operatorId}`],
      createdAt: app.clock.now(),
    }),
  );
  await app.items.transact(puts.map((put) => ({ put, when: "absent" })));
}
