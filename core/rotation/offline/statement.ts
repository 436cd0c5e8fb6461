/**
 * Room: core/rotation. The octets that a request asks signatures for. Both machines make them from the request, with
 * the very code that makes all certificates and lists, and judge them by policy and lint: the one before it signs, the
 * other before it believes.
 */
import { buildTemplate, type TemplateIssuer } from "../../enrollment/template.ts";
import {
  type AuthorityAlgorithm,
  authorityAlgorithms,
  type SignatureAlgorithm,
} from "../../formats/algorithms.ts";
import { type VerifiedCsr, verifyCsr } from "../../formats/certification-request.ts";
import { encodeTbsCertList } from "../../formats/crl/certificate-list.ts";
import { decodeSubjectPublicKey, type SubjectPublicKey } from "../../formats/spki.ts";
import { decodeCertificate } from "../../formats/x509/certificate.ts";
import { decodedExtension } from "../../formats/x509/extension.ts";
import { subjectKeyIdentifier } from "../../formats/x509/extensions/index.ts";
import {
  decodeTbsCertificate,
  encodeTbsCertificate,
  type TbsCertificate,
} from "../../formats/x509/tbs-certificate.ts";
import { lint } from "../../lint/lint.ts";
import { decideCertificate } from "../../policy/certificate-policy.ts";
import type { SubjectIdentity } from "../../policy/identity.ts";
import { profiles } from "../../standard/profiles.ts";
import { publicationSchedules } from "../../standard/revocation.ts";
import { invalid, octetsOf, timeOf } from "./members.ts";
import type {
  AskedCertificate,
  AskedList,
  OfflineProfile,
  OfflinePurpose,
  OfflineRequest,
} from "./request.ts";

/** An authority, or the next signer, as it takes part: what its certificate says, where there is one by now, and its key. */
interface Party {
  readonly tbs?: TbsCertificate;
  readonly publicKey: SubjectPublicKey;
  readonly algorithm: AuthorityAlgorithm;
}

/** One thing to be signed. */
export interface Statement {
  readonly kind: "certificate" | "list";
  /** What is asked for, by the words of the request. */
  readonly asked: AskedCertificate | AskedList;
  /** The octets under the signature. */
  readonly tbs: Uint8Array;
  readonly row: SignatureAlgorithm;
  readonly signer: SubjectPublicKey;
  /** Of a certificate: what it says. */
  readonly certificate?: TbsCertificate;
}

export interface Statements {
  readonly all: readonly Statement[];
  /** The successor's request: proof that somebody has the key. */
  readonly successor?: VerifiedCsr;
  /** The same of the next signer of trust manifests. */
  readonly signer?: VerifiedCsr;
}

function algorithmOf(key: SubjectPublicKey): AuthorityAlgorithm {
  const rows: readonly AuthorityAlgorithm[] = Object.values(authorityAlgorithms);
  const row = rows.find(
    ({ key: { id }, modulusBits }) => id === key.algorithm.id && modulusBits === key.modulusBits,
  );
  if (row === undefined) throw invalid(`no authority may have a key of ${key.algorithm.id} like this one`);
  return row;
}

function knownParty(certificate: string): Party {
  const { tbs } = decodeCertificate(octetsOf(certificate));
  const publicKey = decodeSubjectPublicKey(tbs.subjectPublicKeyInfo);
  return { tbs, publicKey, algorithm: algorithmOf(publicKey) };
}

/** @throws AppError ceremony_invalid: a key of another algorithm; verifyCsr's codes. */
async function successorParty(
  { successor }: OfflineRequest,
  rootCsr: Uint8Array | undefined,
): Promise<{ readonly csr: VerifiedCsr; readonly party: Party } | undefined> {
  if (successor === undefined) {
    if (rootCsr === undefined) return undefined;
    throw invalid("the request names no successor, so that no key belongs to its answer");
  }
  if ((successor.csr === undefined) === (rootCsr === undefined))
    throw invalid(
      successor.csr === undefined
        ? `the key of ${successor.authorityId} is missing: the request of its key has to be given`
        : `the key of ${successor.authorityId} is the one that the request names, no other`,
    );
  const csr = await verifyCsr(rootCsr ?? octetsOf(successor.csr ?? ""));
  const algorithm = algorithmOf(csr.publicKey);
  if (algorithm.id === successor.algorithm) return { csr, party: { publicKey: csr.publicKey, algorithm } };
  throw invalid(
    `the key of ${successor.authorityId} is ${algorithm.id}; ${successor.algorithm} is asked for`,
  );
}

/** @throws AppError ceremony_invalid: a key of no known algorithm; verifyCsr's codes. */
async function signerParty({ signer }: OfflineRequest) {
  if (signer === undefined) return undefined;
  const csr = await verifyCsr(octetsOf(signer.csr));
  const party: Party = { publicKey: csr.publicKey, algorithm: algorithmOf(csr.publicKey) };
  return { csr, party };
}

const identityOf = (fleet: string, { profile, subject }: AskedCertificate): SubjectIdentity =>
  profile === "trustSigner"
    ? { kind: "service", fleet, serviceId: subject }
    : { kind: "authority", fleet, authorityId: subject };

function issuerOf(asked: AskedCertificate, signer: Party): TemplateIssuer {
  if (asked.signedBy === asked.subject) return { kind: "self" };
  if (signer.tbs !== undefined) return { kind: "authority", tbs: signer.tbs, publicKey: signer.publicKey };
  throw invalid(`${asked.signedBy} signs before it has a certificate of its own`);
}

function assertPermitted(
  fleet: string,
  asked: AskedCertificate,
  tbs: TbsCertificate,
  issuer: TemplateIssuer,
): void {
  const profile = profiles[asked.profile];
  const issuerTbs = issuer.kind === "self" ? "self" : issuer.tbs;
  const limit = issuerTbs === "self" ? issuerTbs : { notAfter: issuerTbs.validity.notAfter };
  const decision = decideCertificate(tbs, profile, identityOf(fleet, asked), limit);
  if (!decision.allow) throw invalid(`${asked.subject}: ${decision.reason}`);
  const [finding] = lint(tbs, { profile, issuer: issuerTbs });
  if (finding !== undefined)
    throw invalid(`${asked.subject}: ${finding.rule}: ${finding.message} (${finding.citation})`);
}

/** What each purpose has certified: nobody gets a root's certificate where an issuing authority is asked for. */
const profilesOf: Readonly<Record<OfflinePurpose, readonly OfflineProfile[]>> = {
  issuing: ["issuing"],
  root: ["root", "cross"],
  signer: [],
  list: [],
};

/**
 * A root signs itself, and nothing else is its own issuer. The next signer has that profile alone, and is certified by
 * a root that is there: one that is only to be may yet be taken back.
 */
function isAsked(request: OfflineRequest, { profile, subject, signedBy }: AskedCertificate): boolean {
  const { purpose, signer, authorities } = request;
  if (profile === "trustSigner" || subject === signer?.signerId)
    return (
      profile === "trustSigner" &&
      subject === signer?.signerId &&
      authorities.some(({ authorityId }) => authorityId === signedBy)
    );
  return profilesOf[purpose].includes(profile) && (profile === "root") === (subject === signedBy);
}

function assertShape(request: OfflineRequest, asked: AskedCertificate): void {
  if (isAsked(request, asked)) return;
  const { purpose } = request;
  const { profile, subject, signedBy } = asked;
  throw invalid(
    `a request of purpose "${purpose}" does not ask for profile "${profile}" for ${subject}, signed by ${signedBy}`,
  );
}

function certificateStatement(
  request: OfflineRequest,
  asked: AskedCertificate,
  subject: Party,
  signer: Party,
) {
  assertShape(request, asked);
  const issuer = issuerOf(asked, signer);
  const { fleet } = request;
  const template = buildTemplate({
    profile: profiles[asked.profile],
    identity: identityOf(fleet, asked),
    publicKey: subject.publicKey,
    issuer,
    signature: signer.algorithm.signature,
    serialNumber: Buffer.from(asked.serialNumber, "hex"),
    now: timeOf(request.requestedAt),
  });
  const { notBefore, notAfter } = template.validity;
  // RFC 9810 §4.4: a certificate of the old key ends with the old key's own.
  const end = Math.min(
    notAfter,
    asked.profile === "cross" ? (subject.tbs?.validity.notAfter ?? notAfter) : notAfter,
  );
  const tbs = encodeTbsCertificate({ ...template, validity: { notBefore, notAfter: end } });
  const certificate = decodeTbsCertificate(tbs);
  assertPermitted(fleet, asked, certificate, issuer);
  const { signature: row } = signer.algorithm;
  return { kind: "certificate", asked, tbs, row, signer: signer.publicKey, certificate } as const;
}

function listStatement(request: OfflineRequest, asked: AskedList, signer: Party): Statement {
  if (signer.tbs === undefined) throw invalid(`${asked.signedBy} signs a list before it has a certificate`);
  const thisUpdate = timeOf(request.requestedAt);
  const tbs = encodeTbsCertList({
    signature: signer.algorithm.signature,
    issuer: signer.tbs.subjectRaw,
    thisUpdate,
    nextUpdate: thisUpdate + publicationSchedules.rootCrl.validSeconds * 1000,
    revoked: asked.revoked.map(({ serialNumber, revokedAt, reason }) => ({
      serialNumber: Buffer.from(serialNumber, "hex"),
      revocationDate: Math.min(timeOf(revokedAt), thisUpdate),
      reason,
    })),
    authorityKeyIdentifier:
      decodedExtension(signer.tbs, subjectKeyIdentifier) ?? signer.publicKey.keyIdentifier,
    number: asked.number,
  });
  return { kind: "list", asked, tbs, row: signer.algorithm.signature, signer: signer.publicKey };
}

function partyOf(parties: ReadonlyMap<string, Party>, authorityId: string): Party {
  const party = parties.get(authorityId);
  if (party === undefined) throw invalid(`the request does not say who ${authorityId} is`);
  return party;
}

/** Whoever has a key to be certified, by the name that the request gives it. */
async function partiesOf(request: OfflineRequest, rootCsr: Uint8Array | undefined) {
  const parties = new Map(request.authorities.map((one) => [one.authorityId, knownParty(one.certificate)]));
  const add = (id: string | undefined, party: Party | undefined) => {
    if (id === undefined || party === undefined) return;
    if (parties.has(id)) throw invalid(`${id} is there already`);
    parties.set(id, party);
  };
  const [successor, signer] = [await successorParty(request, rootCsr), await signerParty(request)];
  add(request.successor?.authorityId, successor?.party);
  add(request.signer?.signerId, signer?.party);
  const csrs = {
    ...(successor === undefined ? {} : { successor: successor.csr }),
    ...(signer === undefined ? {} : { signer: signer.csr }),
  };
  return { parties, csrs };
}

/** Nobody brings a key along without asking for its certificate, nor for two. */
function assertSignerOnce({ signer, certificates }: OfflineRequest): void {
  const asked = certificates.filter(({ profile }) => profile === "trustSigner").length;
  if (asked === (signer === undefined ? 0 : 1)) return;
  throw invalid(`the request asks for ${asked} certificates of a signer; one for each that it names`);
}

/**
 * Everything that is to be signed, in the request's order, certificates first.
 * @param rootCsr Of a new root's key, which the offline machine has.
 * @throws AppError ceremony_invalid: the standard does not permit it, or the request contradicts itself; the codes of
 * `verifyCsr` and of the decoders.
 */
export async function statementsOf(request: OfflineRequest, rootCsr?: Uint8Array): Promise<Statements> {
  assertSignerOnce(request);
  const { parties, csrs } = await partiesOf(request, rootCsr);
  const all: Statement[] = [];
  for (const asked of request.certificates) {
    const [subject, signer] = [partyOf(parties, asked.subject), partyOf(parties, asked.signedBy)];
    const statement = certificateStatement(request, asked, subject, signer);
    if (asked.profile === "root") parties.set(asked.subject, { ...subject, tbs: statement.certificate });
    all.push(statement);
  }
  for (const asked of request.lists)
    all.push(listStatement(request, asked, partyOf(parties, asked.signedBy)));
  return { all, ...csrs };
}
