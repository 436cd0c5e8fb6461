/**
 * Room: test. Every kind of credential of two fleets in one store, in every state that it can have. A look-alike store
 * beside it has fleets of the same names whose authorities have other keys.
 */
import { hash, X509Certificate } from "node:crypto";
import { identityVerifier } from "../../../adapters/identity/identity-verifier.ts";
import { issueForDeployment } from "../../../core/bootstrap/end-entity.ts";
import { trustBundlePem } from "../../../core/distribution/trust.ts";
import { createClaim } from "../../../core/enrollment/claim.ts";
import type { App, NewItem } from "../../../core/ports.ts";
import { holdItem } from "../../../core/records/hold-record.ts";
import { revoke } from "../../../core/revocation/revoke.ts";
import { type Handlers, handlersOf } from "../../../lambdas/handlers.ts";
import { backendOf, deviceOf, operatorOf } from "../../lambdas/fleet-callers.ts";
import { deviceCsr, deviceKey } from "../../support/device.ts";
import { createProofKey, type ProofKey } from "../../support/dpop.ts";
import { addFleet, type FleetApp, type FleetPorts, openFleetApp } from "../../support/fleet-app.ts";
import { type OidcIssuer, startOidcIssuer } from "../../support/oidc-issuer.ts";
import { certifiedDevice, fillInventory, makers, type RegisteredKeys, type Returning } from "./arrivals.ts";
import type { RoleName } from "./expectations.ts";
import { addPeople, configure, roleNames, suspendOwners } from "./people.ts";

export { audience, origin, principalOf, roleNames, subject } from "./people.ts";

export const fleets = { own: "default", other: "tenant" } as const;
export type Side = keyof typeof fleets;
export const sides = Object.keys(fleets) as readonly Side[];

export type CertificateState = "fresh" | "expired" | "revoked" | "wrongKey";
export type CertificateHolder =
  | RoleName
  | "leaver"
  | "returner"
  | "device"
  | "quarantined"
  | "suspended"
  | "retired"
  | "claim"
  | "backend"
  | "idle"
  | "unlisted"
  | "server"
  | "root"
  | "garbage";

/** `tooLate`: its certificate ended longer ago than the fleet lets devices come back. */
export type ReturningState = "fresh" | "revoked" | "wrongKey" | "tooLate";

export interface World {
  readonly house: FleetApp;
  readonly handlers: Handlers;
  readonly issuer: OidcIssuer;
  /** A key that sessions are bound to, and one that they are not. */
  readonly key: ProofKey;
  readonly otherKey: ProofKey;
  certificate(holder: CertificateHolder, side: Side, state: CertificateState): string;
  returning(side: Side, state: ReturningState): Returning;
  registeredKeys(side: Side): RegisteredKeys;
  /** A certificate that nobody presents, for calls that revoke one. */
  victim(side: Side): string;
  put(item: NewItem): Promise<void>;
  close(): Promise<void>;
}

const day = 86_400_000;

/** One certificate of each holder. `mark` sets its ids apart from those of another state. */
async function certificatesOf(
  app: FleetPorts,
  fleet: string,
  mark: string,
): Promise<Map<CertificateHolder, string>> {
  const made = new Map<CertificateHolder, string>();
  for (const person of [...roleNames, "leaver", "returner"] as const)
    made.set(person, (await operatorOf(app, fleet, `operator-${person}`)).certificate);
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
  for (const holder of ["backend", "idle", "unlisted"] as const)
    made.set(holder, (await backendOf(app, fleet, `${holder}-${mark}`)).certificate);
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

async function openFleets(issuer: string, identities: App["identities"]): Promise<FleetApp> {
  const opened = await openFleetApp({ fleet: fleets.own });
  const house = { ...opened, app: { ...opened.app, identities } };
  await addFleet(house.app, fleets.other);
  for (const side of sides) {
    await configure(house.app, fleets[side], issuer, makers[side]);
    await addPeople(house.app, fleets[side]);
  }
  return house;
}

/** What was made, under side, state and holder. */
class Shelf<Thing> {
  readonly #things = new Map<string, Thing>();

  put(side: Side, state: string, holder: string, thing: Thing): void {
    this.#things.set(`${side}/${state}/${holder}`, thing);
  }

  take(side: Side, state: string, holder: string): Thing {
    const thing = this.#things.get(`${side}/${state}/${holder}`);
    if (thing === undefined) throw new Error(`nothing at ${side}/${state}/${holder}`);
    return thing;
  }
}

interface Shelves {
  readonly certificates: Shelf<string>;
  readonly returning: Shelf<Returning>;
  readonly keys: Shelf<RegisteredKeys>;
  readonly victims: Shelf<string>;
}

async function stock({ certificates }: Shelves, app: FleetPorts, side: Side, state: CertificateState) {
  const made = await certificatesOf(app, fleets[side], state.toLowerCase());
  for (const [holder, certificate] of made) certificates.put(side, state, holder, certificate);
  return made;
}

const noCertificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** Certificates live 90 days, and 30 days after that a device may come back. */
async function stockPast({ shelves, house, lookAlike }: Houses): Promise<void> {
  const leave = async ({ app }: FleetApp, side: Side, state: ReturningState) => {
    const device = await certifiedDevice(app, fleets[side], `pump-away-${state.toLowerCase()}`);
    shelves.returning.put(side, state, "device", device);
  };
  for (const side of sides) await leave(house, side, "tooLate");
  for (const { clock } of [house, lookAlike]) clock.advance(25 * day);
  for (const side of sides) {
    await stock(shelves, house.app, side, "expired");
    await leave(house, side, "fresh");
    await leave(house, side, "revoked");
    await leave(lookAlike, side, "wrongKey");
  }
  for (const { clock } of [house, lookAlike]) clock.advance(100 * day);
}

/** What is in force now, but for what was revoked. */
async function stockPresent({ shelves, house, lookAlike }: Houses): Promise<void> {
  for (const side of sides) {
    const fleet = fleets[side];
    await revokeAll(house, fleet, await stock(shelves, house.app, side, "revoked"));
    await stock(shelves, house.app, side, "fresh");
    await stock(shelves, lookAlike.app, side, "wrongKey");
    shelves.certificates.put(side, "fresh", "root", await trustBundlePem(house.app, { fleet }));
    shelves.certificates.put(side, "wrongKey", "root", await trustBundlePem(lookAlike.app, { fleet }));
    shelves.certificates.put(side, "fresh", "garbage", noCertificate);
    shelves.victims.put(side, "", "", (await deviceOf(house.app, fleet, "pump-victim")).serialNumber);
    shelves.keys.put(side, "", "", await fillInventory(house.app, fleet));
    await suspendOwners(house.app, fleet);
  }
}

interface Houses {
  readonly shelves: Shelves;
  readonly house: FleetApp;
  readonly lookAlike: FleetApp;
}

export async function openWorld(): Promise<World> {
  const issuer = await startOidcIssuer();
  const identities = identityVerifier({ ca: issuer.ca });
  const house = await openFleets(issuer.issuer, identities);
  const lookAlike = await openFleets(issuer.issuer, identities);
  const shelves = {
    certificates: new Shelf<string>(),
    returning: new Shelf<Returning>(),
    keys: new Shelf<RegisteredKeys>(),
    victims: new Shelf<string>(),
  };
  await stockPast({ shelves, house, lookAlike });
  await stockPresent({ shelves, house, lookAlike });
  return {
    house,
    handlers: handlersOf(house.app),
    issuer,
    key: await createProofKey(),
    otherKey: await createProofKey(),
    certificate: (holder, side, state) => shelves.certificates.take(side, state, holder),
    returning: (side, state) => shelves.returning.take(side, state, "device"),
    registeredKeys: (side) => shelves.keys.take(side, "", ""),
    victim: (side) => shelves.victims.take(side, "", ""),
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
