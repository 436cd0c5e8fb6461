/** Room: core/policy. Who a certificate is about, verified before it comes here, and the names that follow from it. */
import { AppError } from "../errors.ts";
import type { GeneralName } from "../formats/general-name.ts";
import { type Name, name } from "../formats/name.ts";
import { limits } from "../standard/limits.ts";
import { allowed, type Decision, deny } from "./decision.ts";
import {
  checkAuthorityId,
  checkBackendId,
  checkClaimId,
  checkDeviceId,
  checkDnsName,
  checkFleetId,
  checkOperatorId,
  checkTrustDomain,
} from "./identifiers.ts";
import { checkIpAddress } from "./ip-address.ts";

export interface AuthorityIdentity {
  readonly kind: "authority";
  readonly fleet: string;
  readonly authorityId: string;
}

export interface DeviceIdentity {
  readonly kind: "device";
  readonly fleet: string;
  readonly trustDomain: string;
  readonly deviceId: string;
}

export interface ServerIdentity {
  readonly kind: "server";
  readonly fleet: string;
  /** Lower case, A-labels. */
  readonly dnsNames: readonly string[];
  /** Canonical text. */
  readonly ipAddresses: readonly string[];
}

export interface OperatorIdentity {
  readonly kind: "operator";
  readonly fleet: string;
  readonly trustDomain: string;
  readonly operatorId: string;
}

/** A production batch: who holds its key enrols as many devices of the inventory as its quota says. */
export interface ClaimIdentity {
  readonly kind: "claim";
  readonly fleet: string;
  readonly trustDomain: string;
  readonly claimId: string;
}

/** A service of the fleet's owner, such as the one that keeps observations: it protects and reads data. */
export interface BackendIdentity {
  readonly kind: "backend";
  readonly fleet: string;
  readonly trustDomain: string;
  readonly backendId: string;
}

/** A key of the service itself: it answers for an authority's certificates, or signs the trust bundle. */
export interface ServiceIdentity {
  readonly kind: "service";
  readonly fleet: string;
  /** Such as `ocsp-1`, `trust-1`; the syntax of an authority's id. */
  readonly serviceId: string;
}

export type SubjectIdentity =
  | AuthorityIdentity
  | DeviceIdentity
  | ServerIdentity
  | OperatorIdentity
  | ClaimIdentity
  | BackendIdentity
  | ServiceIdentity;

export interface IdentityNames {
  /** One commonName, or nothing: for a server none of whose names fits into one. SAN is then critical. */
  readonly subject: Name;
  readonly subjectAltName: readonly GeneralName[];
}

function checkServer({ dnsNames, ipAddresses }: ServerIdentity): readonly Decision[] {
  const names = [...dnsNames, ...ipAddresses];
  const maximum = limits.subjectAltNames.value;
  if (names.length < 1 || names.length > maximum) {
    return [deny("name_not_permitted", `server with ${names.length} names; give 1 to ${maximum}`)];
  }
  if (new Set(names).size !== names.length) {
    return [deny("name_not_permitted", "server with a name twice; give each once")];
  }
  return [...dnsNames.map(checkDnsName), ...ipAddresses.map(checkIpAddress)];
}

function checksOf(identity: SubjectIdentity): readonly Decision[] {
  switch (identity.kind) {
    case "authority":
      return [checkAuthorityId(identity.authorityId)];
    case "device":
      return [checkTrustDomain(identity.trustDomain), checkDeviceId(identity.deviceId)];
    case "operator":
      return [checkTrustDomain(identity.trustDomain), checkOperatorId(identity.operatorId)];
    case "claim":
      return [checkTrustDomain(identity.trustDomain), checkClaimId(identity.claimId)];
    case "backend":
      return [checkTrustDomain(identity.trustDomain), checkBackendId(identity.backendId)];
    case "service":
      return [checkAuthorityId(identity.serviceId)];
    case "server":
      return checkServer(identity);
  }
}

/** Syntax of every identifier in `identity`: allow, or the first denial. */
export function checkIdentity(identity: SubjectIdentity): Decision {
  return [checkFleetId(identity.fleet), ...checksOf(identity)].find((decision) => !decision.allow) ?? allowed;
}

/** The identifier under which certificates of `identity` are found. */
export function subjectIdOf(identity: SubjectIdentity): string {
  switch (identity.kind) {
    case "authority":
      return identity.authorityId;
    case "device":
      return identity.deviceId;
    case "operator":
      return identity.operatorId;
    case "claim":
      return identity.claimId;
    case "backend":
      return identity.backendId;
    case "service":
      return identity.serviceId;
    case "server":
      return identity.dnsNames[0] ?? identity.ipAddresses[0] ?? "";
  }
}

/** SPIFFE-ID §2: the one URI of a device, operator, claim or backend certificate. */
function spiffeNames(
  identity: DeviceIdentity | OperatorIdentity | ClaimIdentity | BackendIdentity,
  id: string,
): IdentityNames {
  const value = `spiffe://${identity.trustDomain}/fleet/${identity.fleet}/${identity.kind}/${id}`;
  return {
    subject: name([["commonName", id]]),
    subjectAltName: [{ kind: "uniformResourceIdentifier", value }],
  };
}

function serverNames({ dnsNames, ipAddresses }: ServerIdentity): IdentityNames {
  const fitting = [...dnsNames, ...ipAddresses].find(
    (each) => each.length <= limits.commonNameCharacters.value,
  );
  return {
    subject: fitting === undefined ? [] : name([["commonName", fitting]]),
    subjectAltName: [
      ...dnsNames.map((value) => ({ kind: "dNSName", value }) as const),
      ...ipAddresses.map((value) => ({ kind: "iPAddress", value }) as const),
    ],
  };
}

/**
 * The names that a certificate of `identity` carries: all of them, and no others.
 * @throws AppError name_not_permitted when an identifier breaks its syntax.
 */
export function identityNames(identity: SubjectIdentity): IdentityNames {
  const decision = checkIdentity(identity);
  if (!decision.allow) throw new AppError(decision.code, decision.reason);
  switch (identity.kind) {
    case "authority":
      return {
        subject: name([["commonName", `${identity.fleet} ${identity.authorityId}`]]),
        subjectAltName: [],
      };
    case "device":
      return spiffeNames(identity, identity.deviceId);
    case "operator":
      return spiffeNames(identity, identity.operatorId);
    case "claim":
      return spiffeNames(identity, identity.claimId);
    case "backend":
      return spiffeNames(identity, identity.backendId);
    case "service":
      return {
        subject: name([["commonName", `${identity.fleet} ${identity.serviceId}`]]),
        subjectAltName: [],
      };
    case "server":
      return serverNames(identity);
  }
}
