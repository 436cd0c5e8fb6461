/** Room: cli. Renewals that were pulled forward, in a line. */
import type { RenewalWindow } from "../lambdas/http/renewal-answers.ts";

export function renderWindow({
  windowId,
  authorityId,
  issuedBefore,
  from,
  until,
  reason,
}: RenewalWindow): string {
  const whose = authorityId === undefined ? "" : ` of ${authorityId}`;
  return `${windowId}: certificates${whose} issued before ${issuedBefore} renew from ${from} to ${until} (${reason})`;
}
