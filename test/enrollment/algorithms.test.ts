/** Room: test. Every subject algorithm under every authority algorithm, judged by node:crypto and by OpenSSL. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { type AuthorityAlgorithmId, authorityAlgorithms } from "../../core/formats/algorithms.ts";
import { type DeviceAlgorithm, deviceAlgorithms, deviceCsr, deviceKey } from "../support/device.ts";
import { type FleetApp, testFleet as fleet, openFleetApp } from "../support/fleet-app.ts";
import { openssl, verifyChain } from "../support/openssl.ts";

const authorities = Object.keys(authorityAlgorithms) as readonly AuthorityAlgorithmId[];
const isPostQuantum = (algorithm: string): boolean => algorithm.startsWith("ML-DSA");

// One key of each kind serves all authorities: RSA keys are slow to make.
const keys = new Map(deviceAlgorithms.map((algorithm) => [algorithm, deviceKey(algorithm)]));

async function opensslKnowsMlDsa(): Promise<boolean> {
  return (await openssl(["list", "-public-key-algorithms"])).output.includes("ML-DSA");
}

describe.each(authorities)("authority %s", (authority) => {
  let opened: FleetApp;
  let root: string;
  let knowsMlDsa: boolean;
  beforeAll(async () => {
    opened = await openFleetApp({ rootAlgorithm: authority, issuingAlgorithm: authority });
    root = await trustBundlePem(opened.app, { fleet });
    knowsMlDsa = await opensslKnowsMlDsa();
  }, 120_000);
  afterAll(() => opened.close());

  it.each(deviceAlgorithms)("issues for a %s device", async (algorithm: DeviceAlgorithm) => {
    const { app } = opened;
    const deviceId = `device-${algorithm.toLowerCase()}`;
    const { token } = await createEnrollmentToken(app, { fleet, operatorId: "operator-1", deviceId });
    const key = keys.get(algorithm);
    if (key === undefined) expect.fail(`no key for ${algorithm}`);
    const issued = await enroll(app, { fleet, token, csr: deviceCsr(key, { commonName: deviceId }) });
    const [leaf, issuing, anchor] = [issued.certificate, issued.chain, root].map(
      (pem) => new X509Certificate(pem),
    );
    if (leaf === undefined || issuing === undefined || anchor === undefined)
      expect.fail("a certificate is missing");
    expect(leaf.verify(issuing.publicKey) && leaf.checkIssued(issuing)).toBe(true);
    expect(issuing.verify(anchor.publicKey) && issuing.checkIssued(anchor)).toBe(true);
    expect(anchor.verify(anchor.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(key.privateKey)).toBe(true);
    // OpenSSL before 3.5 does not know ML-DSA at all; node:crypto, which brings 3.5, has judged it above.
    if ((isPostQuantum(authority) || isPostQuantum(algorithm)) && !knowsMlDsa) return;
    for (const purpose of ["sslclient", "sslserver"]) {
      const verdict = await verifyChain(issued.certificate, issued.chain, root, purpose);
      expect(verdict, verdict.output).toMatchObject({ accepted: true });
    }
  });
});
