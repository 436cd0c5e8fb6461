/** Room: cli. `fleetkey cert list`. */
import type { CertificateSummary } from "../../lambdas/http/answer-schemas.ts";
import { defineCommand, parseWholeNumber } from "../command.ts";
import type { FleetApi } from "../fleet-api.ts";
import { connectionFlags } from "../global-flags.ts";
import { renderTable } from "../output.ts";
import { withOperatorApi } from "../session.ts";
import { resolveSettings } from "../settings.ts";

const pageLimit = 1000;

interface Listing {
  readonly certificates: readonly CertificateSummary[];
  /** Present while there is more. */
  readonly cursor?: string;
}

/** Page after page until `limit` certificates are there or the fleet has no more. */
async function collect(
  api: FleetApi,
  limit: number,
  query: { deviceId?: string; cursor?: string },
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

export const certList = defineCommand({
  summary: "List certificates of the fleet, or of one device",
  args: {
    device: { type: "string", valueHint: "ID", description: "Only those of this device" },
    limit: { type: "string", valueHint: "N", default: "100", description: "How many at most" },
    cursor: { type: "string", valueHint: "CURSOR", description: "Where an earlier list stopped" },
    ...connectionFlags,
  },
  async run(args, { terminal, output }) {
    const limit = parseWholeNumber("--limit", args.limit, 1, 1_000_000);
    const settings = resolveSettings(args, terminal.env);
    const query = {
      ...(args.device === undefined ? {} : { deviceId: args.device }),
      ...(args.cursor === undefined ? {} : { cursor: args.cursor }),
    };
    const listing = await withOperatorApi({ settings, terminal }, (api) => collect(api, limit, query));
    output.answer(listing, renderListing(listing));
    if (listing.certificates.length === 0) output.note("no certificates");
    if (listing.cursor !== undefined) output.note(`there is more: --cursor ${listing.cursor}`);
    return undefined;
  },
});
