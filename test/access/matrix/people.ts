/** Room: test. The two fleets of the matrix as their owners have set them up, and the people who operate them. */
import { findOperator } from "../../../core/access/operator.ts";
import { getFleet } from "../../../core/authority/issuer.ts";
import type { App } from "../../../core/ports.ts";
import { configurationItem, defaultConfiguration } from "../../../core/records/fleet-configuration.ts";
import { fleetItem } from "../../../core/records/fleet-record.ts";
import { type OperatorRecord, operatorItem } from "../../../core/records/operator-record.ts";
import type { Maker } from "../../enrollment/fixtures/maker.ts";
import type { RoleName } from "./expectations.ts";

export const origin = "https://api.example.test";
export const roleNames = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
export const audience = "https://pki.example.test";
export const subject = "repo:acme/firmware:ref:refs/heads/main";

const operations = [
  "createEnrollmentToken",
  "registerDevices",
  "listCertificates",
  "getCertificate",
  "getDeviceKeys",
  "getTrustAdoption",
  "acknowledgeTrust",
  "requestServerCertificate",
  "getServerCertificate",
  "createDataKey",
  "encryptData",
  "decryptData",
  "reencryptData",
] as const;

const dataOperations = ["createDataKey", "encryptData", "decryptData", "reencryptData"] as const;

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
      {
        ...oidc,
        id: "ci",
        claims: { sub: subject },
        operations,
        profiles: ["device"],
        purposes: ["observations"],
      },
      { ...oidc, id: "idle", claims: { sub: "repo:acme/idle:*" }, operations: [], profiles: [] },
      {
        kind: "iam",
        id: "role",
        principal: principalOf(fleet).replace("/session", "/*"),
        operations,
        profiles: ["device"],
        purposes: ["observations"],
      },
      {
        kind: "certificate",
        id: "store",
        backend: "backend-fresh",
        operations: dataOperations,
        profiles: [],
        purposes: ["observations"],
      },
      { kind: "certificate", id: "idle-store", backend: "idle-fresh", operations: [], profiles: [] },
    ],
  });
  await app.items.transact([
    { put: fleetItem({ ...record, origin }), when: version },
    { put: configuration, when: "absent" },
  ]);
}

const person = (app: App, fleet: string, name: string, role: RoleName): OperatorRecord => ({
  fleet,
  operatorId: `operator-${name}`,
  roles: [role],
  state: "active",
  origin: "invitation",
  // So that owner and officer count as people who could approve.
  passkeys: [`passkey-of-operator-${name}`],
  createdAt: app.clock.now(),
});

/** One of each role, an owner who will leave, and one who will come back. */
export async function addPeople(app: App, fleet: string): Promise<void> {
  const people = [
    ...roleNames.map((role) => person(app, fleet, role, role)),
    person(app, fleet, "leaver", "owner"),
    person(app, fleet, "returner", "owner"),
  ];
  await app.items.transact(people.map((each) => ({ put: operatorItem(each), when: "absent" })));
}

async function change(app: App, fleet: string, operatorId: string, changes: Partial<OperatorRecord>) {
  const { value, version } = (await findOperator(app, fleet, operatorId)) ?? { version: 0 };
  if (value === undefined) throw new Error(`no operator ${operatorId}`);
  await app.items.transact([{ put: operatorItem({ ...value, ...changes }), when: version }]);
}

/** Suspends two owners whose certificates stay in force, and takes one of them back a moment later. */
export async function suspendOwners(app: App, fleet: string): Promise<void> {
  await change(app, fleet, "operator-leaver", { state: "suspended" });
  await change(app, fleet, "operator-returner", { credentialsSince: app.clock.now() + 1 });
}
