/** Room: core/distribution. What relying parties pin: the fleet's roots. */
import { hash } from "node:crypto";
import { type Fleet, getFleet } from "../authority/issuer.ts";
import { encodePem } from "../formats/pem.ts";
import type { KeylessApp } from "../ports.ts";

/** PEM of the fleet's root certificates. Reads no key. @throws AppError not_found. */
export async function trustBundlePem(app: KeylessApp, request: { readonly fleet: string }): Promise<string> {
  return rootsOf(await getFleet(app, request.fleet))
    .map((raw) => encodePem("CERTIFICATE", raw))
    .join("");
}

/** DER of the roots that are not retired. */
export function rootsOf(fleet: Fleet): readonly Uint8Array[] {
  return fleet.authorities
    .filter(({ record }) => record.kind === "root" && record.state !== "retired")
    .map(({ certificate }) => certificate.raw);
}

/** DER of roots and issuing authorities that are not retired, each issuer before what it issued. */
export function authoritiesOf(fleet: Fleet): readonly Uint8Array[] {
  const issuing = fleet.authorities.filter(
    ({ record }) => record.kind !== "root" && record.state !== "retired",
  );
  return [...rootsOf(fleet), ...issuing.map(({ certificate }) => certificate.raw)];
}

/** SHA-256 of a certificate's DER, lowercase hexadecimal. */
export function certificateFingerprint(raw: Uint8Array): string {
  return hash("sha256", raw);
}
