/** An issuer, its delegated responder and answers about its certificates, signed by node:crypto. For tests only. */
import { hash, sign } from "node:crypto";
import { authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import { name } from "../../../core/formats/name.ts";
import { type CertId, type CertIdHash, certIdOf } from "../../../core/formats/ocsp/cert-id.ts";
import {
  encodeBasicResponse,
  encodeResponseData,
  type ResponseDataTemplate,
} from "../../../core/formats/ocsp/response.ts";
import { encodePem } from "../../../core/formats/pem.ts";
import { subjectPublicKeyOf } from "../../../core/formats/spki.ts";
import { decodeCertificate } from "../../../core/formats/x509/certificate.ts";
import { extension } from "../../../core/formats/x509/extension.ts";
import { authorityKeyIdentifier } from "../../../core/formats/x509/extensions/authority-key-identifier.ts";
import { basicConstraints } from "../../../core/formats/x509/extensions/basic-constraints.ts";
import { extendedKeyUsage, keyPurposes } from "../../../core/formats/x509/extensions/extended-key-usage.ts";
import { keyUsage } from "../../../core/formats/x509/extensions/key-usage.ts";
import { ocspNoCheck } from "../../../core/formats/x509/extensions/ocsp-no-check.ts";
import { subjectKeyIdentifier } from "../../../core/formats/x509/extensions/subject-key-identifier.ts";
import {
  type Authority,
  deviceTemplate,
  makeAuthority,
  rootTemplate,
  signCertificate,
} from "../x509/certificate-maker.ts";

export interface Responder {
  readonly issuer: Authority;
  readonly root: Buffer;
  readonly device: Buffer;
  readonly responder: Authority;
  readonly certificate: Buffer;
}

/** A P-256 issuer with a device, and a responder whose key is of `id`. */
export function makeResponder(id: Authority["id"]): Responder {
  const [issuer, responder] = [makeAuthority("P-256"), makeAuthority(id)];
  const template = deviceTemplate(issuer, responder.publicKey);
  const certificate = signCertificate(issuer, {
    ...template,
    serialNumber: Buffer.of(0x77),
    subject: name([["commonName", "responder 1"]]),
    extensions: [
      extension(basicConstraints, { cA: false }, true),
      extension(keyUsage, new Set(["digitalSignature"] as const), true),
      extension(extendedKeyUsage, [keyPurposes.OCSPSigning], false),
      extension(ocspNoCheck, true, false),
      extension(subjectKeyIdentifier, responder.publicKey.keyIdentifier, false),
      extension(authorityKeyIdentifier, { keyIdentifier: issuer.publicKey.keyIdentifier }, false),
    ],
  });
  return {
    issuer,
    root: signCertificate(issuer, rootTemplate(issuer)),
    device: signCertificate(issuer, deviceTemplate(issuer, makeAuthority("P-256").publicKey)),
    responder,
    certificate,
  };
}

export const deviceSerial = "f00102030405060708090a0b0c0d0e0f";

/** The CertID of a certificate of the responder's issuer. */
export function certIdFor({ root, issuer }: Responder, hashAlgorithm: CertIdHash, serial: string): CertId {
  const { subjectRaw } = decodeCertificate(root).tbs;
  return certIdOf(hashAlgorithm, subjectRaw, subjectPublicKeyOf(issuer.publicKey), serial);
}

export type Answer = Omit<ResponseDataTemplate, "responderKeyHash">;

/** What the responder signs. */
export function responseData({ responder }: Responder, answer: Answer): Buffer {
  const responderKeyHash = hash("sha1", subjectPublicKeyOf(responder.publicKey), "buffer");
  return encodeResponseData({ ...answer, responderKeyHash });
}

/** The whole response over `tbs`, with the responder's certificate. */
export function signedResponse({ responder, certificate }: Responder, tbs: Uint8Array): Buffer {
  const { signature } = authorityAlgorithms[responder.id];
  const value = sign(signature.digest, tbs, responder.privateKey);
  return encodeBasicResponse(tbs, signature, value, [certificate]);
}

export const respond = (responder: Responder, answer: Answer): Buffer =>
  signedResponse(responder, responseData(responder, answer));

export const certificatePem = (der: Uint8Array): string => encodePem("CERTIFICATE", der);
