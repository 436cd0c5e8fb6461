/** What an OCSP answer must be before it is believed. */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ocspQuestion, provedStatus } from "../../cli/ocsp-question.ts";
import { signatureAlgorithms } from "../../core/formats/algorithms.ts";
import { certIdOf } from "../../core/formats/ocsp/cert-id.ts";
import { decodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import {
  encodeBasicResponse,
  encodeOcspError,
  encodeResponseData,
  ocspResponseStatus,
  type SingleResponse,
} from "../../core/formats/ocsp/response.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeSubjectPublicKey, subjectPublicKeyOf } from "../../core/formats/spki.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { type Extension, extension } from "../../core/formats/x509/extension.ts";
import { extendedKeyUsage, keyPurposes, ocspNoCheck } from "../../core/formats/x509/extensions/index.ts";
import { makeFakeAuthority } from "./fake-authority.ts";

const authority = makeFakeAuthority();
const certificateOf = (pem: string) => decodeCertificate(decodePem(pem, "CERTIFICATE")[0] ?? Buffer.alloc(0));
const issuer = certificateOf(authority.root);
const row = signatureAlgorithms["ecdsa-with-SHA256"];
const serialNumber = "1a2b";
const nonce = randomBytes(32);
const now = Math.floor(Date.now() / 1000) * 1000;
const hour = 3_600_000;

const signing = extension(extendedKeyUsage, [keyPurposes.OCSPSigning], false);
const noCheck = extension(ocspNoCheck, true, false);

interface Responder {
  readonly certificate: Buffer;
  readonly key: KeyObject;
}

function responder(extensions: readonly Extension[], by = authority): Responder {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { certificate: by.certify("ocsp-1", privateKey, extensions), key: privateKey };
}
const delegated = responder([signing, noCheck]);

function keyHashOf(key: KeyObject): Uint8Array {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return certIdOf("SHA-1", Buffer.alloc(0), subjectPublicKeyOf(decodeSubjectPublicKey(spki)), "00")
    .issuerKeyHash;
}

const question = ocspQuestion(issuer, serialNumber, { hash: "SHA-256", nonce });

interface AnswerPlan {
  readonly by?: Responder;
  readonly single?: Partial<SingleResponse>;
  readonly nonce?: Uint8Array | "none";
  readonly tamper?: boolean;
}

function answer({ by = delegated, single, nonce: own = nonce, tamper = false }: AnswerPlan = {}): Buffer {
  const data = encodeResponseData({
    responderKeyHash: keyHashOf(by.key),
    producedAt: now,
    responses: [
      {
        certId: question.certId,
        status: { kind: "good" },
        thisUpdate: now,
        nextUpdate: now + hour,
        ...single,
      },
    ],
    ...(own === "none" ? {} : { nonce: own }),
  });
  const signature = sign("sha256", tamper ? Buffer.concat([data, Buffer.of(0)]) : data, by.key);
  return encodeBasicResponse(data, row, signature, [by.certificate]);
}

describe("an OCSP question", () => {
  it("names the certificate by SHA-256, or SHA-1 for old responders, with a nonce or without", () => {
    expect(decodeOcspRequest(question.request)).toMatchObject({
      certIds: [{ hashAlgorithm: "SHA-256", serialNumber }],
      nonce,
    });
    const plain = decodeOcspRequest(ocspQuestion(issuer, serialNumber, { hash: "SHA-1" }).request);
    expect(plain).toMatchObject({ certIds: [{ hashAlgorithm: "SHA-1" }] });
    expect(plain.nonce).toBeUndefined();
  });
});

describe("an OCSP answer", () => {
  it("RFC 6960 §4.2.2.2: is believed of a responder that the authority has delegated", async () => {
    expect(await provedStatus(question, answer(), now)).toMatchObject({
      ...{ status: { kind: "good" }, responder: "CN=ocsp-1", thisUpdate: now, nextUpdate: now + hour },
    });
  });

  it("tells when and why a certificate was revoked", async () => {
    const status = { kind: "revoked", revocationTime: now - hour, reason: "keyCompromise" } as const;
    expect(await provedStatus(question, answer({ single: { status } }), now)).toMatchObject({ status });
  });

  const other = makeFakeAuthority();
  const otherId = { ...question.certId, serialNumber: "1a2c" };
  const refused: { name: string; plan: AnswerPlan; says: RegExp; at?: number }[] = [
    {
      name: "of a responder that another authority certified",
      plan: { by: responder([signing, noCheck], other) },
      says: /delegated/,
    },
    { name: "of a certificate without OCSPSigning", plan: { by: responder([noCheck]) }, says: /delegated/ },
    { name: "of a responder without ocspNoCheck", plan: { by: responder([signing]) }, says: /delegated/ },
    {
      name: "of a responder whose certificate is over",
      plan: { single: { thisUpdate: now + 100 * 24 * hour, nextUpdate: now + 102 * 24 * hour } },
      at: now + 101 * 24 * hour,
      says: /delegated/,
    },
    { name: "whose signature is of other octets", plan: { tamper: true }, says: /signature/ },
    { name: "without the nonce", plan: { nonce: "none" }, says: /no nonce/ },
    { name: "with another nonce", plan: { nonce: randomBytes(32) }, says: /another nonce/ },
    { name: "about another certificate", plan: { single: { certId: otherId } }, says: /another certificate/ },
    { name: "that is over", plan: {}, at: now + 2 * hour, says: /not of now/ },
    { name: "of tomorrow", plan: {}, at: now - 24 * hour, says: /not of now/ },
  ];
  it.each(refused)("$name is not", async ({ plan, says, at = now }) => {
    await expect(provedStatus(question, answer(plan), at)).rejects.toMatchObject({
      ...{ exit: "untrusted", code: "ocsp_untrusted" },
      message: expect.stringMatching(says),
    });
  });

  it("that refuses is signed by nobody, and is told by its name", async () => {
    const { unauthorized, tryLater } = ocspResponseStatus;
    for (const [status, code] of [
      [unauthorized, "ocsp_unauthorized"],
      [tryLater, "ocsp_tryLater"],
    ] as const)
      await expect(provedStatus(question, encodeOcspError(status), now)).rejects.toMatchObject({
        exit: "refused",
        code,
      });
    await expect(provedStatus(question, encodeOcspError(unauthorized), now)).rejects.toMatchObject({
      remedy: expect.stringMatching(/never issued this serial number, or .+ fleet's/),
    });
  });
});
