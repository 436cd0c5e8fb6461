/**
 * Room: core/distribution. Reads the payload of a trust manifest: strict about what it knows, indifferent to members
 * that later releases add. Nothing is verified here but that fingerprints and thumbprints are what they name.
 */
import { hash } from "node:crypto";
import { AppError, isAppError } from "../errors.ts";
import { repeatedMember } from "../formats/json-members.ts";
import { jwkThumbprint, type PublicJwk } from "../formats/jwk.ts";
import {
  type CrossCertified,
  manifestType,
  type PublishedJwk,
  type TrustedAuthority,
  type TrustedRoot,
  type TrustManifest,
} from "./trust-manifest.ts";

type Members = Readonly<Record<string, unknown>>;

/** @param options.cause Left out where it would quote what was sent. */
export const malformedManifest = (what: string, options?: ErrorOptions): AppError =>
  new AppError("trust_malformed", `not a trust manifest: ${what}`, options);

function members(value: unknown, what: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw malformedManifest(`${what} is not an object`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformedManifest(`"${what}" is not a list`);
}

function text(object: Members, member: string): string {
  const value = object[member];
  if (typeof value === "string" && value !== "") return value;
  throw malformedManifest(`"${member}" is not a text`);
}

function count(object: Members, member: string): number {
  const value = object[member];
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value);
  throw malformedManifest(`"${member}" is not a whole number from 1`);
}

function word<Word extends string>(object: Members, member: string, words: readonly Word[]): Word {
  const found = words.find((each) => each === object[member]);
  if (found !== undefined) return found;
  throw malformedManifest(`"${member}" is none of ${words.join(", ")}`);
}

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

function time(object: Members, member: string): string {
  const value = text(object, member);
  const parsed = timePattern.test(value) ? Date.parse(value) : Number.NaN;
  // Date.parse takes 30 February; what it makes of it reads otherwise.
  if (!Number.isNaN(parsed) && new Date(parsed).toISOString() === value.replace("Z", ".000Z")) return value;
  throw malformedManifest(`"${member}" is not a time such as 2026-03-01T12:00:00Z`);
}

const sha256Pattern = /^[0-9a-f]{64}$/;

function certified(object: Members, what: string) {
  const certificate = text(object, "certificate");
  const der = Buffer.from(certificate, "base64");
  if (der.toString("base64") !== certificate)
    throw malformedManifest(`a certificate of ${what} is not base64`);
  const sha256 = text(object, "sha256");
  if (hash("sha256", der) !== sha256) throw malformedManifest(`a fingerprint of ${what} is another's`);
  return { certificate, sha256 };
}

function authority(value: unknown, what: string) {
  const object = members(value, what);
  return { object, read: { authorityId: text(object, "authorityId"), ...certified(object, what) } };
}

function root(value: unknown): TrustedRoot {
  const { object, read } = authority(value, "roots");
  return { ...read, crl: text(object, "crl") };
}

function issuing(value: unknown): TrustedAuthority {
  const { object, read } = authority(value, "authorities");
  return {
    ...read,
    issuer: text(object, "issuer"),
    state: word(object, "state", ["published", "active", "draining", "retired"]),
    crl: text(object, "crl"),
  };
}

/** Absent from manifests of earlier releases. */
function crossCertificates(value: unknown, roots: readonly TrustedRoot[]): readonly CrossCertified[] {
  if (value === undefined) return [];
  return list(value, "crossCertificates").map((one) => {
    const object = members(one, "crossCertificates");
    const [subject, issuer] = [text(object, "subject"), text(object, "issuer")];
    const known = [subject, issuer].every((id) => roots.some(({ authorityId }) => authorityId === id));
    if (!known || subject === issuer)
      throw malformedManifest("a cross certificate is not between two of its roots");
    return { subject, issuer, ...certified(object, "crossCertificates") };
  });
}

function publicJwk(object: Members): PublicJwk {
  const kty = word(object, "kty", ["EC", "RSA", "OKP", "AKP"]);
  switch (kty) {
    case "EC":
      return { kty, crv: text(object, "crv"), x: text(object, "x"), y: text(object, "y") };
    case "RSA":
      return { kty, n: text(object, "n"), e: text(object, "e") };
    case "OKP":
      return { kty, crv: text(object, "crv"), x: text(object, "x") };
    case "AKP":
      return { kty, alg: text(object, "alg"), pub: text(object, "pub") };
  }
}

function publishedJwk(value: unknown): PublishedJwk {
  const object = members(value, "a key");
  const jwk = publicJwk(object);
  const kid = text(object, "kid");
  if (jwkThumbprint(jwk) !== kid) throw malformedManifest('a "kid" is not its key\'s thumbprint');
  return { ...jwk, kid, alg: text(object, "alg"), use: word(object, "use", ["sig"]) };
}

function previous(object: Members, version: number): { readonly previous?: string } {
  const value = object["previous"];
  if (version === 1 && value === undefined) return {};
  if (version > 1 && typeof value === "string" && sha256Pattern.test(value)) return { previous: value };
  throw malformedManifest('"previous" is not the SHA-256 of the version before; version 1 has none');
}

function parse(payload: Uint8Array): Members {
  try {
    const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    const value: unknown = JSON.parse(json);
    // RFC 8259 §4: of two members of one name, readers would differ on which counts.
    if (repeatedMember(json)) throw malformedManifest("a member stands twice");
    return members(value, "the payload");
  } catch (error) {
    if (isAppError(error)) throw error;
    throw malformedManifest("the payload is not JSON in UTF-8");
  }
}

function times(object: Members): Pick<TrustManifest, "issuedAt" | "notBefore" | "nextUpdate"> {
  const [issuedAt, notBefore, nextUpdate] = [
    time(object, "issuedAt"),
    time(object, "notBefore"),
    time(object, "nextUpdate"),
  ];
  if (notBefore <= issuedAt && issuedAt < nextUpdate) return { issuedAt, notBefore, nextUpdate };
  throw malformedManifest('"notBefore", "issuedAt" and "nextUpdate" are not in this order');
}

function nonEmpty<Value>(values: readonly Value[], what: string): readonly Value[] {
  if (values.length > 0) return values;
  throw malformedManifest(`"${what}" is empty`);
}

/** @throws AppError trust_malformed. */
export function decodeManifest(payload: Uint8Array): TrustManifest {
  const object = parse(payload);
  const version = count(object, "version");
  const keys = members(object["keys"], '"keys"');
  list(object["sshAuthorities"], "sshAuthorities");
  const roots = nonEmpty(list(object["roots"], "roots").map(root), "roots");
  return {
    type: word(object, "type", [manifestType]),
    fleet: text(object, "fleet"),
    trustDomain: text(object, "trustDomain"),
    version,
    ...times(object),
    roots,
    authorities: list(object["authorities"], "authorities").map(issuing),
    crossCertificates: crossCertificates(object["crossCertificates"], roots),
    crl: { windowDays: count(members(object["crl"], '"crl"'), "windowDays") },
    ocsp: text(object, "ocsp"),
    keys: { keys: list(keys["keys"], "keys").map(publishedJwk) },
    sshAuthorities: [],
    signers: nonEmpty(list(object["signers"], "signers").map(publishedJwk), "signers"),
    ...previous(object, version),
  };
}
