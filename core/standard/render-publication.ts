/** Room: core/standard. The part of the standard's page about what is published, and how soon. */
import { table } from "./markdown.ts";
import { publicationSchedules, revocationStandard, type Schedule } from "./revocation.ts";

const names: Readonly<Record<keyof typeof publicationSchedules, string>> = {
  crl: "part of an issuing authority's CRL",
  rootCrl: "CRL of a root",
  ocspAnswer: "OCSP answer",
  trustManifest: "trust manifest",
};

const hours = (seconds: number): string => {
  const whole = seconds / 3_600;
  return whole % 24 === 0 ? `${whole / 24} days` : `${whole} h`;
};

export function publicationSection(): string {
  const { publishedWithinSeconds, crlWindowDays, afterExpiryDays, cacheSeconds, expiryNoticeDays } =
    revocationStandard;
  const rows = Object.entries<Schedule>(publicationSchedules);
  return [
    "## Revocation and trust",
    `A revocation counts at once for every call to the service, and stands in the published list within ${publishedWithinSeconds} s; ` +
      `caches may keep a list or an OCSP answer for ${cacheSeconds} s. One part of a CRL covers ${crlWindowDays.default} days of expiry ` +
      `(a fleet may choose ${crlWindowDays.minimum} to ${crlWindowDays.maximum}) and stays published for ${afterExpiryDays} days after the last of them. ` +
      `People are told ${expiryNoticeDays.join(", ")} days before a certificate ends, unless the fleet says otherwise. Source: ${revocationStandard.citation}.`,
    table(
      ["published", "may be relied on for", "signed again after", "reason", "source"],
      rows.map(([id, { validSeconds, refreshSeconds, reason, citation }]) => [
        names[id as keyof typeof names],
        hours(validSeconds),
        hours(refreshSeconds),
        reason,
        citation,
      ]),
    ),
  ].join("\n\n");
}
