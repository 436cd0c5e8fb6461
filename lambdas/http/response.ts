/** Room: lambdas/http. Answers: JSON, PEM chains, and public things with an ETag. */
import { hash } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { StoredObject } from "../../core/ports.ts";
import type { MediaType } from "../routes.ts";
import type { HttpEvent, HttpResult } from "./message.ts";

/** Whatever is not public is for its caller alone, so no cache may keep it. */
const privateHeaders = { "content-type": "application/json", "cache-control": "no-store" } as const;

export function jsonResult(
  statusCode: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): HttpResult {
  return { statusCode, headers: { ...privateHeaders, ...headers }, body: JSON.stringify(body) };
}

export interface CertificateAnswer {
  readonly serialNumber: string;
  readonly certificate: string;
  readonly chain: string;
}

/** JSON, or RFC 8555 §9.1 application/pem-certificate-chain: the certificate first, then its issuers. */
export function certificateResult(
  statusCode: number,
  answer: CertificateAnswer,
  accepted: MediaType,
  headers: Readonly<Record<string, string>> = {},
): HttpResult {
  if (accepted !== "application/pem-certificate-chain") return jsonResult(statusCode, answer, headers);
  return {
    statusCode,
    headers: { ...privateHeaders, "content-type": accepted, ...headers },
    body: answer.certificate + answer.chain,
  };
}

export function certificateLocation(fleet: string, serialNumber: string): { readonly location: string } {
  return { location: `/v1/fleets/${fleet}/certificates/${serialNumber}` };
}

/** A strong validator (RFC 9110 §8.8.3) of the octets of `body`. */
export function entityTag(body: string): string {
  return `"${hash("sha256", body, "base64url")}"`;
}

/** RFC 9110 §13.1.2: If-None-Match compares weakly, and `*` matches anything that exists. */
export function matches(condition: string | undefined, tag: string): boolean {
  if (condition === undefined) return false;
  return (
    condition === "*" || condition.split(",", 32).some((each) => each.trim().replace(/^W\//, "") === tag)
  );
}

/** What a gateway hands on as it stands; the rest is octets, in base64. */
const textual = /^(?:text\/|application\/(?:json|jose|jwk-set\+json|pem-certificate-chain)(?:$|[ ;]))/;

/**
 * What lies in the object store, with the caching it was published with; 304 when the client has it already.
 * @param answerOctets What an answer here holds. @default no limit
 * @throws AppError answer_too_large.
 */
export function objectResult(
  event: HttpEvent,
  object: StoredObject,
  answerOctets = Number.POSITIVE_INFINITY,
): HttpResult {
  const etag = entityTag(object.tag);
  const caching = object.cacheControl === undefined ? {} : { "cache-control": object.cacheControl };
  const headers = { ...caching, etag };
  if (matches(event.headers["if-none-match"], etag)) return { statusCode: 304, headers, body: "" };
  const { length } = object.body;
  if (length > answerOctets)
    throw new AppError(
      "answer_too_large",
      `the object has ${length} octets, an answer here holds ${answerOctets}; publish the fleet's artefacts under a ` +
        "domain of their own, or give the fleet a shorter crlWindowDays",
    );
  const isText = textual.test(object.contentType);
  return {
    statusCode: 200,
    headers: { "content-type": object.contentType, ...headers },
    body: Buffer.from(object.body).toString(isText ? "utf8" : "base64"),
    isBase64Encoded: !isText,
  };
}

/** A page of rows as text; `Link` (RFC 8288) names the next one, the same query with another cursor. */
export function pageResult(
  event: HttpEvent,
  body: string,
  type: MediaType,
  cursor: string | undefined,
): HttpResult {
  const headers = { ...privateHeaders, "content-type": type };
  if (cursor === undefined) return { statusCode: 200, headers, body };
  const query = new URLSearchParams(event.rawQueryString);
  query.set("cursor", cursor);
  return { statusCode: 200, headers: { ...headers, link: `<${event.rawPath}?${query}>; rel="next"` }, body };
}

/** A public answer that caches may keep for five minutes; 304 when the client has it already. */
export function publicResult(
  event: HttpEvent,
  body: string,
  type: MediaType,
  tag = entityTag(body),
): HttpResult {
  const headers = { "cache-control": "public, max-age=300", etag: tag };
  if (matches(event.headers["if-none-match"], tag)) return { statusCode: 304, headers, body: "" };
  return { statusCode: 200, headers: { "content-type": type, ...headers }, body };
}
