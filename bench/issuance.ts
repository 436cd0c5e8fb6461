/**
 * Room: bench. Issuance in process (P-256 device, P-256 authority) against the floor that node:crypto sets and
 * against @peculiar/x509. Ours is everything between the credential and the store: proof of possession, policy,
 * TBS, lint, intent, signature, verification of that signature, record and audit entry. Token, fleet and disk are
 * left out here; bench/enrollment.ts has them. The floor is what no issuance can do without: import the key,
 * verify the request, sign. Verifying the new signature, a second verification, is ours to bear.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  webcrypto,
} from "node:crypto";
import "reflect-metadata";
import * as peculiar from "@peculiar/x509";
import { issueAuthorised } from "../core/enrollment/authorised.ts";
import { AppError } from "../core/errors.ts";
import { verifyCsr } from "../core/formats/certification-request.ts";
import type { App, ItemStore } from "../core/ports.ts";
import { profiles } from "../core/standard/profiles.ts";
import { deviceCsr, deviceKey } from "../test/support/device.ts";
import { openFleetApp, testFleet } from "../test/support/fleet-app.ts";
import { type Operation, rates, table } from "./measure.ts";

const count = 3_000;
const inFlight = 16;

/** Accepts every write and keeps none: the disk is measured elsewhere. */
const forgetful: ItemStore = {
  get: async () => undefined,
  query: async () => ({ items: [] }),
  transact: async () => undefined,
};

const key = deviceKey();
const csr = deviceCsr(key, { commonName: "pump-1" });

function floor(): { readonly plain: Operation; readonly threaded: Operation } {
  const info = randomBytes(csr.length - 80);
  const proof = sign("sha256", info, key.privateKey);
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const tbs = randomBytes(420);
  const importKey = () => createPublicKey({ key: key.spki, format: "der", type: "spki" });
  const threadedVerify = () =>
    new Promise((resolve) => verify("sha256", info, importKey(), proof, (_, valid) => resolve(valid)));
  const threadedSign = () =>
    new Promise((resolve) => sign("sha256", tbs, authority, (_, value) => resolve(value)));
  return {
    plain() {
      verify("sha256", info, importKey(), proof);
      sign("sha256", tbs, authority);
    },
    async threaded() {
      await threadedVerify();
      await threadedSign();
    },
  };
}

async function ours(): Promise<{ readonly issue: Operation; close(): Promise<void> }> {
  const opened = await openFleetApp();
  const app: App = { ...opened.app, items: forgetful };
  let serial = 0;
  return {
    close: () => opened.close(),
    async issue() {
      serial += 1;
      await issueAuthorised(app, {
        fleet: opened.fleet,
        csr: await verifyCsr(csr),
        profile: profiles.device,
        identity: { kind: "device", fleet: testFleet, trustDomain: "example.test", deviceId: "pump-1" },
        credential: "bench",
        requestDigest: String(serial),
        consume: [],
        taken: () => new AppError("internal", "the bench has no credential"),
      });
    },
  };
}

async function peer(): Promise<Operation> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  peculiar.cryptoProvider.set(webcrypto as never);
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pkcs8 = createPrivateKey(pair.privateKey.export({ type: "pkcs8", format: "pem" })).export({
    type: "pkcs8",
    format: "der",
  });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  const spki = pair.publicKey.export({ type: "spki", format: "der" });
  const authorityKey = await webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]);
  const { KeyUsageFlags } = peculiar;
  return async () => {
    const request = new peculiar.Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) throw new Error("the peer refuses the request");
    await peculiar.X509CertificateGenerator.create({
      serialNumber: randomBytes(16).toString("hex"),
      subject: "CN=pump-1",
      issuer: "CN=default issuing-1",
      notBefore: new Date(),
      notAfter: new Date(Date.now() + 90 * 86_400_000),
      signingAlgorithm: algorithm,
      publicKey: request.publicKey,
      signingKey,
      extensions: [
        new peculiar.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new peculiar.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]),
        await peculiar.SubjectKeyIdentifierExtension.create(request.publicKey),
        await peculiar.AuthorityKeyIdentifierExtension.create(authorityKey),
        new peculiar.SubjectAlternativeNameExtension([
          { type: "url", value: "spiffe://example.test/fleet/default/device/pump-1" },
        ]),
      ],
    });
  };
}

export async function benchIssuance(): Promise<string> {
  const { plain, threaded } = floor();
  const own = await ours();
  const measured = await rates(
    [
      { name: "node:crypto floor: import + verify + sign, one thread", run: plain },
      { name: `node:crypto floor, thread pool, ${inFlight} in flight`, run: threaded, inFlight },
      { name: "fleetkey issuance, one at a time", run: own.issue, inFlight: 1 },
      { name: `fleetkey issuance, ${inFlight} in flight`, run: own.issue, inFlight },
      { name: `@peculiar/x509, ${inFlight} in flight`, run: await peer(), inFlight },
    ],
    count,
  );
  await own.close();
  const [one, pooled, alone, best, other] = measured.map(({ perSecond }) => perSecond);
  const ratio = (value: number | undefined, base: number | undefined): string =>
    ((value ?? Number.NaN) / (base ?? Number.NaN)).toFixed(2);
  const rows = measured.map(({ name, perSecond }) => [
    name,
    `${perSecond.toFixed(0)}/s`,
    `${ratio(perSecond, one)} of the floor`,
  ]);
  return [
    "Issuance in process (P-256 by P-256)",
    table(rows),
    `  fleetkey / node:crypto floor, one thread     = ${ratio(best, one)}`,
    `  fleetkey / node:crypto floor, thread pool    = ${ratio(best, pooled)}`,
    `  fleetkey / floor, one at a time on each side = ${ratio(alone, one)}`,
    `  fleetkey / @peculiar/x509                    = ${ratio(best, other)}`,
  ].join("\n");
}
