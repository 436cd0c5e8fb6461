/**
 * Room: core/protection. What is to be destroyed, judged by whoever asks people to approve it, and once more when it is
 * decided: an approval is kept for good, and nobody's name in one.
 */
import { AppError } from "../errors.ts";
import { checkSubject } from "../policy/encryption-context.ts";

export interface ShredScope {
  readonly scope: "subject" | "fleet";
  /** With scope `subject` alone: opaque, exactly as the data's writers give it. */
  readonly subject?: string;
}

/** @throws AppError request_invalid, name_not_permitted (the subject). */
export function checkShredScope({ scope, subject }: ShredScope): void {
  if (scope === "fleet" && subject !== undefined)
    throw new AppError("request_invalid", 'scope "fleet" takes no subject; leave it out, or take "subject"');
  if (scope === "fleet") return;
  if (subject === undefined)
    throw new AppError("request_invalid", 'scope "subject" needs a subject; name whose data it is');
  checkSubject(subject);
}
