/** Room: cli. What a device checks before it takes a certificate for its own. */
import { X509Certificate } from "node:crypto";
import type { IssuedCertificate } from "../lambdas/http/answer-schemas.ts";
import { Failure } from "./failure.ts";

const maximumPathLength = 5;

/** Every certificate of a PEM text; throws `certificate_malformed` naming `origin` if one cannot be read. */
export function parseCertificates(pem: string, origin: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new Failure(
      "localFile",
      "certificate_malformed",
      `${origin} holds a certificate that cannot be read`,
      {
        cause: error,
      },
    );
  }
}

/** SHA-256 of the whole certificate, lowercase hex, as `rootFingerprint` is printed everywhere. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/**
 * True if `leaf` leads over `intermediates` to one of `roots`, every signature verified. Roots certify one another
 * (RFC 9810 §4.4), so there may be several ways up, and rings among them.
 */
export function leadsToRoot(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  const seen = new Set([leaf]);
  let level = [leaf];
  for (let length = 0; length < maximumPathLength && level.length > 0; length++) {
    if (level.some((subject) => roots.some((root) => isSignedBy(subject, root)))) return true;
    const above = intermediates.filter(
      (issuer) => !seen.has(issuer) && level.some((subject) => isSignedBy(subject, issuer)),
    );
    for (const issuer of above) seen.add(issuer);
    level = above;
  }
  return false;
}

/**
 * Throws `certificate_mismatch` unless the answer is for our key and our name and leads to a root we hold.
 * `publicKey` is the SubjectPublicKeyInfo of the CSR, DER.
 */
export function checkIssued(
  issued: IssuedCertificate,
  publicKey: Uint8Array,
  deviceId: string,
  roots: string,
): void {
  const [leaf] = parseCertificates(issued.certificate, "the service's answer");
  if (leaf === undefined) throw mismatch("holds no certificate");
  if (!leaf.publicKey.export({ type: "spki", format: "der" }).equals(publicKey))
    throw mismatch("is for another key");
  if (leaf.subject !== `CN=${deviceId}`) throw mismatch("is for another device");
  const intermediates = parseCertificates(issued.chain, "the service's answer");
  if (!leadsToRoot(leaf, intermediates, parseCertificates(roots, "the trust bundle"))) {
    throw mismatch("does not lead to a root of the fleet");
  }
}

function mismatch(what: string): Failure {
  return new Failure("refused", "certificate_mismatch", `the certificate that the service sent ${what}`, {
    remedy: "nothing was installed; check --url and --fleet, and tell the service's operators",
  });
}
