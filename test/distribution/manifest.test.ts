import { hash, X509Certificate } from "node:crypto";
import { compactVerify, importJWK, importX509, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { contentDigest, trustContent } from "../../core/distribution/manifest-content.ts";
import { decodeManifest } from "../../core/distribution/manifest-decoding.ts";
import { manifestInForce, verifyManifest } from "../../core/distribution/manifest-walk.ts";
import { trustBundlePem } from "../../core/distribution/trust.ts";
import { contentOf } from "../../core/distribution/trust-manifest.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { profiles } from "../../core/standard/profiles.ts";
import { opensslInstalled, opensslOutput, verifyChain } from "../support/openssl.ts";
import { authorityOf, openTrustWorld, type TrustWorld, trustFleet } from "./trust-world.ts";

let world: TrustWorld;
let text: string;
beforeAll(async () => {
  world = await openTrustWorld("P-384");
  text = await world.fetchVersion("newest");
});
afterAll(() => world.close());

const part = (index: number): Buffer => Buffer.from(text.split(".")[index] ?? "", "base64url");
const header = () =>
  JSON.parse(part(0).toString()) as { alg: string; kid: string; typ: string; x5c: string[] };
const signerPem = () => encodePem("CERTIFICATE", Buffer.from(header().x5c[0] ?? "", "base64"));
const object = (name: string) => world.artifacts.versions(`fleets/${trustFleet}/${name}`).at(-1)!;

describe("RFC 7515: the manifest as others read it", () => {
  it("jose verifies it under the certificate in x5c, which OpenSSL chains to the root", async () => {
    const key = await importX509(signerPem(), "ES256");
    const { protectedHeader, payload } = await compactVerify(text, key, { algorithms: ["ES256"] });
    expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "fleetkey-trust+jws" });
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ type: "fleetkey-trust", version: 1 });
  });

  it.skipIf(!opensslInstalled)(
    "OpenSSL -x509_strict takes the signer's certificate under the root alone",
    async () => {
      const root = await trustBundlePem(world.app, { fleet: trustFleet });
      const verdict = await verifyChain(signerPem(), "", root);
      expect(verdict.output).toMatch(/OK/);
      expect(verdict.accepted).toBe(true);
    },
  );

  it("names the JWK that may sign the next version: the key that signed this one, by jose's reading", async () => {
    const { signers } = await world.newest();
    expect(signers.map(({ kid }) => kid)).toEqual([header().kid]);
    const key = await importJWK(signers[0] as JWK, "ES256");
    await compactVerify(text, key);
  });

  it("RFC 9336: the signer's certificate is for signing documents, of profile trustSigner, by the root", async () => {
    const certificate = new X509Certificate(signerPem());
    const root = await authorityOf(world.app, trustFleet, "root-1");
    expect(certificate.subject).toBe("CN=clinic trust-1");
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.36"]);
    expect(certificate.verify(root.publicKey.keyObject)).toBe(true);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
    expect(Math.ceil(days)).toBe(profiles.trustSigner.defaultDays);
  });
});

describe("what a manifest says", () => {
  it("roots and authorities with fingerprints that node:crypto computes, and where their status is", async () => {
    const { roots, authorities, ocsp, crl } = await world.newest();
    expect(roots.map(({ authorityId }) => authorityId)).toEqual(["root-1"]);
    expect(authorities).toMatchObject([{ authorityId: "issuing-1", issuer: "root-1", state: "active" }]);
    for (const { certificate, sha256 } of [...roots, ...authorities]) {
      const read = new X509Certificate(Buffer.from(certificate, "base64"));
      expect(read.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(sha256);
    }
    const base = "https://keys.example.test/v1/fleets/clinic";
    expect(roots[0]?.crl).toBe(`${base}/crl/root-1/complete.crl`);
    expect(authorities[0]?.crl).toBe(`${base}/crl/issuing-1/{shard}.crl`);
    expect(ocsp).toBe(`${base}/ocsp`);
    expect(crl).toEqual({ windowDays: 7 });
  });

  it("version 1 follows nothing; version 2 names the SHA-256 of its text", async () => {
    const other = await openTrustWorld();
    try {
      const first = await other.fetchVersion(1);
      expect((await other.newest()).previous).toBeUndefined();
      expect((await other.advance()).manifest).toMatchObject({ version: 2, previous: hash("sha256", first) });
    } finally {
      await other.close();
    }
  });

  it("is in force for thirty days, from five minutes before it was made", async () => {
    const { issuedAt, notBefore, nextUpdate } = await world.newest();
    expect(Date.parse(issuedAt) - Date.parse(notBefore)).toBe(300_000);
    expect(Date.parse(nextUpdate) - Date.parse(issuedAt)).toBe(30 * 86_400_000);
  });

  it("has the very content that the fleet's records give, member by member in the same order", async () => {
    const manifest = decodeManifest(part(1));
    const content = trustContent(await getFleet(world.app, trustFleet), manifest.signers);
    expect(JSON.stringify(contentOf(manifest))).toBe(JSON.stringify(content));
    expect(contentDigest(contentOf(manifest))).toBe(contentDigest(content!));
  });

  it("believed under the pinned root, it is in force", async () => {
    const verified = await verifyManifest(
      text,
      { roots: [world.root], fleet: trustFleet },
      world.clock.now(),
    );
    expect(manifestInForce(verified).version).toBe(1);
  });
});

describe("artefacts beside the manifest", () => {
  it("have the media types and the caching that readers are told", () => {
    const changing = "public, max-age=300";
    const expected = {
      "trust.jws": ["application/jose", changing],
      "trust/1.jws": ["application/jose", "public, max-age=31536000, immutable"],
      "trust.pem": ["application/pem-certificate-chain", changing],
      "trust.p7b": ["application/pkcs7-mime; smime-type=certs-only", changing],
      "trust.der": ["application/pkix-cert", changing],
      "jwks.json": ["application/jwk-set+json", changing],
    };
    for (const [name, [contentType, cacheControl]] of Object.entries(expected))
      expect(object(name), name).toMatchObject({ contentType, cacheControl });
  });

  it.skipIf(!opensslInstalled)("OpenSSL reads trust.p7b: the root and the issuing authority", async () => {
    const printed = await opensslOutput(
      ["pkcs7", "-inform", "DER", "-print_certs"],
      object("trust.p7b").body,
    );
    expect(
      printed
        .match(/subject=.*/g)
        ?.map((line) => line.replace(/\s/g, ""))
        .sort(),
    ).toEqual(["subject=CN=clinicissuing-1", "subject=CN=clinicroot-1"]);
  });

  it("trust.der is the root, trust.pem what the API answers, jwks.json the authorities' keys", async () => {
    const root = await authorityOf(world.app, trustFleet, "root-1");
    expect(Buffer.compare(object("trust.der").body, root.record.certificate)).toBe(0);
    expect(Buffer.from(object("trust.pem").body).toString()).toBe(
      await trustBundlePem(world.app, { fleet: trustFleet }),
    );
    const { keys } = JSON.parse(Buffer.from(object("jwks.json").body).toString()) as { keys: JWK[] };
    expect(keys.map(({ alg, use }) => [alg, use])).toEqual([
      ["ES256", "sig"],
      ["ES384", "sig"],
    ]);
    for (const [index, id] of ["issuing-1", "root-1"].entries()) {
      const { publicKey } = await authorityOf(world.app, trustFleet, id);
      const { kty, crv, x, y } = publicKey.keyObject.export({ format: "jwk" });
      expect(keys[index]).toMatchObject({ kty, crv, x, y });
    }
  });
});

describe("root algorithms: whatever the root signs with, a pinned root leads to the manifest", () => {
  it.each(["RSA-3072", "Ed25519", "ML-DSA-65"] as const)("%s", async (algorithm) => {
    const other = await openTrustWorld(algorithm);
    try {
      const verified = await verifyManifest(
        await other.fetchVersion("newest"),
        { roots: [other.root] },
        other.clock.now(),
      );
      expect(verified.state).toBe("current");
    } finally {
      await other.close();
    }
  });
});
