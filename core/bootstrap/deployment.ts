/**
 * Room: core/bootstrap. A fleet from nothing to ready for its first device: authorities, published trust, an
 * operator. Every step may be repeated and finds its own result, so a run that died anywhere is finished by the
 * next, and a run too many changes nothing and tells nobody.
 */

import { type Fleet, findFleet, getFleet } from "../authority/issuer.ts";
import { artifact, artifactKey } from "../distribution/artifacts.ts";
import { authoritiesOf, certificateFingerprint, rootsOf, rootToPin } from "../distribution/trust.ts";
import { findCertificate } from "../enrollment/intent.ts";
import { AppError } from "../errors.ts";
import { verifyCsr } from "../formats/certification-request.ts";
import { decodePem, encodePem } from "../formats/pem.ts";
import type { DeploymentApp, NewObject } from "../ports.ts";
import { conclude, fleetCeremony, operatorCeremony } from "./ceremony.ts";
import { type Distribution, distribute } from "./distribution.ts";
import { issueForDeployment } from "./end-entity.ts";
import { bootstrapFleet, type FleetPlan } from "./fleet.ts";
import { assertOrigin, moveOrigin } from "./origin.ts";
import { type Publication, publish } from "./publication.ts";

export interface OperatorRequest {
  /** Opaque; never a name or an address. */
  readonly operatorId: string;
  /** DER. */
  readonly csr: Uint8Array;
}

export interface DeploymentRequest extends Distribution {
  readonly plan: FleetPlan;
  /** All fleets of the deployment: their clients come through one gateway. */
  readonly fleets: readonly string[];
  readonly operator?: OperatorRequest;
  /**
   * `https://host[:port]` under which operators open the page for their passkeys; the fleet follows it.
   * @default as it was
   */
  readonly origin?: string;
  /** `https://host` from which the public artefacts are read. @default the origin serves them */
  readonly artifacts?: string;
}

export interface CertifiedOperator {
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
  /** PEM; `chain` without the root. */
  readonly certificate: string;
  readonly chain: string;
  /** ISO 8601, UTC. */
  readonly notAfter: string;
}

export interface DeployedFleet {
  readonly fleet: string;
  /** PEM of the fleet's roots. */
  readonly root: string;
  /** SHA-256 of the DER of the root to pin, lowercase hexadecimal. */
  readonly rootFingerprint: string;
  /** What the gateway must be told to read. */
  readonly trustStore: Publication;
  readonly operator?: CertifiedOperator;
}

export const trustBundleKey = (fleet: string): string => artifactKey(fleet, "trust.pem");
export const clientTrustKey = "mutual-tls/clients.pem";

const pemOf = (certificates: readonly Uint8Array[]): string =>
  certificates.map((raw) => encodePem("CERTIFICATE", raw)).join("");

const trustBundle = (fleet: Fleet): NewObject => artifact("trust.pem", Buffer.from(pemOf(rootsOf(fleet))));

/**
 * Roots and issuing authorities of those of `fleets` that exist, in the order of their names, then the authorities of
 * device makers that they trust, each once. API Gateway looks for the issuer of the presented certificate, and wants the
 * whole chain from it to its root (developer guide, "mutual TLS authentication"). Which of them signed, and what for, is
 * checked again on every request.
 */
async function clientTrust(app: DeploymentApp, fleets: readonly string[]): Promise<NewObject> {
  const names = [...new Set(fleets)].sort();
  const found = await Promise.all(names.map((fleet) => findFleet(app, fleet)));
  const authorities = found.flatMap((fleet) => (fleet === undefined ? [] : authoritiesOf(fleet)));
  const makers = found.flatMap((fleet) => fleet?.configuration.manufacturers ?? []);
  // Two fleets may trust one maker; its PEM is theirs, so it is written anew.
  const octets = [
    ...authorities,
    ...makers.flatMap(({ certificate }) => decodePem(certificate, "CERTIFICATE")),
  ];
  const pems = new Set(octets.map((raw) => pemOf([raw])));
  return { body: Buffer.from([...pems].join("")), contentType: "application/x-pem-file" };
}

async function concludeFleet(app: DeploymentApp, fleet: Fleet): Promise<void> {
  const ceremony = fleetCeremony(fleet);
  await conclude(app, ceremony, {
    event: "fleet.created",
    severity: "information",
    fleet: ceremony.fleet,
    measures: { authorities: ceremony.signatures.length },
  });
}

async function certifyOperator(
  app: DeploymentApp,
  fleet: string,
  { operatorId, csr }: OperatorRequest,
): Promise<CertifiedOperator> {
  const issued = await issueForDeployment(app, { fleet, subject: { kind: "operator", operatorId }, csr });
  const { serialNumber, certificate, chain, notAfter } = issued;
  const stored = await findCertificate(app, fleet, serialNumber);
  if (stored === undefined) throw new AppError("internal", `certificate ${serialNumber} is not on record`);
  // Whoever holds this certificate may act on the whole fleet: people look at each.
  const notice = { event: "operator.certified", severity: "warning", fleet, subject: serialNumber } as const;
  await conclude(app, operatorCeremony(stored.value), notice);
  return { serialNumber, certificate, chain, notAfter };
}

/**
 * Makes the fleet, publishes its trust and the trust store of all fleets, certifies the operator, keeps a
 * record of each ceremony, and tells people what was made.
 * @throws AppError csr_* and key_* before anything is made; the policy's codes; those of the ports.
 */
export async function deployFleet(app: DeploymentApp, request: DeploymentRequest): Promise<DeployedFleet> {
  const { plan, fleets, operator, origin, artifacts } = request;
  // A root is for twenty years: it is not made for a request that cannot be met.
  if (operator !== undefined) await verifyCsr(operator.csr);
  if (origin !== undefined) assertOrigin(origin);
  const fleet = await bootstrapFleet(app, plan);
  if (origin !== undefined) await moveOrigin(app, plan.fleet, origin, artifacts);
  const root = rootToPin(fleet);
  if (root === undefined)
    throw new AppError("authority_unavailable", `fleet "${plan.fleet}" has no root in use; activate one`);
  await publish(app.artifacts, trustBundleKey(plan.fleet), async () =>
    trustBundle(await getFleet(app, plan.fleet)),
  );
  await distribute(app, plan.fleet, request);
  const trustStore = await publish(app.trustStores, clientTrustKey, () => clientTrust(app, fleets));
  await concludeFleet(app, fleet);
  const certified = operator === undefined ? undefined : await certifyOperator(app, plan.fleet, operator);
  return {
    fleet: plan.fleet,
    root: pemOf(rootsOf(fleet)),
    rootFingerprint: certificateFingerprint(root.certificate.raw),
    trustStore,
    ...(certified === undefined ? {} : { operator: certified }),
  };
}
