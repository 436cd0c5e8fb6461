/**
 * Room: cli. The certificate whose status is asked, and the authority that issued it: an authority that a known root
 * vouches for, whoever brought its certificate.
 */
import { X509Certificate } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { decodeSubjectPublicKey } from "../core/formats/spki.ts";
import {
  type Certificate,
  decodeCertificate,
  verifyCertificateSignature,
} from "../core/formats/x509/certificate.ts";
import { serialNumberHex } from "../core/formats/x509/tbs-certificate.ts";
import { readFileBytes } from "./credential-files.ts";
import { Failure, usageFailure } from "./failure.ts";
import { fingerprintFlag } from "./global-flags.ts";
import { fingerprintOf, leadsToRoot, parseCertificates } from "./issued-certificate.ts";
import { parseSerialNumber } from "./serial-number.ts";
import { readRoots, withOperatorApi } from "./session.ts";
import { type Settings, systemRoots } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { pullTrustBundle } from "./trust-bundle.ts";
import { pullManifest } from "./trust-manifest.ts";
import { untrusted } from "./untrusted.ts";

export const askedFlags = {
  serial: { type: "string", valueHint: "HEX", description: "Serial number; the inventory knows the rest" },
  certificate: {
    type: "string",
    valueHint: "FILE",
    description: "The certificate itself, PEM with its chain if you have it, or DER; needs no credential",
  },
  issuer: {
    type: "string",
    valueHint: "FILE",
    description: "Certificate of the authority that issued it; the trust manifest has it too",
  },
  ...fingerprintFlag,
} as const;

export type AskedFlags = { readonly [flag in keyof typeof askedFlags]?: string | undefined };

export interface AskedCertificate {
  /** Lowercase hex. */
  readonly serialNumber: string;
  /** Absent where a serial number and its issuer are all that is known. */
  readonly certificate?: Certificate;
  readonly issuer: Certificate;
  /** PEM of the roots that vouch for connections to the service. */
  readonly ca: string;
}

const maximumOctets = 1_048_576;

/** Certificates of a PEM text or the one in DER. Throws `certificate_malformed`. */
async function readCertificates(path: string): Promise<readonly X509Certificate[]> {
  const octets = await readFileBytes(path, maximumOctets);
  const found = parseCertificates(octets.toString("latin1"), path);
  if (found.length > 0) return found;
  try {
    return [new X509Certificate(octets)];
  } catch (error) {
    const message = `${path} holds no certificate`;
    throw new Failure("localFile", "certificate_malformed", message, { cause: error });
  }
}

interface Given {
  readonly serialNumber: string;
  readonly leaf?: X509Certificate;
  /** Who may have issued it, or the issuer. */
  readonly candidates: readonly X509Certificate[];
}

async function lookUp(serialNumber: string, settings: Settings, terminal: Terminal): Promise<Given> {
  const { certificate, chain } = await withOperatorApi({ settings, terminal }, (api) =>
    api.show(serialNumber),
  );
  const [leaf, ...candidates] = parseCertificates(certificate + chain, "the service's answer");
  if (leaf !== undefined) return { serialNumber, leaf, candidates };
  throw untrusted("certificate_mismatch", "the service's answer holds no certificate", "check --url");
}

async function givenBy(flags: AskedFlags, settings: Settings, terminal: Terminal): Promise<Given> {
  const { serial, certificate, issuer } = flags;
  if ((serial === undefined) === (certificate === undefined))
    throw usageFailure("say which certificate: by --serial HEX or by --certificate FILE");
  const issuers = issuer === undefined ? [] : await readCertificates(issuer);
  if (certificate !== undefined) {
    const [leaf, ...others] = await readCertificates(certificate);
    const { tbs } = decodeCertificate(leaf?.raw ?? Buffer.alloc(0));
    const serialNumber = serialNumberHex(tbs.serialNumber);
    return { serialNumber, ...(leaf === undefined ? {} : { leaf }), candidates: [...issuers, ...others] };
  }
  const serialNumber = parseSerialNumber(serial ?? "");
  if (issuers.length > 0) return { serialNumber, candidates: issuers };
  return lookUp(serialNumber, settings, terminal);
}

async function isIssuerOf(issuer: Certificate, { raw }: X509Certificate): Promise<boolean> {
  const certificate = decodeCertificate(raw);
  if (Buffer.compare(issuer.tbs.subjectRaw, certificate.tbs.issuerRaw) !== 0) return false;
  try {
    const key = decodeSubjectPublicKey(issuer.tbs.subjectPublicKeyInfo);
    return await verifyCertificateSignature(certificate, key);
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

async function issuerAmong(
  leaf: X509Certificate | undefined,
  candidates: readonly X509Certificate[],
): Promise<X509Certificate | undefined> {
  if (leaf === undefined) return candidates[0];
  for (const candidate of candidates)
    if (await isIssuerOf(decodeCertificate(candidate.raw), leaf)) return candidate;
  return undefined;
}

/** Authorities that the trust manifest names, and its roots. */
async function publishedAuthorities(
  settings: Settings,
  fingerprint: string | undefined,
  terminal: Terminal,
): Promise<readonly X509Certificate[]> {
  const { manifest } = await pullManifest({ settings, fingerprint }, terminal);
  return [...manifest.authorities, ...manifest.roots].map(
    ({ certificate }) => new X509Certificate(Buffer.from(certificate, "base64")),
  );
}

function assertVouchedFor(
  issuer: X509Certificate,
  others: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): void {
  const isRoot = roots.some((root) => fingerprintOf(root) === fingerprintOf(issuer));
  if (issuer.ca && (isRoot || leadsToRoot(issuer, others, roots))) return;
  throw untrusted(
    "issuer_untrusted",
    "the certificate's issuer is no authority that a root which is trusted here vouches for",
    "name the fleet's roots with --ca FILE or --fingerprint HEX; is the certificate of another fleet?",
  );
}

/**
 * Throws `usage` unless exactly one certificate is named; `issuer_unknown`, `issuer_untrusted` (exit `untrusted`) when
 * it is not of an authority that the known roots vouch for.
 */
export async function findAsked(
  flags: AskedFlags,
  settings: Settings,
  terminal: Terminal,
): Promise<AskedCertificate> {
  const { serialNumber, leaf, candidates } = await givenBy(flags, settings, terminal);
  const { pem } = await pullTrustBundle(settings, flags.fingerprint, terminal);
  const roots = parseCertificates(pem, "the trust bundle");
  const own = [...candidates, ...roots];
  const more = async () => publishedAuthorities(settings, flags.fingerprint, terminal);
  const issuer = (await issuerAmong(leaf, own)) ?? (await issuerAmong(leaf, await more()));
  if (issuer === undefined)
    throw untrusted(
      "issuer_unknown",
      "no authority of the fleet has issued this certificate",
      "check --fleet and --url, or name its issuer with --issuer FILE",
    );
  assertVouchedFor(issuer, candidates, roots);
  return {
    serialNumber,
    ...(leaf === undefined ? {} : { certificate: decodeCertificate(leaf.raw) }),
    issuer: decodeCertificate(issuer.raw),
    ca: settings.ca.value === systemRoots ? await readRoots(settings) : pem,
  };
}
