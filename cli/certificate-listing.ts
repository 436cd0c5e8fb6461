/** Room: cli. Certificates as a table: page after page, up to as many as are wanted. */
import type { CertificateSummary } from "../lambdas/http/answer-schemas.ts";
import type { Context } from "./command.ts";
import type { FleetApi, ListRequest } from "./fleet-api.ts";
import { renderTable } from "./output.ts";
import { createCounter } from "./progress.ts";
import { withOperatorApi } from "./session.ts";
import type { Settings } from "./settings.ts";

export const pageLimit = 1000;

interface Listing {
  readonly certificates: readonly CertificateSummary[];
  /** Present while there may be more. */
  readonly cursor?: string;
}

/** A page may be short, or empty, and yet not the last: the service looked at rows that were not wanted. */
async function collect(
  api: FleetApi,
  limit: number,
  query: ListRequest,
  found: (certificates: number) => void,
): Promise<Listing> {
  const certificates: CertificateSummary[] = [];
  let cursor = query.cursor;
  do {
    const page = await api.list({
      ...query,
      limit: Math.min(limit - certificates.length, pageLimit),
      ...(cursor === undefined ? {} : { cursor }),
    });
    certificates.push(...page.certificates);
    found(page.certificates.length);
    cursor = page.cursor;
  } while (cursor !== undefined && certificates.length < limit);
  return { certificates, ...(cursor === undefined ? {} : { cursor }) };
}

function renderListing({ certificates }: Listing): string {
  if (certificates.length === 0) return "";
  const rows = certificates.map((item) => [
    item.serialNumber,
    item.status,
    item.subjectKind,
    item.subjectId,
    item.keyAlgorithm,
    item.notAfter,
  ]);
  return renderTable(["SERIAL", "STATUS", "KIND", "SUBJECT", "KEY", "NOT AFTER"], rows);
}

export interface ListingRequest {
  readonly settings: Settings;
  readonly limit: number;
  readonly query: ListRequest;
}

/** Fetches and shows them; how to go on, where there may be more. */
export async function showListing({ settings, limit, query }: ListingRequest, context: Context) {
  const { terminal, output } = context;
  const counter = createCounter(terminal, "certificates");
  let listing: Listing;
  try {
    listing = await withOperatorApi({ settings, terminal }, (api) =>
      collect(api, limit, query, counter.advance),
    );
  } finally {
    counter.end();
  }
  output.answer(listing, renderListing(listing));
  if (listing.certificates.length === 0) output.note("no certificates");
  if (listing.cursor !== undefined) output.note(`there is more: --cursor ${listing.cursor}`);
  return undefined;
}
