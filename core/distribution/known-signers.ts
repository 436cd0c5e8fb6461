/** Room: core/distribution. The signers of a fleet's trust manifests, for who reads of them and signs nothing. */
import type { KeylessApp } from "../ports.ts";
import type { Stored } from "../records/certificate-record.ts";
import { readItems } from "../records/pages.ts";
import {
  publicationPartition,
  signerRange,
  type TrustSignerRecord,
  trustSignerRecord,
} from "../records/publication-record.ts";

/** Of a fleet's whole life, one a year. */
const maximumSigners = 1_000;

/** All that a fleet ever had. They are read after the state of its publication, on which a change of them is conditioned. */
export async function trustSigners(
  app: KeylessApp,
  fleet: string,
): Promise<readonly Stored<TrustSignerRecord>[]> {
  const query = { pk: publicationPartition(fleet), ...signerRange, limit: maximumSigners };
  return (await readItems(app, query)).map(trustSignerRecord);
}

export const signerIn = (
  signers: readonly Stored<TrustSignerRecord>[],
  state: "active" | "next",
): Stored<TrustSignerRecord> | undefined => signers.find(({ value }) => value.state === state);

const numberOf = (signerId: string): number => Number(signerId.replace(/^trust-/, ""));

/** Ids are never used again. */
export const nextSignerId = (signers: readonly Stored<TrustSignerRecord>[]): string =>
  `trust-${Math.max(0, ...signers.map(({ value }) => numberOf(value.signerId))) + 1}`;
