/** Room: cli. Roles of operators, as people write them. */
import { usageFailure } from "./failure.ts";

const known = ["owner", "securityOfficer", "provisioner", "auditor"];

/** `owner,auditor` as a list; throws `usage` for none and for a word that is no role. */
export function parseRoles(text: string | undefined): readonly string[] {
  const roles = (text ?? "").split(",").map((role) => role.trim());
  const stranger = roles.findIndex((role) => !known.includes(role));
  if (stranger === -1) return [...new Set(roles)];
  throw usageFailure(
    `--roles, word ${stranger + 1}, is no role; use some of ${known.join(", ")}, joined by commas`,
  );
}
