/** Room: core/formats. SingleResponse (RFC 6960 §4.2.1): what is known about one certificate, and from when on. */
import type { CrlReason } from "../crl/reason.ts";
import type { DerCursor } from "../der/cursor.ts";
import { contextTag } from "../der/tag.ts";
import {
  encodeContext,
  encodeGeneralizedTimeElement,
  encodePrimitiveContext,
  encodeSequence,
} from "../der/writer.ts";
import { decodeExtensions } from "../x509/extension.ts";
import { crlReason } from "../x509/extensions/crl-reason.ts";
import { type CertId, decodeCertId, encodeCertId } from "./cert-id.ts";
import { checkExtensions } from "./extensions.ts";
import { malformedOcsp } from "./malformed.ts";

/** Times are milliseconds since the epoch, whole seconds, everywhere in a response. */
export type CertStatus =
  | { readonly kind: "good" }
  | { readonly kind: "revoked"; readonly revocationTime: number; readonly reason?: CrlReason }
  | { readonly kind: "unknown" };

/** RFC 6960 §2.2: what is said of a number that was never issued, together with `extendedRevoke`. */
export const neverIssued: CertStatus = { kind: "revoked", revocationTime: 0, reason: "certificateHold" };

export interface SingleResponse {
  readonly certId: CertId;
  readonly status: CertStatus;
  readonly thisUpdate: number;
  /** RFC 6960 §2.4: left out, newer information is there at any time. */
  readonly nextUpdate?: number;
}

const nothing = new Uint8Array();

function encodeStatus(status: CertStatus): Buffer {
  switch (status.kind) {
    case "good":
      return encodePrimitiveContext(0, nothing);
    case "unknown":
      return encodePrimitiveContext(2, nothing);
    case "revoked": {
      const time = encodeGeneralizedTimeElement(status.revocationTime);
      const { reason } = status;
      if (reason === undefined) return encodeContext(1, time);
      // CRLReason is the same ENUMERATED as in a CRL's entry.
      return encodeContext(1, time, encodeContext(0, crlReason.encode(reason)));
    }
  }
}

export function encodeSingleResponse({ certId, status, thisUpdate, nextUpdate }: SingleResponse): Buffer {
  return encodeSequence(
    encodeCertId(certId),
    encodeStatus(status),
    encodeGeneralizedTimeElement(thisUpdate),
    ...(nextUpdate === undefined ? [] : [encodeContext(0, encodeGeneralizedTimeElement(nextUpdate))]),
  );
}

function decodeRevoked(info: DerCursor): CertStatus {
  const revocationTime = info.generalizedTime();
  const explicit = info.optionalContext(0);
  info.done();
  if (explicit === undefined) return { kind: "revoked", revocationTime };
  const reason = crlReason.decode(explicit.element().raw);
  explicit.done();
  return { kind: "revoked", revocationTime, reason };
}

function decodeStatus(fields: DerCursor): CertStatus {
  const revoked = fields.optionalContext(1);
  if (revoked !== undefined) return decodeRevoked(revoked);
  const { tag: kind, content } = fields.element();
  if (content.length === 0 && kind === contextTag(0, false)) return { kind: "good" };
  if (content.length === 0 && kind === contextTag(2, false)) return { kind: "unknown" };
  throw malformedOcsp("certificate status is none of good, revoked and unknown");
}

function decodeNextUpdate(fields: DerCursor): number | undefined {
  const explicit = fields.optionalContext(0);
  const time = explicit?.generalizedTime();
  explicit?.done();
  return time;
}

/** Extensions are checked and dropped: those of RFC 6960 §4.4 tell of CRLs, archives and timestamps. */
function skipExtensions(fields: DerCursor): void {
  const explicit = fields.optionalContext(1);
  if (explicit === undefined) return;
  checkExtensions(decodeExtensions(explicit));
  explicit.done();
}

/** Reads the SingleResponse inside `fields`. @throws AppError ocsp_malformed, der_malformed. */
export function decodeSingleResponse(fields: DerCursor): SingleResponse {
  const certId = decodeCertId(fields);
  const status = decodeStatus(fields);
  const thisUpdate = fields.generalizedTime();
  const nextUpdate = decodeNextUpdate(fields);
  skipExtensions(fields);
  fields.done();
  return { certId, status, thisUpdate, ...(nextUpdate === undefined ? {} : { nextUpdate }) };
}
