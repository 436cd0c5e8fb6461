/**
 * Room: test. Every kind of credential of two fleets in one store, in every state that it can have. A look-alike store
 * beside it has fleets of the same names whose authorities have other keys.
 */
import { hash, X509Certificate } from "node:crypto";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { getFleet } from "../../../core/authority/issuer.ts";
import { issueForDeployment } from "../../../core/bootstrap/end-entity.ts";
import { trustBundlePem } from "../../../core/distribution/trust.ts";
import { createClaim } from "../../../core/enrollment/claim.ts";
import type { App, NewItem } from "../../../core/ports.ts";
import { configurationItem, defaultConfiguration } from "../../../core/records/fleet-configuration.ts";
import { fleetItem } from "../../../core/records/fleet-record.ts";
import { holdItem } from "../../../core/records/hold-record.ts";
import { operatorItem } from "../../../core/records/operator-record.ts";
import { revoke } from "../../../core/revocation/revoke.ts";
import { type Handlers, handlersOf } from "../../../lambdas/handlers.ts";
import { deviceOf, operatorOf } from "../../lambdas/fleet-callers.ts";
import { deviceCsr, deviceKey } from "../../support/device.ts";
import { createProofKey, type ProofKey } from "../../support/dpop.ts";
import { addFleet, type FleetApp, openFleetApp } from "../../support/fleet-app.ts";
import { type OidcIssuer, startOidcIssuer } from "../../support/oidc-issuer.ts";
import type { RoleName } from "./expectations.ts";

export const fleets = { own: "default", other: "tenant" } as const;
export type Side = keyof typeof fleets;
export const origin = "https://api.example.test";
export const roleNames = ["owner", "securityOfficer", "provisioner", "auditor"] as const;
export const audience = "https://pki.example.test";
export const subject = "repo:acme/firmware:ref:refs/heads/main";
export const principal = "arn:aws:sts::123456789012:assumed-role/ci/session";

export type CertificateState = "fresh" | "expired" | "revoked" | "wrongKey";
export type CertificateHolder =
  | RoleName
  | "device"
  | "quarantined"
  | "suspended"
  | "retired"
  | "claim"
  | "server"
  | "root"
  | "garbage";

export interface World {
  readonly house: FleetApp;
  readonly handlers: Handlers;
  readonly issuer: OidcIssuer;
  /** A key that sessions are bound to, and one that they are not. */
  readonly key: ProofKey;
  readonly otherKey: ProofKey;
  certificate(holder: CertificateHolder, side: Side, state: CertificateState): string;
  /** A certificate that nobody presents, for calls that revoke one. */
  victim(side: Side): string;
  put(item: NewItem): Promise<void>;
  close(): Promise<void>;
}

const day = 86_400_000;

async function configure(app: App, fleet: string, issuer: string): Promise<void> {
  const { record, version } = await getFleet(app, fleet);
  await app.items.transact([
    { put: fleetItem({ ...record, origin }), when: version },
    {
      put: configurationItem(fleet, {
        ...defaultConfiguration,
        accepts: ["token", "claim", "manufacturer", "quarantine"],
        issuancesPerHour: 1_000,
        pipelines: [
          {
            kind: "oidc",
            id: "ci",
            issuer,
            audience: `${audience}/${fleet}`,
            claims: { sub: subject },
            operations: ["createEnrollmentToken", "registerDevices", "listCertificates", "getCertificate"],
            profiles: ["device"],
          },
          {
            kind: "oidc",
            id: "idle",
            issuer,
            audience: `${audience}/${fleet}`,
            claims: { sub: "repo:acme/idle:*" },
            operations: [],
            profiles: [],
          },
          {
            kind: "iam",
            id: "role",
            principal: "arn:aws:sts::123456789012:assumed-role/ci/*",
            operations: ["createEnrollmentToken", "registerDevices", "listCertificates", "getCertificate"],
            profiles: ["device"],
          },
        ],
      }),
      when: "absent",
    },
  ]);
}

async function addOperator(app: App, fleet: string, role: RoleName): Promise<void> {
  const record = {
    fleet,
    operatorId: `operator-${role}`,
    roles: [role],
    state: "active",
    origin: "invitation",
    passkeys: [],
    createdAt: app.clock.now(),
  } as const;
  await app.items.transact([{ put: operatorItem(record), when: "absent" }]);
}

/** One certificate of each holder. `mark` sets its ids apart from those of another state. */
async function certificatesOf(
  app: App,
  fleet: string,
  mark: string,
): Promise<Map<CertificateHolder, string>> {
  const made = new Map<CertificateHolder, string>();
  for (const role of roleNames)
    made.set(role, (await operatorOf(app, fleet, `operator-${role}`)).certificate);
  for (const holder of ["device", "quarantined", "suspended", "retired"] as const) {
    const deviceId = `pump-${holder}-${mark}`;
    made.set(holder, (await deviceOf(app, fleet, deviceId)).certificate);
    if (holder === "device") continue;
    const put = holdItem(fleet, { deviceId, state: holder, since: app.clock.now(), actor: "operator:x" });
    await app.items.transact([{ put, when: "absent" }]);
  }
  const csr = deviceCsr(deviceKey());
  const claim = { fleet, actor: "operator:x", claimId: `claim-${mark}`, csr, quota: 100 };
  made.set("claim", (await createClaim(app, claim)).certificate);
  const server = { kind: "server", dnsNames: ["api.example.test"], ipAddresses: [] } as const;
  const listener = { fleet, subject: server, csr: deviceCsr(deviceKey()) };
  made.set("server", (await issueForDeployment(app, listener)).certificate);
  return made;
}

const serialOf = (certificate: string): string => new X509Certificate(certificate).serialNumber.toLowerCase();

async function revokeAll(house: FleetApp, fleet: string, certificates: Map<CertificateHolder, string>) {
  for (const certificate of certificates.values()) {
    const serialNumber = serialOf(certificate);
    await revoke(house.app, { fleet, serialNumber, actor: "operator:x", reason: "keyCompromise" });
  }
}

/** Operators of every role in both fleets; those who have a look-alike have one of the same name. */
async function openFleets(issuer: string, identities: App["identities"]): Promise<FleetApp> {
  const opened = await openFleetApp({ fleet: fleets.own });
  const house = { ...opened, app: { ...opened.app, identities } };
  await addFleet(house.app, fleets.other);
  for (const fleet of Object.values(fleets)) {
    await configure(house.app, fleet, issuer);
    for (const role of roleNames) await addOperator(house.app, fleet, role);
  }
  return house;
}

type Shelf = Map<string, string>;
const place = (holder: string, side: Side, state: string): string => `${side}/${state}/${holder}`;

async function stock(shelf: Shelf, app: App, side: Side, state: CertificateState) {
  const made = await certificatesOf(app, fleets[side], state.toLowerCase());
  for (const [holder, certificate] of made) shelf.set(place(holder, side, state), certificate);
  return made;
}

export async function openWorld(): Promise<World> {
  const issuer = await startOidcIssuer();
  const identities = identityVerifier({ ca: issuer.ca });
  const house = await openFleets(issuer.issuer, identities);
  const lookAlike = await openFleets(issuer.issuer, identities);
  const shelf: Shelf = new Map();
  const victims = new Map<Side, string>();
  const sides = Object.keys(fleets) as Side[];
  for (const side of sides) await stock(shelf, house.app, side, "expired");
  // Only these are over; whatever follows is issued now.
  for (const { clock } of [house, lookAlike]) clock.advance(100 * day);
  for (const side of sides) {
    await revokeAll(house, fleets[side], await stock(shelf, house.app, side, "revoked"));
    await stock(shelf, house.app, side, "fresh");
    await stock(shelf, lookAlike.app, side, "wrongKey");
    shelf.set(place("root", side, "fresh"), await trustBundlePem(house.app, { fleet: fleets[side] }));
    shelf.set(
      place("garbage", side, "fresh"),
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    victims.set(side, (await deviceOf(house.app, fleets[side], "pump-victim")).serialNumber);
  }
  return {
    house,
    handlers: handlersOf(house.app),
    issuer,
    key: await createProofKey(),
    otherKey: await createProofKey(),
    certificate(holder, side, state) {
      const certificate = shelf.get(place(holder, side, state));
      if (certificate === undefined) throw new Error(`no certificate ${place(holder, side, state)}`);
      return certificate;
    },
    victim: (side) => victims.get(side) ?? "",
    put: (put) => house.app.items.transact([{ put, when: "absent" }]),
    async close() {
      await issuer.close();
      await house.close();
      await lookAlike.close();
    },
  };
}

/** SHA-256 of a secret, as records name it. */
export const digestOf = (secret: string): string => hash("sha256", secret);
