/** Room: core/fleets. An OpenID Connect issuer that a configuration names, of pipelines or of operators. */
import { AppError } from "../errors.ts";
import type { OperatorIssuer } from "../records/fleet-configuration.ts";

/** OpenID Connect Discovery 1.0 §4.1: https, no query, no fragment; and nobody's password in it. */
function checkHttps(url: string, what: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const extras = parsed === undefined ? "" : parsed.username + parsed.password + parsed.search + parsed.hash;
  if (parsed?.protocol !== "https:" || extras !== "")
    throw new AppError(
      "request_invalid",
      `${what} is no https URL without user, query and fragment; correct it`,
    );
}

/** @param what Whose issuer, for the message. @throws AppError request_invalid. */
export function checkIssuer(
  { issuer, jwksUri }: Pick<OperatorIssuer, "issuer" | "jwksUri">,
  what: string,
): void {
  checkHttps(issuer, `${what}: issuer`);
  if (jwksUri !== undefined) checkHttps(jwksUri, `${what}: jwksUri`);
}
