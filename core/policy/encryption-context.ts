/**
 * Room: core/policy. What a ciphertext may be bound to. A context travels in the clear beside the ciphertext and stands
 * in the log of the key service, so it holds opaque values only (45 CFR 164.514(b)(2)(i)).
 */
import { AppError } from "../errors.ts";
import type { EncryptionContext } from "../protection-values.ts";
import { protectionStandard } from "../standard/protection.ts";
import { personalDataShape } from "./personal-data.ts";
import { secretShape } from "./secret-shape.ts";

const { extraMembers, nameCharacters, valueCharacters, reservedPurpose } = protectionStandard.context;

const namePattern = /^[a-z][a-z0-9-]{0,31}$/;
const purposePattern = /^[a-z][a-z0-9-]{0,31}$/;
const valuePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/;
const subjectPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,62}[A-Za-z0-9])?$/;

/** What a caller says of the data; `fleet` is the path's own. */
export interface ContextRequest {
  /** What the data is for: a word of the fleet's own, such as `observations`. */
  readonly purpose: string;
  /** Whose data it is: an opaque id. */
  readonly subject: string;
  /** More opaque members, such as a record's id. @default none */
  readonly extra?: EncryptionContext;
}

function refuse(message: string): never {
  throw new AppError("request_invalid", message);
}

/** RFC 9562 §4. Most ids are made so, and with a prefix they are as long as a token: not for that are they refused. */
const uuid = /(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])/gi;

function shapeOf(value: string): string | undefined {
  const rest = value.replaceAll(uuid, "id");
  return personalDataShape(rest) ?? secretShape(rest);
}

/** Of callers whose compiler did not look. */
function checkText(name: string, value: unknown): void {
  if (typeof value !== "string") refuse(`context "${name}" is no text; give one`);
}

// Messages name the member and never its value: that may be the very datum which must not travel.
function checkOpaque(name: string, value: string): void {
  const shape = shapeOf(value);
  if (shape === undefined) return;
  throw new AppError("name_not_permitted", `context "${name}" is shaped like ${shape}; use an opaque value`);
}

/** A name is text of the caller's own, as its value is, so a refusal repeats neither. */
function checkName(name: string): void {
  if (!namePattern.test(name) || name.startsWith("aws-"))
    refuse(
      `a name in the context, of ${name.length} characters, is refused; limit 1 to ${nameCharacters} of a-z, ` +
        'digits and hyphens, a letter first, not beginning with "aws-"',
    );
  const shape = shapeOf(name);
  if (shape === undefined) return;
  throw new AppError(
    "name_not_permitted",
    `a name in the context is shaped like ${shape}; use a word for what the value is`,
  );
}

function checkExtra(extra: EncryptionContext): void {
  const members = Object.entries(extra);
  if (members.length > extraMembers)
    refuse(`context has ${members.length} members besides purpose and subject, limit ${extraMembers}`);
  for (const [name, value] of members) {
    checkName(name);
    if ((protectionStandard.context.required as readonly string[]).includes(name))
      refuse(`context "${name}" is given twice; leave it out of the extra members`);
    checkText(name, value);
    if (!valuePattern.test(value))
      refuse(
        `context "${name}" has ${value.length} characters; limit 1 to ${valueCharacters} of letters, digits, ` +
          "dot, underscore, colon and hyphen, a letter or a digit at both ends",
      );
    checkOpaque(name, value);
  }
}

/** @throws AppError request_invalid, name_not_permitted. */
export function checkSubject(subject: string): void {
  checkText("subject", subject);
  if (!subjectPattern.test(subject))
    refuse(
      `subject has ${subject.length} characters; limit 1 to 64 of letters, digits, dot, underscore, colon and ` +
        "hyphen, a letter or a digit at both ends",
    );
  checkOpaque("subject", subject);
}

/** @throws AppError request_invalid, name_not_permitted. */
export function checkPurpose(purpose: string): void {
  checkText("purpose", purpose);
  if (!purposePattern.test(purpose))
    refuse(
      `purpose has ${purpose.length} characters; limit 1 to ${nameCharacters} of a-z, digits and hyphens, a letter first`,
    );
  if (purpose.startsWith(reservedPurpose))
    refuse(`purposes that begin with "${reservedPurpose}" are the service's own; take another`);
  checkOpaque("purpose", purpose);
}

/**
 * The whole context of a caller's data.
 * @throws AppError request_invalid (a form or a count), name_not_permitted (shaped like a personal datum or a secret).
 */
export function encryptionContext(fleet: string, request: ContextRequest): EncryptionContext {
  const { purpose, subject, extra = {} } = request;
  checkPurpose(purpose);
  checkSubject(subject);
  checkExtra(extra);
  return { ...extra, fleet, purpose, subject };
}

/** Whether two contexts say the same: no member more, none less. */
export function isSameContext(left: EncryptionContext, right: EncryptionContext): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && left[name] === right[name]);
}
