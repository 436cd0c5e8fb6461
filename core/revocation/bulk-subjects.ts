/**
 * Room: core/revocation. Whose certificates a bulk revocation takes, counted by the kind of subject, so that people see
 * before they approve it that it is about devices alone, or about themselves too.
 */
import type { SubjectKind } from "../records/certificate-record.ts";

/** Authorities end by their rotation, and the service's own certificates with their keys: never in bulk. */
export const revocableKinds = [
  "device",
  "operator",
  "server",
  "claim",
  "backend",
] as const satisfies readonly SubjectKind[];

export type RevocableKind = (typeof revocableKinds)[number];

/** Certificates, not subjects: a device that has two counts twice. */
export type SubjectCounts = Readonly<Record<RevocableKind, number>>;

export const noSubjects: SubjectCounts = Object.freeze({
  device: 0,
  operator: 0,
  server: 0,
  claim: 0,
  backend: 0,
});

const words: readonly string[] = revocableKinds;

export const isRevocableKind = (kind: SubjectKind): kind is RevocableKind => words.includes(kind);

/** `counts` with one more for each of `kinds`. */
export function withSubjects(counts: SubjectCounts, kinds: readonly SubjectKind[]): SubjectCounts {
  const sum = { ...counts };
  for (const kind of kinds) if (isRevocableKind(kind)) sum[kind] += 1;
  return sum;
}

/** How many certificates they are in all. */
export const certificatesOf = (counts: SubjectCounts): number =>
  revocableKinds.reduce((sum, kind) => sum + counts[kind], 0);
