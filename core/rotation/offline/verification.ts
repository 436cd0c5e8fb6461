/**
 * Room: core/rotation. Whether an answer is what its request asked for, octet for octet, signed by whom it must be, with
 * people who say so. Whether the request is ours is for whoever has it to say: see `import.ts`.
 */
import { isAppError } from "../../errors.ts";
import type { VerifiedCsr } from "../../formats/certification-request.ts";
import { decodeCertificateList, verifyCertificateListSignature } from "../../formats/crl/certificate-list.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../../formats/x509/certificate.ts";
import type { OfflineAnswer } from "./answer.ts";
import { invalid, octetsOf } from "./members.ts";
import type { AskedCertificate, AskedList } from "./request.ts";
import { type Statement, statementsOf } from "./statement.ts";
import { type Participation, verifyTranscript } from "./transcript.ts";

export interface VerifiedCertificate {
  readonly asked: AskedCertificate;
  readonly certificate: Certificate;
}

export interface VerifiedList {
  readonly asked: AskedList;
  /** DER. */
  readonly raw: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

export interface VerifiedAnswer {
  readonly answer: OfflineAnswer;
  readonly certificates: readonly VerifiedCertificate[];
  readonly lists: readonly VerifiedList[];
  readonly successor?: VerifiedCsr;
  readonly signer?: VerifiedCsr;
  readonly participants: readonly Participation[];
}

const sameOctets = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

async function certificateIn({ asked, tbs, signer }: Statement, text: string): Promise<VerifiedCertificate> {
  const known = asked as AskedCertificate;
  const certificate = decodeCertificate(octetsOf(text));
  if (!sameOctets(certificate.tbs.raw, tbs))
    throw invalid(
      `the certificate of ${known.subject} is not the one that was asked for: its names, key, validity and extensions follow from the request, octet for octet`,
    );
  if (await verifyCertificateSignature(certificate, signer)) return { asked: known, certificate };
  throw invalid(`the certificate of ${known.subject} is not signed by ${known.signedBy}`);
}

async function listIn({ asked, tbs, signer }: Statement, text: string): Promise<VerifiedList> {
  const list = decodeCertificateList(octetsOf(text));
  if (!sameOctets(list.tbsRaw, tbs))
    throw invalid(`the list of ${asked.signedBy} is not the one that was asked for, octet for octet`);
  if (!(await verifyCertificateListSignature(list, signer)))
    throw invalid(`the list of ${asked.signedBy} is not signed by it`);
  const { raw, thisUpdate, nextUpdate = thisUpdate } = list;
  return { asked: asked as AskedList, raw, thisUpdate, nextUpdate };
}

async function verify(answer: OfflineAnswer): Promise<VerifiedAnswer> {
  const csr = answer.csr === undefined ? undefined : octetsOf(answer.csr);
  const { all, ...csrs } = await statementsOf(answer.request, csr);
  const asked = { certificate: answer.request.certificates.length, list: answer.request.lists.length };
  if (answer.certificates.length !== asked.certificate || answer.lists.length !== asked.list)
    throw invalid(
      `the answer holds ${answer.certificates.length} certificates and ${answer.lists.length} lists; ${asked.certificate} and ${asked.list} were asked for`,
    );
  const certificates: VerifiedCertificate[] = [];
  const lists: VerifiedList[] = [];
  for (const statement of all) {
    if (statement.kind === "certificate")
      certificates.push(await certificateIn(statement, answer.certificates[certificates.length] ?? ""));
    else lists.push(await listIn(statement, answer.lists[lists.length] ?? ""));
  }
  const participants = await verifyTranscript(
    answer,
    all.map(({ signer }) => signer),
  );
  return { answer, certificates, lists, participants, ...csrs };
}

/** @throws AppError ceremony_invalid, whatever the fault. */
export async function verifyAnswer(answer: OfflineAnswer): Promise<VerifiedAnswer> {
  try {
    return await verify(answer);
  } catch (error) {
    if (!isAppError(error) || error.code === "ceremony_invalid") throw error;
    throw invalid(`the answer cannot be taken: ${error.message}`, { cause: error });
  }
}
