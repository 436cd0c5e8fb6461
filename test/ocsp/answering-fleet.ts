/** A fleet whose responder is certified, its devices, and OpenSSL as a client that asks about them. For tests only. */
import { readFile } from "node:fs/promises";
import { type Fleet, getFleet } from "../../core/authority/issuer.ts";
import { moveOrigin } from "../../core/bootstrap/origin.ts";
import { type Enrollment, enroll, isPending } from "../../core/enrollment/enroll.ts";
import { certifyOwnKey } from "../../core/enrollment/own-key.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type CertId, type CertIdHash, certIdOf } from "../../core/formats/ocsp/cert-id.ts";
import { encodeOcspRequest } from "../../core/formats/ocsp/request.ts";
import { decodeOcspResponse, ocspResponseStatus } from "../../core/formats/ocsp/response.ts";
import { decodePem, encodePem } from "../../core/formats/pem.ts";
import { decodeSubjectPublicKey, subjectPublicKeyOf } from "../../core/formats/spki.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { type OcspResponder, ocspResponder } from "../../core/ocsp/answer.ts";
import { tendResponders } from "../../core/ocsp/responder.ts";
import type { App } from "../../core/ports.ts";
import { authorityItem } from "../../core/records/fleet-record.ts";
import { revoke } from "../../core/revocation/revoke.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { type CountingStore, countingStore } from "../support/counting-store.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { type FaultyKeys, faultyKeys } from "../support/faulty-keys.ts";
import { type FleetApp, type FleetAppOptions, openFleetApp, testFleet } from "../support/fleet-app.ts";
import { openssl, opensslOutput, type Verdict, withFiles } from "../support/openssl.ts";

export const origin = "https://pki.example.test";
export const actor = "operator:operator-1";

type RevocationReason = Parameters<typeof revoke>[1]["reason"];

export interface Subject {
  readonly fleet: string;
  readonly serialNumber: string;
  /** PEM. */
  readonly certificate: string;
  readonly issuer: string;
  readonly root: string;
}

export interface AnsweringFleet extends FleetApp {
  readonly keys: FaultyKeys;
  readonly store: CountingStore;
  /** With a memory of its own; `responder()` makes another. */
  readonly answer: OcspResponder;
  responder(): OcspResponder;
  tend(fleet?: string): Promise<number>;
  device(deviceId?: string, fleet?: string): Promise<Subject>;
  revoke(subject: Subject, reason: RevocationReason): Promise<unknown>;
}

const pem = (der: Uint8Array): string => encodePem("CERTIFICATE", der);

async function subjectOf(app: App, fleet: string, enrollment: Enrollment): Promise<Subject> {
  if (isPending(enrollment)) throw new Error("the enrolment waits");
  const { authorities } = await getFleet(app, fleet);
  const root = authorities.find(({ record }) => record.kind === "root");
  if (root === undefined) throw new Error("the fleet has no root");
  const { serialNumber, certificate, chain } = enrollment;
  return { fleet, serialNumber, certificate, issuer: chain, root: pem(root.record.certificate) };
}

let devices = 0;

/** A new device and its certificate. */
export async function enrolled(app: App, fleet: string, deviceId?: string): Promise<Subject> {
  devices += 1;
  const name = deviceId ?? `pump-${devices}`;
  const { token } = await createEnrollmentToken(app, { fleet, actor, deviceId: name });
  return subjectOf(app, fleet, await enroll(app, { fleet, token, csr: deviceCsr(deviceKey()) }));
}

/** Moves the fleet to `origin` and certifies its responder. */
export async function startAnswering(app: App, fleet: string): Promise<void> {
  await moveOrigin(app, fleet, origin);
  await tendResponders(app, await getFleet(app, fleet));
}

export async function openAnsweringFleet(options: FleetAppOptions = {}): Promise<AnsweringFleet> {
  const opened = await openFleetApp(options);
  const keys = faultyKeys(opened.app.keys);
  const store = countingStore(opened.app.items);
  const app = { ...opened.app, keys, items: store };
  await startAnswering(app, testFleet);
  return {
    ...opened,
    app,
    keys,
    store,
    answer: ocspResponder(app),
    responder: () => ocspResponder(app),
    tend: async (fleet = testFleet) => tendResponders(app, await getFleet(app, fleet)),
    device: (deviceId, fleet = testFleet) => enrolled(app, fleet, deviceId),
    revoke: ({ fleet, serialNumber }, reason) => revoke(app, { fleet, serialNumber, actor, reason }),
  };
}

/** Another issuing authority of the fleet, beside the one that issues now. */
export async function addAuthority(app: App, fleet: Fleet, authorityId: string): Promise<Fleet> {
  const { fleet: name } = fleet.record;
  const root = fleet.authorities.find(({ record }) => record.kind === "root");
  if (root === undefined) throw new Error("the fleet has no root");
  const { key, certificate } = await certifyOwnKey(app, {
    fleet: name,
    alias: `${name}-${authorityId}`,
    algorithm: "P-256",
    profile: profiles.issuing,
    identity: { kind: "authority", fleet: name, authorityId },
    issuer: root,
    purpose: "authority",
  });
  const record = {
    fleet: name,
    authorityId,
    kind: "issuing",
    state: "active",
    keyId: key.keyId,
    algorithm: "P-256",
    certificate,
    parentId: root.record.authorityId,
    createdAt: app.clock.now(),
  } as const;
  await app.items.transact([{ put: authorityItem(record), when: "absent" }]);
  return getFleet(app, name);
}

export interface Asking {
  readonly digest?: "-sha1" | "-sha256";
  readonly nonce?: boolean;
  /** Instead of the subject's own number, hexadecimal. */
  readonly serialNumber?: string;
}

/** The CertID of the subject, from its issuer's certificate. */
export function certIdFor({ issuer, serialNumber }: Subject, hashAlgorithm: CertIdHash = "SHA-256"): CertId {
  const [der] = decodePem(issuer, "CERTIFICATE");
  if (der === undefined) throw new Error("no issuer");
  const { tbs } = decodeCertificate(der);
  const key = subjectPublicKeyOf(decodeSubjectPublicKey(tbs.subjectPublicKeyInfo));
  return certIdOf(hashAlgorithm, tbs.subjectRaw, key, serialNumber);
}

/** A request without a nonce about all of `subjects`. */
export const plainRequest = (...subjects: readonly Subject[]): Buffer =>
  encodeOcspRequest({ certIds: subjects.map((subject) => certIdFor(subject)) });

/** A request as OpenSSL makes it. */
export function requestOf(subject: Subject, asking: Asking = {}): Promise<Buffer> {
  const { digest = "-sha256", nonce = false, serialNumber } = asking;
  return withFiles({ issuer: subject.issuer, certificate: subject.certificate }, async (path) => {
    const about =
      serialNumber === undefined ? ["-cert", path("certificate")] : ["-serial", `0x${serialNumber}`];
    const of = ["-issuer", path("issuer"), digest, ...about, "-reqout", path("request")];
    await opensslOutput(["ocsp", ...of, nonce ? "-nonce" : "-no_nonce"]);
    return readFile(path("request"));
  });
}

/** What OpenSSL says of `response`: it gets the root, the issuer and the certificate; the responder's it must find. */
export function judge(
  subject: Subject,
  response: Uint8Array,
  options: Asking & { readonly at?: number } = {},
): Promise<Verdict> {
  const { digest = "-sha256", at } = options;
  const { issuer, certificate, root } = subject;
  // The times of the answer itself are judged by the machine's own clock: with `at`, a year of it is forgiven.
  const time =
    at === undefined ? [] : ["-attime", String(Math.floor(at / 1000)), "-validity_period", "31536000"];
  return withFiles({ issuer, certificate, root, response }, (path) =>
    openssl([
      "ocsp",
      ...["-respin", path("response"), "-CAfile", path("root"), "-no-CApath", "-no_nonce", ...time],
      ...["-issuer", path("issuer"), digest, "-cert", path("certificate")],
    ]),
  );
}

/** What OpenSSL says of `response` as the answer to `request`: signature, the responder's right, and the nonce. */
export function judgeNonce(subject: Subject, response: Uint8Array, request: Uint8Array): Promise<Verdict> {
  const { issuer, root } = subject;
  // Given a certificate too, OpenSSL makes a request of its own and forgets this one.
  return withFiles({ issuer, root, response, request }, (path) =>
    openssl([
      "ocsp",
      ...["-respin", path("response"), "-reqin", path("request"), "-no_nonce", "-resp_text"],
      ...["-CAfile", path("root"), "-no-CApath", "-verify_other", path("issuer")],
    ]),
  );
}

/** The response's status by its name. */
export function statusName(body: Uint8Array): string {
  const { status } = decodeOcspResponse(body);
  return Object.entries(ocspResponseStatus).find(([, value]) => value === status)?.[0] ?? "none";
}

/** Asks `answer` as OpenSSL would, and gives its answer to OpenSSL. */
export async function askOpenssl(
  answer: OcspResponder,
  subject: Subject,
  asking: Asking & { readonly at?: number } = {},
): Promise<string> {
  const { body } = await answer({ fleet: subject.fleet, request: await requestOf(subject, asking) });
  return (await judge(subject, body, asking)).output;
}
