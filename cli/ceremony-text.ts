/** Room: cli. What people read before an offline machine signs, and of what it has signed. */
import { hash } from "node:crypto";
import type { OfflineRequest } from "../core/rotation/offline/request.ts";
import type { Statement, Statements } from "../core/rotation/offline/statement.ts";
import type { VerifiedAnswer } from "../core/rotation/offline/verification.ts";
import { isoTime } from "./certificate-list.ts";
import { renderTable } from "./output.ts";

function rowOf({ asked, certificate, tbs }: Statement): readonly string[] {
  if (certificate === undefined || !("subject" in asked)) {
    const { number, revoked } = asked as Exclude<typeof asked, { readonly profile: string }>;
    return [
      "list",
      `number ${number}, ${revoked.length} revoked`,
      asked.signedBy,
      "",
      hash("sha256", tbs).slice(0, 32),
    ];
  }
  const { notBefore, notAfter } = certificate.validity;
  const key = hash("sha256", certificate.subjectPublicKeyInfo);
  return [
    asked.profile,
    asked.subject,
    asked.signedBy,
    `${isoTime(notBefore)} to ${isoTime(notAfter)}`,
    key.slice(0, 32),
  ];
}

/** One line for each thing to be signed. */
export function describeStatements({ fleet, purpose }: OfflineRequest, { all }: Statements): string {
  const header = ["what", "of", "signed by", "validity", "SHA-256 of the key, or of the list"];
  return `fleet ${fleet}, purpose ${purpose}\n${renderTable(header, all.map(rowOf))}`;
}

export function describeAnswer(
  { answer, participants, certificates, lists }: VerifiedAnswer,
  sha256: string,
): string {
  const { fleet, purpose, rolloverId } = answer.request;
  return [
    `request       ${sha256}`,
    `fleet         ${fleet}, purpose ${purpose}${rolloverId === undefined ? "" : `, rollover ${rolloverId}`}`,
    ...certificates.map(
      ({ asked }) => `certificate   ${asked.profile} of ${asked.subject}, signed by ${asked.signedBy}`,
    ),
    ...lists.map(
      ({ asked }) =>
        `list          number ${asked.number} of ${asked.signedBy}, ${asked.revoked.length} revoked`,
    ),
    ...participants.map(({ participant, time }) => `participant   ${participant}, ${time}`),
  ].join("\n");
}
