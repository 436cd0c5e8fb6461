/**
 * Room: core. What people are sent of a notice: by mail, chat or pager, so outside all that encrypts and erases. One
 * encoding for every notifier, and one wall before it: no personal datum, no secret, nothing that callers wrote.
 */
import { AppError } from "./errors.ts";
import { checkDeviceId, checkFleetId } from "./policy/identifiers.ts";
import { personalDataShape } from "./policy/personal-data.ts";
import { secretShape } from "./policy/secret-shape.ts";
import type { Notice } from "./ports.ts";

export interface EncodedNotice {
  /** `Fleetkey {severity}: {event}`: below 100 characters of ASCII, as SNS asks of what it sends by e-mail. */
  readonly subject: string;
  /** JSON on one line: service, event, severity, and fleet, subject and measures where the notice has them. */
  readonly message: string;
}

const service = "fleetkey";
const measuresLimit = 16;
const eventCharacters = 64;
const eventPattern = /^[a-z]+(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+$/;
const measurePattern = /^[a-z][A-Za-z0-9]{0,39}$/;
// RFC 5280 §4.1.2.2: at most 20 octets.
const serialNumberPattern = /^(?:[0-9a-f]{2}){8,20}$/;
const severities = { information: true, warning: true, critical: true } as const satisfies Record<
  Notice["severity"],
  true
>;

function refuse(what: string, fault: string): never {
  throw new AppError("notice_not_permitted", `notice ${what} ${fault}`);
}

/** @param remedy Follows the fault, which never repeats the value. */
function checkShape(what: string, value: string, remedy: string): void {
  const shape = personalDataShape(value) ?? secretShape(value);
  // 45 CFR 164.502(b): what people are told of holds the minimum necessary.
  if (shape !== undefined) refuse(what, `is shaped like ${shape}; ${remedy}`);
}

function checkEvent({ event, severity }: Notice): void {
  if (event.length > eventCharacters || !eventPattern.test(event)) {
    refuse(
      "event",
      `of ${event.length} characters is refused; limit ${eventCharacters}, dotted lower-case words such as fleet.created`,
    );
  }
  checkShape("event", event, "use other words");
  if (Object.hasOwn(severities, severity)) return;
  refuse("severity", `is refused; limit ${Object.keys(severities).join(", ")}`);
}

function checkFleet(fleet: string): void {
  checkShape("fleet", fleet, "use a name that is not");
  const decision = checkFleetId(fleet);
  if (!decision.allow) refuse("fleet", `is refused: ${decision.reason}`);
}

function checkSubject(subject: string): void {
  checkShape("subject", subject, "name a serial number, an authority or a device");
  if (serialNumberPattern.test(subject)) return;
  const decision = checkDeviceId(subject);
  if (!decision.allow) refuse("subject", `is refused: ${decision.reason}`);
}

/** `patientSsn` reads as `patient-ssn`, so that labels of personal numbers are seen. */
const words = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

function checkMeasures(measures: Readonly<Record<string, number>>): void {
  const entries = Object.entries(measures);
  if (entries.length > measuresLimit) {
    refuse("measures", `are ${entries.length}, limit ${measuresLimit}; tell what people act on`);
  }
  for (const [at, [name, value]] of entries.entries()) {
    const what = `measure ${at}`;
    if (!measurePattern.test(name)) {
      refuse(what, `has a name of ${name.length} characters; limit 40, camel case such as closedIntents`);
    }
    checkShape(`${what} name`, words(name), "use another word");
    if (!Number.isFinite(value)) refuse(what, "is no finite number; leave it out");
  }
}

/**
 * @throws AppError notice_not_permitted for what is shaped like a personal datum or a secret, or is not in the form
 * that a notice has. The message names the member, never its value.
 */
export function encodeNotice(notice: Notice): EncodedNotice {
  const { event, severity, fleet, subject, measures } = notice;
  checkEvent(notice);
  if (fleet !== undefined) checkFleet(fleet);
  if (subject !== undefined) checkSubject(subject);
  if (measures !== undefined) checkMeasures(measures);
  // Undefined members are not written; members that the type does not name are not taken.
  const message = JSON.stringify({ service, event, severity, fleet, subject, measures });
  return { subject: `Fleetkey ${severity}: ${event}`, message };
}
