import { createHmac, hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type KnownManifest,
  manifestInForce,
  verifyManifest,
} from "../../core/distribution/manifest-walk.ts";
import type { TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { isAppError } from "../../core/errors.ts";
import { seededRandom } from "../formats/seeded-random.ts";
import { codeOf } from "../support/errors.ts";
import { certifiedKey, forge, genuineSigner, jwkOf } from "./forgery.ts";
import {
  authorityOf,
  fetcher,
  knownManifest,
  makeTrustFleet,
  openTrustWorld,
  rootFingerprint,
  type TrustWorld,
  trustFleet,
} from "./trust-world.ts";

let world: TrustWorld;
/** Versions 1 to 3, as published. */
let versions: readonly KnownManifest[];
let now: number;
beforeAll(async () => {
  world = await openTrustWorld();
  await world.advance();
  await world.advance();
  versions = await Promise.all([1, 2, 3].map(async (at) => knownManifest(await world.fetchVersion(at))));
  now = world.clock.now();
});
afterAll(() => world.close());

const version = (number: number): KnownManifest => versions[number - 1]!;
const pinned = () => ({ roots: [world.root], fleet: trustFleet });
const since = (known: KnownManifest) => ({ known });
const genuine = (manifest: object, header?: object) =>
  genuineSigner(world.app).then((signer) => forge(world.app, signer, manifest, header));
const edited = (change: object, of = version(2)): TrustManifest => ({ ...of.manifest, ...change });

describe("older or other versions", () => {
  it("version 2 where version 3 is known: trust_rollback", async () => {
    expect(await codeOf(verifyManifest(version(2).text, since(version(3)), now))).toBe("trust_rollback");
  });

  it("the same version once more is the same: taken; with other bytes: trust_rollback", async () => {
    expect((await verifyManifest(version(3).text, since(version(3)), now)).state).toBe("current");
    const other = await genuine(version(3).manifest);
    expect(other).not.toBe(version(3).text);
    expect(await codeOf(verifyManifest(other, since(version(3)), now))).toBe("trust_rollback");
  });

  it("SP 800-186, ECDSA: the signature (r, n - s) of a known version verifies, and is other bytes all the same", async () => {
    const [header, payload, signature = ""] = version(3).text.split(".");
    const octets = Buffer.from(signature, "base64url");
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${octets.subarray(32).toString("hex")}`);
    const mirrored = Buffer.concat([
      octets.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, "0"), "hex"),
    ]);
    const text = `${header}.${payload}.${mirrored.toString("base64url")}`;
    expect(await codeOf(verifyManifest(text, since(version(3)), now))).toBe("trust_rollback");
  });

  it("the next version of another history: trust_truncated", async () => {
    const text = await genuine(edited({ version: 3, previous: hash("sha256", "another version 2") }));
    expect(await codeOf(verifyManifest(text, since(version(2)), now))).toBe("trust_truncated");
  });
});

describe("somebody else's", () => {
  it("a key that no root has certified, its certificate by a root of its own: trust_foreign", async () => {
    await makeTrustFleet(world.app, "ward");
    const text = await fetcher(world.artifacts, "ward")("newest");
    expect(await codeOf(verifyManifest(text, { roots: [world.root] }, now))).toBe("trust_foreign");
    expect(await codeOf(verifyManifest(text, since(version(1)), now))).toBe("trust_foreign");
  });

  it("another fleet than the expected one, under a root that is pinned too: trust_foreign", async () => {
    const text = await fetcher(world.artifacts, "ward")("newest");
    const roots = [world.root, await rootFingerprint(world.app, "ward")];
    expect((await verifyManifest(text, { roots }, now)).manifest.fleet).toBe("ward");
    expect(await codeOf(verifyManifest(text, { roots, fleet: trustFleet }, now))).toBe("trust_foreign");
  });

  it("a key certified by the issuing authority, not by the root: trust_foreign", async () => {
    const issuing = await authorityOf(world.app, trustFleet, "issuing-1");
    const signer = await certifiedKey(world.app, issuing, "trust-forged");
    const text = await forge(world.app, signer, edited({ version: 4, signers: [jwkOf(signer)] }));
    expect(await codeOf(verifyManifest(text, pinned(), now))).toBe("trust_foreign");
    const both = { roots: [world.root, hash("sha256", issuing.record.certificate)] };
    expect(await codeOf(verifyManifest(text, both, now))).toBe("trust_foreign");
    // Nor when it calls the authority a root.
    const [asRoot] = version(2).manifest.authorities;
    const renamed = edited({ version: 4, roots: [...version(2).manifest.roots, asRoot] });
    const claimed = await forge(world.app, signer, renamed);
    expect(await codeOf(verifyManifest(claimed, pinned(), now))).toBe("trust_foreign");
    expect(await codeOf(verifyManifest(claimed, since(version(2)), now))).toBe("trust_foreign");
  });

  it("RFC 9336: a key that the root certified for another purpose: trust_foreign", async () => {
    const root = await authorityOf(world.app, trustFleet, "root-1");
    const signer = await certifiedKey(world.app, root, "ocsp-9", "ocspResponder");
    const text = await forge(world.app, signer, edited({ version: 4 }));
    expect(await codeOf(verifyManifest(text, pinned(), now))).toBe("trust_foreign");
  });

  it("a key that the root certified, and that the known version does not name: trust_foreign", async () => {
    const root = await authorityOf(world.app, trustFleet, "root-1");
    const signer = await certifiedKey(world.app, root, "trust-9");
    const text = await forge(
      world.app,
      signer,
      edited({ version: 3, previous: hash("sha256", version(2).text) }),
    );
    expect(await codeOf(verifyManifest(text, since(version(2)), now))).toBe("trust_foreign");
  });

  it("the genuine header and signature over another payload, and another's certificate with the genuine kid", async () => {
    const [header, , signature] = version(3).text.split(".");
    const [, payload] = (await genuine(edited({ version: 4 }))).split(".");
    const stolen = `${header}.${payload}.${signature}`;
    expect(await codeOf(verifyManifest(stolen, pinned(), now))).toBe("trust_foreign");
    const root = await authorityOf(world.app, trustFleet, "root-1");
    const other = await certifiedKey(world.app, root, "trust-8");
    const { kid } = jwkOf(await genuineSigner(world.app));
    const claimed = await forge(world.app, other, edited({ version: 4 }), { kid });
    expect(await codeOf(verifyManifest(claimed, since(version(3)), now))).toBe("trust_malformed");
  });
});

describe("times", () => {
  const day = 86_400_000;
  it("past nextUpdate it is authentic and expired, and says for how long; whoever needs it in force refuses", async () => {
    const late = Date.parse(version(3).manifest.nextUpdate) + 5 * day;
    const verified = await verifyManifest(version(3).text, pinned(), late);
    expect(verified).toMatchObject({ state: "expired", expiredSeconds: (5 * day) / 1000 });
    expect(() => manifestInForce(verified)).toThrowError(/432000 s ago/);
  });

  it("before notBefore: trust_expired, the clock runs late", async () => {
    const early = Date.parse(version(3).manifest.notBefore) - 1000;
    expect(await codeOf(verifyManifest(version(3).text, since(version(2)), early))).toBe("trust_expired");
  });

  it("under a pinned root, after the signer's certificate has ended: trust_expired", async () => {
    expect(await codeOf(verifyManifest(version(3).text, pinned(), now + 1200 * day))).toBe("trust_expired");
  });
});

describe("RFC 8725: what is no manifest", () => {
  const cases: readonly { readonly name: string; readonly header: object }[] = [
    { name: "another typ", header: { typ: "JWT" } },
    { name: "no typ", header: { typ: undefined } },
    { name: "another algorithm of the same kind of key", header: { alg: "ES384" } },
    { name: "none", header: { alg: "none" } },
    { name: "a MAC", header: { alg: "HS256" } },
    { name: "a critical extension", header: { crit: ["exp"], exp: 0 } },
    { name: "no certificate", header: { x5c: [] } },
    { name: "a jwk in the place of the certificate", header: { x5c: undefined, jwk: { kty: "EC" } } },
    { name: "a certificate in base64url", header: { x5c: ["MII-_w"] } },
  ];
  it.each(cases)("3.1, 3.11: $name is refused though the genuine key signed", async ({ header }) => {
    const text = await genuine(edited({ version: 4 }), header);
    for (const anchor of [pinned(), since(version(2))])
      expect(await codeOf(verifyManifest(text, anchor, now))).toMatch(/^trust_(malformed|foreign)$/);
  });

  it("2.1: an HMAC under the public key's octets", async () => {
    const signer = await genuineSigner(world.app);
    const [header, payload] = (await genuine(edited({ version: 4 }), { alg: "HS256" })).split(".");
    const mac = createHmac("sha256", signer.key.publicKey).update(`${header}.${payload}`).digest("base64url");
    expect(await codeOf(verifyManifest(`${header}.${payload}.${mac}`, pinned(), now))).toBe("trust_foreign");
  });

  const manifest = () => edited({ version: 4, previous: hash("sha256", "three") });
  const payloads: readonly { readonly name: string; readonly change: () => object }[] = [
    { name: "another type", change: () => ({ ...manifest(), type: "fleetkey-other" }) },
    { name: "version 0", change: () => ({ ...manifest(), version: 0 }) },
    { name: "a version that is no whole number", change: () => ({ ...manifest(), version: 4.5 }) },
    { name: "no previous", change: () => ({ ...manifest(), previous: undefined }) },
    { name: "previous in version 1", change: () => ({ ...manifest(), version: 1 }) },
    { name: "no roots", change: () => ({ ...manifest(), roots: [] }) },
    { name: "no signers", change: () => ({ ...manifest(), signers: [] }) },
    { name: "30 February", change: () => ({ ...manifest(), nextUpdate: "2099-02-30T00:00:00Z" }) },
    {
      name: "an end before the beginning",
      change: () => ({ ...manifest(), nextUpdate: manifest().notBefore }),
    },
    {
      name: "a fingerprint of another certificate",
      change: () => ({
        ...manifest(),
        roots: [{ ...manifest().roots[0], sha256: manifest().authorities[0]?.sha256 }],
      }),
    },
    {
      name: "a kid of another key",
      change: () => ({
        ...manifest(),
        signers: [{ ...manifest().signers[0], kid: manifest().keys.keys[0]?.kid }],
      }),
    },
  ];
  it.each(payloads)("$name: trust_malformed", async ({ change }) => {
    expect(await codeOf(verifyManifest(await genuine(change()), pinned(), now))).toBe("trust_malformed");
  });

  it("members that a later release adds are passed over", async () => {
    const text = await genuine({ ...manifest(), later: { more: 1 }, sshAuthorities: [{ any: "thing" }] });
    expect((await verifyManifest(text, since(version(2)), now)).manifest.sshAuthorities).toEqual([]);
  });

  it("ten thousand texts with one to three characters changed, taken out or put in: each is refused", async () => {
    const random = seededRandom(5);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u0000é";
    const original = version(3).text;
    const mutated = (): string => {
      let text = original;
      for (let change = 0; change <= random.below(3); change += 1) {
        const at = random.below(text.length);
        const character = alphabet[random.below(alphabet.length)] ?? "A";
        const taken = random.below(2);
        const put = taken === 0 || random.chance(0.7) ? character : "";
        text = text.slice(0, at) + put + text.slice(at + taken);
      }
      return text;
    };
    const codes = new Map<string, number>();
    let tried = 0;
    while (tried < 10_000) {
      const text = mutated();
      if (text === original) continue;
      tried += 1;
      const anchor = tried % 2 === 0 ? pinned() : since(version(2));
      const outcome: unknown = await verifyManifest(text, anchor, now).then(
        () => "taken",
        (error: unknown) => error,
      );
      if (!isAppError(outcome)) expect.fail(`${String(outcome)}: ${text}`);
      codes.set(outcome.code, (codes.get(outcome.code) ?? 0) + 1);
    }
    expect([...codes.keys()].every((code) => code.startsWith("trust_"))).toBe(true);
  }, 120_000);
});
