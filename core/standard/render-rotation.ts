/** Room: core/standard. The part of the standard's page about how keys are replaced. */
import { cryptoperiods } from "./cryptoperiods.ts";
import { secondsText, table } from "./markdown.ts";
import {
  type RotatedKeyKind,
  type RotationThresholds,
  rotationStandard,
  rotationThresholds,
} from "./rotation.ts";

function thresholdTable(): string {
  return table(
    ["key", "people are told", "rotation begins", "overdue", "refused"],
    Object.entries<RotationThresholds>(rotationThresholds).map(
      ([kind, { warnDays, dueDays, overdueDays, refusedDays }]) => [
        cryptoperiods[kind as RotatedKeyKind].kind,
        ...[warnDays, dueDays, overdueDays, refusedDays].map((days) => `${days} days`),
      ],
    ),
  );
}

function gateTable(): string {
  const { publishedDays, activeDays } = rotationStandard.rollover;
  return table(
    ["authority", "in the trust before it issues", "issues before its predecessor drains"],
    (["root", "issuing"] as const).map((kind) => [
      kind,
      `${publishedDays[kind]} days`,
      `${activeDays[kind]} ${activeDays[kind] === 1 ? "day" : "days"}`,
    ]),
  );
}

export function rotationSection(): string {
  const { rollover, ceremony, onDemandRotations, deletionDays, citation } = rotationStandard;
  const { adoptionPercent } = rollover;
  const { renewalSpread, renewalWindowMinimumHours, renewalInfoSeconds } = rotationStandard;
  return [
    "## Rotation",
    `Days of a key's age, from its first use. What can begin by itself does when it is due; for the rest people get a task. ` +
      `An overdue key is used while its grace lasts; a refused one signs nothing new, and the call says what to do (${citation}): an authority no certificate, a responder no answer, a signer no trust manifest. ` +
      "An authority's lists go on until what it issued has ended, and a signer of trust manifests signs one last version, which names its successor.",
    thresholdTable(),
    `A successor waits in the trust until its days are over and ${adoptionPercent.default} % of the devices with a certificate in force have said that they trust it ` +
      `(a fleet may choose ${adoptionPercent.minimum} to ${adoptionPercent.maximum} %). An emergency waits for neither (${rollover.citation}).`,
    gateTable(),
    `A root's key is lent for ${secondsText(ceremony.windowSeconds)}, to a ceremony that two people have approved (${ceremony.citation}). ` +
      `A key that is destroyed can be brought back for ${deletionDays} days. A wrapping key is rotated on demand ${onDemandRotations.limit} times at most in its life; ` +
      `people are told from the ${onDemandRotations.warnFrom}th on (${onDemandRotations.citation}).`,
    `Devices renew within ${Math.round(renewalSpread * 100)} % of a certificate's life before it is due, each at a time of its own; ` +
      `a window that people pull forward is ${renewalWindowMinimumHours} h long at least, and devices ask every ${secondsText(renewalInfoSeconds)}.`,
  ].join("\n\n");
}
