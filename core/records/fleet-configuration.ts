/**
 * Room: core/records. What a fleet accepts and whom it trusts besides its own authorities: one document, one item,
 * in the partition that every request reads anyhow. `core/fleets/configure.ts` checks it before it is stored.
 */
import type { Item, ItemKey, NewItem } from "../ports.ts";
import { accessLimits, type EnrollmentMethod, type PipelineOperation } from "../standard/access.ts";
import type { ProfileId } from "../standard/profiles.ts";
import { revocationStandard } from "../standard/revocation.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { text } from "./attributes.ts";

/** An authority of a device maker, which signed the certificates that its devices came with. */
export interface ManufacturerTrust {
  /** Opaque name, unique in the fleet. */
  readonly id: string;
  /** PEM of the one certificate whose key signed the devices' own. */
  readonly certificate: string;
  /** Where the device's identifier is: subject serialNumber (X.520), or hardwareModuleName (RFC 4108 §5). */
  readonly identifier: "serialNumber" | "hardwareModuleName";
}

interface Permission {
  /** Opaque name, unique in the fleet; stands in the audit log. */
  readonly id: string;
  readonly operations: readonly PipelineOperation[];
  /** Profiles of the certificates that tokens and registrations may be for. */
  readonly profiles: readonly ProfileId[];
  /** Names that its server certificates may carry: patterns of `core/policy/server-names.ts`. @default none */
  readonly serverNames?: readonly string[];
  /** Purposes of the data that it may protect or read: words, or `*` for all but the service's own. @default none */
  readonly purposes?: readonly string[];
}

export interface OidcPipelineTrust extends Permission {
  readonly kind: "oidc";
  /** https URL, exactly as `iss` has it. */
  readonly issuer: string;
  readonly jwksUri?: string;
  readonly audience: string;
  /** Claim → pattern over its whole value (`core/policy/claim-pattern.ts`); all must match, `sub` among them. */
  readonly claims: Readonly<Record<string, string>>;
}

export interface IamPipelineTrust extends Permission {
  readonly kind: "iam";
  /** Pattern over the whole ARN of the caller, as API Gateway has verified it (SigV4). */
  readonly principal: string;
}

/** A backend that shows a certificate of this very fleet, of profile `backend`. */
export interface BackendTrust extends Permission {
  readonly kind: "certificate";
  /** Whose certificate: the `backendId` that it was issued for. */
  readonly backend: string;
}

export type PipelineTrust = OidcPipelineTrust | IamPipelineTrust | BackendTrust;

/** An identity provider at which operators sign in with more than one factor. */
export interface OperatorIssuer {
  readonly issuer: string;
  readonly jwksUri?: string;
  readonly audience: string;
  /** The claim that proves more than one factor: a member of `amr` (RFC 8176), or `acr`. */
  readonly mfa: { readonly claim: "amr" | "acr"; readonly value: string };
}

export interface FleetConfiguration {
  readonly accepts: readonly EnrollmentMethod[];
  /** Days of validity where they are not the profile's default. */
  readonly validityDays: Readonly<Partial<Record<ProfileId, number>>>;
  /** Device ids begin with one of these; empty: they begin as they like. */
  readonly deviceIdPrefixes: readonly string[];
  /** Of one device, an hour. */
  readonly issuancesPerHour: number;
  /** Days after its certificate's expiry in which a device may come back into quarantine. */
  readonly quarantineDays: number;
  /** Days of expiry that one shard of a CRL covers: 7 for most fleets, 1 for some ten million devices. */
  readonly crlWindowDays: number;
  /** Days before a certificate's end at which people are told, each once; none: nobody is. */
  readonly expiryNoticeDays: readonly number[];
  /** Percent of active devices that must trust a new authority before it issues: 50 to 100. */
  readonly rolloverAdoptionPercent: number;
  /**
   * Purposes whose data keys are wrapped under the fleet's own key and not under their subject's: every AWS Encryption
   * SDK with a KMS keyring reads them without us, and they can be shredded with the fleet alone.
   */
  readonly fleetWrappedPurposes: readonly string[];
  readonly manufacturers: readonly ManufacturerTrust[];
  readonly pipelines: readonly PipelineTrust[];
  readonly operatorIssuers: readonly OperatorIssuer[];
}

/** Of a fleet that nobody has configured: one-time tokens, and nobody but its own operators. */
export const defaultConfiguration: FleetConfiguration = Object.freeze({
  accepts: ["token"] as const,
  validityDays: {},
  deviceIdPrefixes: [],
  issuancesPerHour: accessLimits.issuancesPerHour.default,
  quarantineDays: 30,
  crlWindowDays: revocationStandard.crlWindowDays.default,
  expiryNoticeDays: revocationStandard.expiryNoticeDays,
  rolloverAdoptionPercent: rotationStandard.rollover.adoptionPercent.default,
  fleetWrappedPurposes: [],
  manufacturers: [],
  pipelines: [],
  operatorIssuers: [],
});

const sortKey = "CONFIGURATION";

/** In the fleet's own partition. */
export function configurationKey(fleet: string): ItemKey {
  return { pk: `FLEET#${fleet}`, sk: sortKey };
}

export const isConfigurationItem = (item: Item): boolean => item.sk === sortKey;

export function configurationItem(fleet: string, configuration: FleetConfiguration): NewItem {
  return { ...configurationKey(fleet), attributes: { document: JSON.stringify(configuration) } };
}

/** What was stored, members that came with a later release at their defaults. @throws AppError internal. */
export function fleetConfiguration(item: Item): FleetConfiguration {
  const stored = JSON.parse(text(item, "document")) as Partial<FleetConfiguration>;
  return { ...defaultConfiguration, ...stored };
}
