/** Room: scripts. What ten and a hundred million devices come to, by arithmetic: no store of that size was filled. */
import { profiles } from "../../core/standard/profiles.ts";
import { publicationSchedules, revocationStandard } from "../../core/standard/revocation.ts";
import { type PriceId, prices } from "../costs/prices.ts";
import { monthlyActs } from "../costs/usage.ts";
import { acts, kept, writeUnitsOf } from "../costs/writes.ts";
import { table } from "./timing.ts";

const daysPerMonth = 365.25 / 12;
const minutesPerMonth = daysPerMonth * 24 * 60;
const { defaultDays, renewAfterFraction } = profiles.device;
/** A renewed certificate is in force until its end, so there are more than devices. */
const perDevice = 1 / renewAfterFraction;
/** Of one device's certificate: its record, and indexes by device, issue and end. */
const indexWrites = 3;
/**
 * Write request units of one revocation: the record (2 KB) with four indexes, the entry with one, its audit entry, and
 * the entry again once it is published. All counted as in a transaction.
 */
const writeUnitsOfRevocation = 2 * 2 * 5 + 2 * 2 + 2 + 2 * 2;
/** Dollars for a PUT to S3. */
const putToS3 = 0.005 / 1_000;

const fleets = [10_000_000, 100_000_000] as const;

const whole = (value: number): string => Math.round(value).toLocaleString("en-US").replaceAll(",", " ");
const dollars = (value: number): string => value.toFixed(value < 100 ? 2 : 0);
const cost = (id: PriceId, units: number): number => (units * prices[id].usd) / prices[id].per;

function size(octets: number): string {
  if (octets < 1_000_000) return `${Math.round(octets / 1_000)} kB`;
  return octets < 10_000_000_000
    ? `${(octets / 1_000_000).toFixed(1)} MB`
    : `${(octets / 1_000_000_000).toFixed(0)} GB`;
}

/** One list may have no more: see `core/formats/crl/certificate-list.ts`. */
const listOctets = 2 ** 24 - 1;

const sizeOfList = (octets: number): string =>
  octets <= listOctets ? size(octets) : `${size(octets)}: refused, take shorter windows`;

function items(): string {
  const rows = fleets.map((devices) => {
    const { renewals, enrolments } = monthlyActs(devices);
    const issued = renewals + enrolments;
    const units = renewals * writeUnitsOf(acts.renewal) + enrolments * writeUnitsOf(acts.enrolment);
    const stored = 12 * issued * (kept.table + kept.indexes + kept.overhead);
    return [
      whole(devices),
      whole(devices * perDevice),
      whole(issued),
      whole(12 * issued * 2),
      whole(issued * indexWrites),
      size(stored),
      dollars(cost("dynamoWrite", units)),
      dollars(cost("kmsSign", issued)),
    ];
  });
  const head = [
    "devices",
    "certificates in force",
    "issued a month",
    "items kept after a year",
    "index entries written a month",
    "stored after a year",
    "DynamoDB writes, $ a month",
    "KMS Sign, $ a month",
  ];
  return table([head, ...rows]);
}

interface Lists {
  readonly published: number;
  readonly entries: number;
  readonly signatures: number;
  readonly revocations: number;
}

/** Lists that exist at a time, entries in one, and signatures a month. */
function listsOf(devices: number, windowDays: number, revoked: number): Lists {
  const published = Math.ceil((defaultDays + revocationStandard.afterExpiryDays) / windowDays) + 1;
  const entries = (devices * perDevice * revoked * windowDays) / defaultDays;
  const { renewals, enrolments } = monthlyActs(devices);
  const revocations = (renewals + enrolments) * revoked;
  // Revocations that come evenly: of the minutes of a month, those in which a list has at least one.
  const touched = published * minutesPerMonth * (1 - Math.exp(-revocations / (published * minutesPerMonth)));
  const refreshed = (published * daysPerMonth * 86_400) / publicationSchedules.crl.refreshSeconds;
  return { published, entries, revocations, signatures: Math.max(touched, refreshed) };
}

function lists(octetsPerEntry: number): string {
  const rows = fleets.flatMap((devices) =>
    [7, 1].flatMap((windowDays) =>
      [0.01, 0.1].map((revoked) => {
        const { published, entries, revocations, signatures } = listsOf(devices, windowDays, revoked);
        return [
          `${whole(devices)}, ${revoked * 100} % revoked, ${windowDays} d`,
          `${published}`,
          whole(entries),
          sizeOfList(entries * octetsPerEntry),
          whole(signatures),
          dollars(cost("kmsSign", signatures)),
          dollars(signatures * putToS3),
          dollars(cost("dynamoWrite", revocations * writeUnitsOfRevocation)),
        ];
      }),
    ),
  );
  const head = [
    "devices, share revoked, window",
    "lists",
    "entries in one",
    "octets of one",
    "signatures a month",
    "KMS, $ a month",
    "S3 PUT, $ a month",
    "DynamoDB writes, $ a month",
  ];
  return table([head, ...rows]);
}

/** Every certificate in force asked about in every period of an answer is the most there can be. */
function answers(): string {
  const perMonth = (daysPerMonth * 86_400) / publicationSchedules.ocspAnswer.refreshSeconds;
  const rows = fleets.map((devices) => {
    const inForce = devices * perDevice;
    const daily = inForce * daysPerMonth;
    const most = inForce * perMonth;
    const money = (count: number) => dollars(cost("kmsSign", count));
    return [
      whole(devices),
      whole(inForce / 100),
      money(daily / 100),
      whole(daily),
      money(daily),
      money(most),
    ];
  });
  const head = [
    "devices",
    "1 % of the certificates",
    "asked about daily, $ a month",
    "signatures, all asked about daily",
    "$ a month",
    "all, as often as answers are signed, $ a month",
  ];
  return table([head, ...rows]);
}

/** @param octetsPerEntry As measured. */
export function renderExtrapolation(octetsPerEntry: number): string {
  return [
    "## Ten and a hundred million devices, by arithmetic",
    `A CRL has ${octetsPerEntry.toFixed(1)} octets an entry.`,
    items(),
    "### Lists",
    lists(octetsPerEntry),
    "### OCSP answers",
    answers(),
  ].join("\n\n");
}
