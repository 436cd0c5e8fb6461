/** Room: core/enrollment. When to renew, for the holder of a certificate who asks: ACME renewal information (RFC 9773). */
import { AppError } from "../errors.ts";
import { decodeCertificate } from "../formats/x509/certificate.ts";
import { issuerKeyIdentifier, parseRenewalCertId } from "../formats/x509/renewal-cert-id.ts";
import type { KeylessApp } from "../ports.ts";
import { type CertificateRecord, certificateKey, certificateRecord } from "../records/certificate-record.ts";
import { type RenewalWindow, renewalWindows, renewalWindowsKey } from "../records/renewal-window-record.ts";
import { holdReason } from "../revocation/reason.ts";
import { rotationStandard } from "../standard/rotation.ts";
import { isoSeconds } from "./answer.ts";
import { type RenewedCertificate, renewalPlace, renewalTime } from "./renewal-time.ts";

export interface WindowTimes {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  /** The window that people pulled it into. */
  readonly pulled?: RenewalWindow;
}

/** Long enough for whoever looks by the hour, and for a client that takes any time of it, as RFC 9773 §4.2 has it. */
const ownMilliseconds = 3_600_000;

type Windowed = RenewedCertificate &
  Pick<
    CertificateRecord,
    "authorityId" | "state" | "createdAt" | "issuedAt" | "revokedAt" | "revocationReason"
  >;

const isAbout = (window: RenewalWindow, { authorityId, issuedAt, createdAt }: Windowed): boolean =>
  (window.authorityId ?? authorityId) === authorityId && (issuedAt ?? createdAt) < window.issuedBefore;

/** Certificates keep their order in every window, so that a fleet is spread in each of them. */
const placeIn = ({ from, until }: RenewalWindow, serialNumber: string): number =>
  Math.floor(from + (until - from) * renewalPlace(serialNumber));

/**
 * When the certificate is to be renewed: an hour from its own place on, or from its place in a window that people
 * pulled it into, if that is sooner. Of a revoked one, before `now` (RFC 9773 §4.2); of one on hold, as of any other.
 */
export function windowFor(record: Windowed, windows: readonly RenewalWindow[], now: number): WindowTimes {
  if (record.state === "revoked" && record.revocationReason !== holdReason) {
    const end = Math.min(record.revokedAt ?? now, now - 1_000);
    return { start: end - ownMilliseconds, end };
  }
  let start = renewalTime(record);
  let pulled: RenewalWindow | undefined;
  for (const window of windows.filter((each) => isAbout(each, record))) {
    const place = placeIn(window, record.serialNumber);
    if (place < start) [start, pulled] = [place, window];
  }
  return { start, end: start + ownMilliseconds, ...(pulled === undefined ? {} : { pulled }) };
}

/** RFC 9773 §4.2. */
export interface RenewalInfo {
  readonly suggestedWindow: {
    /** ISO 8601, UTC. */
    readonly start: string;
    readonly end: string;
  };
  readonly explanationURL?: string;
}

export interface RenewalAnswer {
  readonly info: RenewalInfo;
  /** Seconds after which it is worth asking again (RFC 9773 §4.3). */
  readonly retryAfter: number;
}

function hasIssuer({ certificate }: CertificateRecord, keyIdentifier: Buffer): boolean {
  if (certificate === undefined) return false;
  const own = issuerKeyIdentifier(decodeCertificate(certificate));
  return own !== undefined && keyIdentifier.equals(own);
}

/**
 * Two reads, side by side; nothing is written, and a suspended fleet answers too.
 * @throws AppError request_invalid (certId); not_found: no such certificate in the fleet.
 */
export async function renewalInfo(
  app: KeylessApp,
  { fleet, certId }: { readonly fleet: string; readonly certId: string },
): Promise<RenewalAnswer> {
  const { keyIdentifier, serialNumber } = parseRenewalCertId(certId);
  const [item, windows] = await Promise.all([
    app.items.get(certificateKey(fleet, serialNumber)),
    app.items.get(renewalWindowsKey(fleet)),
  ]);
  const record = item === undefined ? undefined : certificateRecord(item).value;
  if (record === undefined || !hasIssuer(record, keyIdentifier))
    throw new AppError("not_found", `there is no certificate "${certId}" in fleet "${fleet}"`);
  const known = windows === undefined ? [] : renewalWindows(windows).value;
  const { start, end, pulled } = windowFor(record, known, app.clock.now());
  const explanation = pulled?.explanationUrl === undefined ? {} : { explanationURL: pulled.explanationUrl };
  return {
    info: { suggestedWindow: { start: isoSeconds(start), end: isoSeconds(end) }, ...explanation },
    retryAfter: rotationStandard.renewalInfoSeconds,
  };
}
