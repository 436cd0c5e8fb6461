/** CRLs for tests, signed by node:crypto keys of any authority algorithm. */
import { sign } from "node:crypto";
import { authorityAlgorithms } from "../../../core/formats/algorithms.ts";
import {
  encodeCertificateList,
  encodeTbsCertList,
  type RevokedCertificate,
  type TbsCertListTemplate,
} from "../../../core/formats/crl/certificate-list.ts";
import { encodeName } from "../../../core/formats/name.ts";
import { type Authority, rootTemplate } from "../x509/certificate-maker.ts";

export const thisUpdate = Date.UTC(2026, 0, 2, 3, 4, 5);
export const nextUpdate = Date.UTC(2026, 0, 9, 3, 4, 5);
export const pointUrl = "http://crl.fleet.example/default/issuing-1/0.crl";
export const distributionPoint = [{ kind: "uniformResourceIdentifier", value: pointUrl }] as const;

/** Of three kinds: no reason, a reason, a serial number that needs its sign octet. */
export const someRevoked: readonly RevokedCertificate[] = [
  { serialNumber: Buffer.from("01", "hex"), revocationDate: Date.UTC(2025, 11, 31, 23, 59, 59) },
  {
    serialNumber: Buffer.from("7f02030405060708090a0b0c0d0e0f10", "hex"),
    revocationDate: thisUpdate - 1000,
    reason: "keyCompromise",
  },
  {
    serialNumber: Buffer.from("f00102030405060708090a0b0c0d0e0f", "hex"),
    revocationDate: thisUpdate,
    reason: "superseded",
  },
];

/** A list of the authority whose certificate is made of `rootTemplate`. */
export function listTemplate(authority: Authority): TbsCertListTemplate {
  return {
    signature: authorityAlgorithms[authority.id].signature,
    issuer: encodeName(rootTemplate(authority).subject),
    thisUpdate,
    nextUpdate,
    revoked: someRevoked,
    authorityKeyIdentifier: authority.publicKey.keyIdentifier,
    number: 7,
    distributionPoint,
  };
}

/** Signs `tbs` with the authority's key, whatever it says of itself. */
export function signTbsCertList(authority: Authority, tbs: Uint8Array): Buffer {
  const { signature } = authorityAlgorithms[authority.id];
  return encodeCertificateList(tbs, signature, sign(signature.digest, tbs, authority.privateKey));
}

export function makeList(authority: Authority, changes: Partial<TbsCertListTemplate> = {}): Buffer {
  return signTbsCertList(authority, encodeTbsCertList({ ...listTemplate(authority), ...changes }));
}
