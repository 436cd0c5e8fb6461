/**
 * Room: lambdas/http. Reading events: sizes are judged before anything is decoded, and every decoding is
 * strict, because what two readers understand differently is where attacks live.
 */
import { isUtf8 } from "node:buffer";
import { AppError } from "../../core/errors.ts";
import { decodePem } from "../../core/formats/pem.ts";
import type { MediaType, Route } from "../routes.ts";
import type { HttpEvent } from "./message.ts";

/** Octets of a request body; a CSR has a limit of its own in core, a quarter of this. */
export const bodyLimit = 65_536;

/** Octets of a body that this row takes; of a path that is none, as for most. */
export function bodyLimitOf(route: Route | undefined): number {
  return route?.bodyBytes ?? bodyLimit;
}

/** @throws AppError request_too_large, before any octet is decoded. */
export function checkBodySize(event: HttpEvent, limit: number = bodyLimit): void {
  const length = event.body?.length ?? 0;
  // Base64 carries 3 octets in 4 characters; a character of text is at least one octet.
  const atLeast = event.isBase64Encoded ? Math.floor(length / 4) * 3 - 2 : length;
  if (atLeast > limit || (!event.isBase64Encoded && Buffer.byteLength(event.body ?? "") > limit)) {
    throw new AppError("request_too_large", `request body exceeds ${limit} octets; send less`);
  }
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** RFC 4648 §3.5: canonical padding and zero pad bits, no other character; undefined when it is not that. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !base64.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** The body's octets; none when there is no body. */
export function bodyBytes(event: HttpEvent): Buffer {
  const body = event.body ?? "";
  if (!event.isBase64Encoded) return Buffer.from(body, "utf8");
  const bytes = decodeBase64(body);
  if (bytes === undefined) throw new AppError("request_invalid", "request body is not valid base64");
  return bytes;
}

function bodyText(event: HttpEvent): string {
  if (!event.isBase64Encoded) return event.body ?? "";
  const bytes = bodyBytes(event);
  if (!isUtf8(bytes)) throw new AppError("request_invalid", "request body is not UTF-8; encode it as UTF-8");
  return bytes.toString("utf8");
}

/** The JSON value of the body; `{}` when there is no body. @throws AppError request_invalid. */
export function bodyJson(event: HttpEvent): unknown {
  const text = bodyText(event);
  if (text.length === 0) return {};
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, so it stays here.
    throw new AppError("request_invalid", "request body is not JSON (RFC 8259); check quotes and commas");
  }
}

const parameter = /^[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*$/i;

/** Gateways leave an absent body out; emulators of them send null. */
const hasNoBody = (event: HttpEvent): boolean => (event.body ?? "") === "";

/**
 * The media type of the body, one of `consumes`. A body needs a Content-Type; without a body any is fine.
 * @throws AppError media_type_unsupported.
 */
export function mediaType(event: HttpEvent, consumes: readonly MediaType[]): MediaType | undefined {
  if (hasNoBody(event)) return undefined;
  const [essence = "", ...parameters] = (event.headers["content-type"] ?? "").split(";", 3);
  const name = essence.trim().toLowerCase();
  const found = consumes.find((type) => type === name);
  const readable = found !== "application/json" || parameters.every((each) => parameter.test(each));
  if (found === undefined || !readable) {
    throw new AppError("media_type_unsupported", `Content-Type must be ${consumes.join(" or ")}, in UTF-8`);
  }
  return found;
}

const pemStart = "-----BEGIN ";

/**
 * DER of the one PKCS #10 request in `text`: PEM, or base64 of DER with line breaks where the sender likes.
 * @throws AppError pem_malformed, csr_malformed.
 */
export function csrFromText(text: string): Buffer {
  if (text.includes(pemStart)) {
    const [der, ...others] = decodePem(text, "CERTIFICATE REQUEST");
    if (der === undefined || others.length > 0) {
      throw new AppError(
        "pem_malformed",
        `PEM holds ${others.length + (der ? 1 : 0)} requests; send exactly 1`,
      );
    }
    return der;
  }
  const der = decodeBase64(text.replaceAll(/[ \t\r\n]/g, ""));
  if (der === undefined || der.length === 0) {
    throw new AppError("csr_malformed", "CSR is neither PEM nor DER nor base64 of DER; send one of these");
  }
  return der;
}

// DER of a SEQUENCE starts with 0x30, which is "0" in ASCII; its base64 starts with "M", its PEM with "-".
const sequenceTag = 0x30;

/** DER of an application/pkcs10 body (RFC 5967; RFC 8951 §3.1 asks readers to take base64 too). */
export function csrFromBody(event: HttpEvent): Buffer {
  const bytes = bodyBytes(event);
  if (bytes.length === 0) throw new AppError("csr_malformed", "request has no body; send a PKCS #10 request");
  return bytes[0] === sequenceTag ? bytes : csrFromText(bytes.toString("latin1"));
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

const quality = /^[ \t]*q=(?<value>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*$/i;

function parseRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";", 8);
  const weight = parameters.map((each) => quality.exec(each)?.groups?.["value"]).find((value) => value);
  return { type: type.trim().toLowerCase(), quality: weight === undefined ? 1 : Number(weight) };
}

/** RFC 9110 §12.5.1: the most specific range that covers the type decides its weight. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const [family] = type.split("/", 1);
  for (const candidate of [type, `${family}/*`, "*/*"]) {
    const range = ranges.find((each) => each.type === candidate);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

/**
 * The one of `produces` that the client likes best; the earlier one where it likes two the same.
 * @throws AppError not_acceptable.
 */
export function negotiate(event: HttpEvent, produces: readonly [MediaType, ...MediaType[]]): MediaType {
  const accept = event.headers["accept"];
  const [preferred] = produces;
  if (accept === undefined || accept === "*/*" || accept === preferred) return preferred;
  const ranges = accept.split(",", 32).map(parseRange);
  const best = produces
    .map((type) => ({ type, weight: weightOf(type, ranges) }))
    .reduce((first, second) => (second.weight > first.weight ? second : first));
  if (best.weight === 0) {
    throw new AppError("not_acceptable", `Accept must allow ${produces.join(" or ")}`);
  }
  return best.type;
}
