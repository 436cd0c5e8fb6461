/** Room: core/rotation. The offline machine's part: judge what is asked for, sign it, and let the participants say so. */

import { encodeCertificateList } from "../../formats/crl/certificate-list.ts";
import { verifySignature } from "../../formats/signature.ts";
import { encodeCertificate } from "../../formats/x509/certificate.ts";
import { answerType, type OfflineAnswer } from "./answer.ts";
import { base64Of, invalid } from "./members.ts";
import type { OfflineRequest } from "./request.ts";
import { type Statement, statementsOf } from "./statement.ts";
import { type OfflineSigner, signTranscript } from "./transcript.ts";
import { verifyAnswer } from "./verification.ts";

export interface OfflineCeremony {
  readonly request: OfflineRequest;
  /** PKCS #10 request, DER, of a new root's key. */
  readonly csr?: Uint8Array;
  readonly roots: readonly OfflineSigner[];
  readonly participants: readonly OfflineSigner[];
  /** ISO 8601, whole seconds: this machine's clock, for the transcript alone. */
  readonly time: string;
}

async function signatureOf(statement: Statement, roots: readonly OfflineSigner[]): Promise<Uint8Array> {
  const { signer, tbs, row, asked } = statement;
  const root = roots.find(({ publicKey }) => Buffer.compare(publicKey, signer.der) === 0);
  if (root === undefined)
    throw invalid(`no root key that was given is that of ${asked.signedBy}, which has to sign`);
  const signature = await root.sign(tbs);
  if (await verifySignature(row, tbs, signer.keyObject, signature)) return signature;
  throw invalid(`the signature of ${asked.signedBy} does not verify under its own key`);
}

/**
 * Signs everything that the request asks for. What comes out has been verified as the service will verify it.
 * @throws AppError ceremony_invalid: policy or lint refuse, a key is missing or of another root, participants are too few
 * or the same; `verifyCsr`'s codes.
 */
export async function signOffline(ceremony: OfflineCeremony): Promise<OfflineAnswer> {
  const { request, csr, roots, participants, time } = ceremony;
  const { all } = await statementsOf(request, csr);
  const certificates: string[] = [];
  const lists: string[] = [];
  for (const statement of all) {
    const signature = await signatureOf(statement, roots);
    if (statement.kind === "certificate")
      certificates.push(base64Of(encodeCertificate(statement.tbs, statement.row, signature)));
    else lists.push(base64Of(encodeCertificateList(statement.tbs, statement.row, signature)));
  }
  const unsigned: OfflineAnswer = {
    version: 1,
    type: answerType,
    request,
    ...(csr === undefined ? {} : { csr: base64Of(csr) }),
    certificates,
    lists,
    transcript: [],
  };
  const transcript: string[] = [];
  for (const participant of participants) transcript.push(await signTranscript(unsigned, participant, time));
  const answer = { ...unsigned, transcript };
  await verifyAnswer(answer);
  return answer;
}
