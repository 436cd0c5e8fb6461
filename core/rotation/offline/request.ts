/**
 * Room: core/rotation. What a machine without a network is asked to sign, as a document that people carry to it. Its
 * text has one form, so that its SHA-256 is what people compare on both machines.
 */
import { hash } from "node:crypto";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../formats/algorithms.ts";
import { type CrlReason, crlReasons } from "../../formats/crl/reason.ts";
import { invalid, Members, parseDocument, timeForm, timeOf } from "./members.ts";

export const requestType = "fleetkey-ceremony-request";

/**
 * issuing: an authority below an offline root; root: a root whose key is offline; signer: the next signer of trust
 * manifests; list: an offline root's list alone. Each may ask for the next signer besides.
 */
export const offlinePurposes = ["issuing", "root", "signer", "list"] as const;
export type OfflinePurpose = (typeof offlinePurposes)[number];

export const offlineProfiles = ["issuing", "root", "cross", "trustSigner"] as const;
export type OfflineProfile = (typeof offlineProfiles)[number];

/** A root that is there already: it signs, or its key is certified by the new one. */
export interface KnownAuthority {
  readonly authorityId: string;
  /** DER in base64, as all octets here. */
  readonly certificate: string;
}

/** The authority to be. */
export interface Successor {
  readonly authorityId: string;
  readonly algorithm: AuthorityAlgorithmId;
  /** PKCS #10 request of its key. Absent for a root whose key the offline machine has. */
  readonly csr?: string;
}

/** Who is to sign trust manifests next: `trust-2`. Its key is in the key service. */
export interface NextSigner {
  readonly signerId: string;
  /** PKCS #10 request of its key. */
  readonly csr: string;
}

export interface AskedCertificate {
  readonly profile: OfflineProfile;
  /** Whose key is certified, and who signs: ids of known authorities, of the successor, or of the next signer. */
  readonly subject: string;
  readonly signedBy: string;
  /** Lowercase hexadecimal. */
  readonly serialNumber: string;
}

export interface AskedList {
  readonly signedBy: string;
  readonly number: number;
  readonly revoked: readonly ListedCertificate[];
}

export interface ListedCertificate {
  readonly serialNumber: string;
  readonly revokedAt: string;
  readonly reason: CrlReason;
}

export interface OfflineRequest {
  readonly version: 1;
  readonly type: typeof requestType;
  readonly fleet: string;
  /** Absent of what the fleet's root signs when no rollover is under way. */
  readonly rolloverId?: string;
  readonly purpose: OfflinePurpose;
  /** ISO 8601 in UTC, as all times here. Validity counts from here, whatever clock the other machine has. */
  readonly requestedAt: string;
  /** An answer is not taken from then on. */
  readonly expiresAt: string;
  readonly authorities: readonly KnownAuthority[];
  readonly successor?: Successor;
  readonly signer?: NextSigner;
  readonly certificates: readonly AskedCertificate[];
  readonly lists: readonly AskedList[];
}

/** More than one ceremony ever needs. */
const limits = { authorities: 2, certificates: 4, lists: 2, revoked: 1_000 } as const;
export const maximumListed = limits.revoked;

const id = /^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/;
const fleetForm = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const serialForm = /^(?:[0-9a-f]{2}){1,20}$/;
const algorithmIds = Object.keys(authorityAlgorithms) as AuthorityAlgorithmId[];
const reasons = Object.keys(crlReasons) as CrlReason[];

function authorityOf(value: unknown): KnownAuthority {
  const members = new Members(value, "an authority", ["authorityId", "certificate"]);
  return { authorityId: members.text("authorityId", id), certificate: members.base64("certificate") };
}

function successorOf(value: unknown): Successor {
  const members = new Members(value, "the successor", ["authorityId", "algorithm", "csr"]);
  return {
    authorityId: members.text("authorityId", id),
    algorithm: members.word("algorithm", algorithmIds),
    ...(members.has("csr") ? { csr: members.base64("csr") } : {}),
  };
}

function signerOf(value: unknown): NextSigner {
  const members = new Members(value, "the signer", ["signerId", "csr"]);
  return { signerId: members.text("signerId", id), csr: members.base64("csr") };
}

function certificateOf(value: unknown): AskedCertificate {
  const members = new Members(value, "a certificate", ["profile", "subject", "signedBy", "serialNumber"]);
  return {
    profile: members.word("profile", offlineProfiles),
    subject: members.text("subject", id),
    signedBy: members.text("signedBy", id),
    serialNumber: members.text("serialNumber", serialForm),
  };
}

function listedOf(value: unknown): ListedCertificate {
  const members = new Members(value, "an entry of a list", ["serialNumber", "revokedAt", "reason"]);
  return {
    serialNumber: members.text("serialNumber", serialForm),
    revokedAt: members.text("revokedAt", timeForm),
    reason: members.word("reason", reasons),
  };
}

function listOf(value: unknown): AskedList {
  const members = new Members(value, "a list", ["signedBy", "number", "revoked"]);
  return {
    signedBy: members.text("signedBy", id),
    number: members.whole("number"),
    revoked: members.list("revoked", limits.revoked, listedOf),
  };
}

const names = [
  ...["version", "type", "fleet", "rolloverId", "purpose", "requestedAt", "expiresAt"],
  ...["authorities", "successor", "signer", "certificates", "lists"],
];

/** A successor belongs to a rollover; a request of the fleet itself asks for no authority. */
function assertSubject({ purpose, rolloverId, signer }: OfflineRequest): void {
  const ofRollover = purpose === "issuing" || purpose === "root";
  if (ofRollover && rolloverId === undefined)
    throw invalid(`a request of purpose "${purpose}" belongs to a rollover, and names none`);
  if (purpose !== "signer") return;
  if (rolloverId !== undefined) throw invalid('a request of purpose "signer" belongs to no rollover');
  if (signer === undefined) throw invalid('a request of purpose "signer" names none');
}

/** A request from a value of JSON. Nothing of it is to be believed yet. @throws AppError ceremony_invalid. */
export function decodeRequest(value: unknown): OfflineRequest {
  const members = new Members(value, "the request", names);
  if (members.value("version") !== 1)
    throw invalid("the request is not of version 1; use the fleetkey that made it");
  const request: OfflineRequest = {
    version: 1,
    type: members.word("type", [requestType]),
    fleet: members.text("fleet", fleetForm),
    ...(members.has("rolloverId") ? { rolloverId: members.text("rolloverId", /^[0-9a-f]{32}$/) } : {}),
    purpose: members.word("purpose", offlinePurposes),
    requestedAt: members.text("requestedAt", timeForm),
    expiresAt: members.text("expiresAt", timeForm),
    authorities: members.list("authorities", limits.authorities, authorityOf),
    ...(members.has("successor") ? { successor: successorOf(members.value("successor")) } : {}),
    ...(members.has("signer") ? { signer: signerOf(members.value("signer")) } : {}),
    certificates: members.list("certificates", limits.certificates, certificateOf),
    lists: members.list("lists", limits.lists, listOf),
  };
  if (timeOf(request.expiresAt) <= timeOf(request.requestedAt))
    throw invalid("the request ends before it begins");
  assertSubject(request);
  return request;
}

/** The members in the order that `decodeRequest` gives them: the one text of a request. */
export const encodeRequest = (request: OfflineRequest): string => JSON.stringify(decodeRequest(request));

/** SHA-256 of that text, 64 lowercase hexadecimal digits: what people compare. */
export const requestDigest = (request: OfflineRequest): string => hash("sha256", encodeRequest(request));

/** From a file: the one form, with or without white space around it. @throws AppError ceremony_invalid. */
export function readRequest(text: string): OfflineRequest {
  return decodeRequest(parseDocument(text, "the request"));
}
