/** Room: test. Every subject algorithm under every authority algorithm, judged by node:crypto and by OpenSSL. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { type DeviceAlgorithm, deviceAlgorithms, deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { opensslKnows, verifyChain } from "../support/openssl.ts";

const authorities = Object.keys(authorityAlgorithms) as readonly AuthorityAlgorithmId[];

// One key of each kind serves all authorities: RSA keys are slow to make.
const keys = new Map(deviceAlgorithms.map((algorithm) => [algorithm, deviceKey(algorithm)]));

describe.each(authorities)("authority %s", (authority) => {
  let opened: FleetApp;
  let root: string;
  beforeAll(async () => {
    opened = await openFleetApp({ rootAlgorithm: authority, issuingAlgorithm: authority });
    root = await trustBundlePem(opened.app, { fleet });
  }, 120_000);
  afterAll(() => opened.close());

  async function issuedFor(algorithm: DeviceAlgorithm, deviceId: string) {
    const { token } = await createEnrollmentToken(opened.app, {
      fleet,
      actor: "operator:operator-1",
      deviceId,
    });
    const key = keys.get(algorithm);
    if (key === undefined) expect.fail(`no key for ${algorithm}`);
    const csr = deviceCsr(key, { commonName: deviceId });
    return { key, issued: await enroll(opened.app, { fleet, token, csr }) };
  }

  it.each(deviceAlgorithms)("node:crypto accepts the certificate of a %s device", async (algorithm) => {
    const { key, issued } = await issuedFor(algorithm, `node-${algorithm.toLowerCase()}`);
    const [leaf, issuing, anchor] = [issued.certificate, issued.chain, root].map(
      (pem) => new X509Certificate(pem),
    );
    if (leaf === undefined || issuing === undefined || anchor === undefined)
      expect.fail("a certificate is missing");
    expect(leaf.verify(issuing.publicKey) && leaf.checkIssued(issuing)).toBe(true);
    expect(issuing.verify(anchor.publicKey) && issuing.checkIssued(anchor)).toBe(true);
    expect(anchor.verify(anchor.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(key.privateKey)).toBe(true);
  });

  for (const algorithm of deviceAlgorithms) {
    const judged = opensslKnows(authority) && opensslKnows(algorithm);
    it.skipIf(!judged)(
      `OpenSSL, where installed and new enough, accepts the chain of a ${algorithm} device`,
      async () => {
        const { issued } = await issuedFor(algorithm, `openssl-${algorithm.toLowerCase()}`);
        for (const purpose of ["sslclient", "sslserver"]) {
          const verdict = await verifyChain(issued.certificate, issued.chain, root, purpose);
          expect(verdict, verdict.output).toMatchObject({ accepted: true });
        }
      },
    );
  }
});
