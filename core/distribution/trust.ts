/** Room: core/distribution. What relying parties pin: the fleet's roots. */
import { hash } from "node:crypto";
import { type Fleet, getFleet, type Issuer } from "../authority/issuer.ts";
import { encodePem } from "../formats/pem.ts";
import type { KeylessApp } from "../ports.ts";

/** PEM of the fleet's root certificates. Reads no key. @throws AppError not_found. */
export async function trustBundlePem(app: KeylessApp, request: { readonly fleet: string }): Promise<string> {
  return rootsOf(await getFleet(app, request.fleet))
    .map((raw) => encodePem("CERTIFICATE", raw))
    .join("");
}

/** Not retired, the oldest first. */
export function rootsInUse({ authorities }: Fleet): readonly Issuer[] {
  return authorities
    .filter(({ record }) => record.kind === "root" && record.state !== "retired")
    .toSorted((left, right) => left.record.createdAt - right.record.createdAt);
}

/** DER of the roots that are not retired, the oldest first. */
export function rootsOf(fleet: Fleet): readonly Uint8Array[] {
  return rootsInUse(fleet).map(({ certificate }) => certificate.raw);
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
