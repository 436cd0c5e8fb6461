/** Room: test. What is published while roots certify one another, and how readers of one root come to the other. */
import { hash, X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leadsToRoot } from "../../cli/issued-certificate.ts";
import { chainCertificates, getFleet } from "../../core/authority/issuer.ts";
import { contentDigest, trustContent } from "../../core/distribution/manifest-content.ts";
import { decodeManifest } from "../../core/distribution/manifest-decoding.ts";
import { verifyManifest } from "../../core/distribution/manifest-walk.ts";
import { authoritiesOf, rootToPin } from "../../core/distribution/trust.ts";
import type { CrossCertified, TrustManifest } from "../../core/distribution/trust-manifest.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { encodeCertsOnly } from "../../core/formats/pkcs7.ts";
import { crlPartition } from "../../core/records/crl-record.ts";
import { publishRootList } from "../../core/revocation/root-list.ts";
import { tendShards } from "../../core/revocation/shards.ts";
import { rootStages, setState, succeed } from "../rotation/rollover-stages.ts";
import { codeOf } from "../support/errors.ts";
import { certifiedKey, type ForgingKey, forge, genuineSigner, jwkOf } from "./forgery.ts";
import { authorityOf, trustFleet as fleet, openTrustWorld, type TrustWorld } from "./trust-world.ts";

let world: TrustWorld;
beforeEach(async () => {
  world = await openTrustWorld();
});
afterEach(() => world.close());

const stages = rootStages("P-384");
/** Enters the stages up to the one of this name, and publishes what there is then. */
async function goTo(name: string): Promise<TrustManifest> {
  for (const stage of stages) {
    await stage.enter(world.app, fleet);
    if (stage.name === name) break;
  }
  await publishTrust(world.app, fleet);
  return world.newest();
}
const artifact = async (name: string): Promise<Buffer> => {
  const object = await world.artifacts.get(`fleets/${fleet}/${name}`);
  return Buffer.from(object?.body ?? "");
};
const raws = (list: readonly { readonly certificate: string }[]) =>
  list.map(({ certificate }) => Buffer.from(certificate, "base64"));

describe("RFC 9810 §4.4: a trust manifest", () => {
  it("names the cross certificates from the publication of the new root on, and none before", async () => {
    expect((await world.newest()).crossCertificates).toEqual([]);
    const { crossCertificates } = await goTo("root published");
    expect(crossCertificates.map(({ subject, issuer }) => `${subject} by ${issuer}`)).toEqual([
      "root-1 by root-2",
      "root-2 by root-1",
    ]);
    for (const { certificate, sha256 } of crossCertificates)
      expect(hash("sha256", Buffer.from(certificate, "base64"))).toBe(sha256);
  });

  it("names none of a root that has retired, and no such root", async () => {
    const { roots, crossCertificates } = await goTo("old root retired");
    expect(roots.map(({ authorityId }) => authorityId)).toEqual(["root-2"]);
    expect(crossCertificates).toEqual([]);
  });

  it("that has no cross certificates counts as what it was in earlier releases", async () => {
    const content = trustContent(await getFleet(world.app, fleet), []);
    if (content === undefined) throw new Error("the fleet has no address");
    const { crossCertificates: none, ...before } = content;
    expect(none).toEqual([]);
    expect(contentDigest(content)).toBe(hash("sha256", JSON.stringify(before)));
    const changed = {
      ...content,
      crossCertificates: [{ subject: "a", issuer: "b", certificate: "", sha256: "" }],
    };
    expect(contentDigest(changed)).not.toBe(contentDigest(content));
  });
});

describe("reading a manifest", () => {
  const decode = async (change: object): Promise<TrustManifest> =>
    decodeManifest(Buffer.from(JSON.stringify({ ...(await world.newest()), ...change })));
  const refused = (crossCertificates: unknown) => codeOf(decode({ crossCertificates }));

  it("of an earlier release: it has none", async () => {
    const { crossCertificates: _, ...before } = await world.newest();
    expect(decodeManifest(Buffer.from(JSON.stringify(before))).crossCertificates).toEqual([]);
  });

  it("trust_malformed: what is no cross certificate between two of its roots", async () => {
    const { crossCertificates } = await goTo("root published");
    const [good] = crossCertificates as [CrossCertified];
    expect((await decode({ crossCertificates: [good] })).crossCertificates).toEqual([good]);
    const bad: readonly unknown[] = [
      {},
      [null],
      ["x"],
      [{ ...good, sha256: good.sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) }],
      [{ ...good, certificate: `${good.certificate} ` }],
      [{ ...good, subject: "root-7" }],
      [{ ...good, issuer: "issuing-1" }],
      [{ ...good, subject: good.issuer }],
      [{ ...good, issuer: undefined }],
      null,
    ];
    for (const value of bad) expect(await refused(value), JSON.stringify(value)).toBe("trust_malformed");
  });
});

describe("the other artefacts", () => {
  it("trust.p7b holds roots, cross certificates and issuing authorities; trust.pem the roots alone", async () => {
    const { roots, crossCertificates, authorities } = await goTo("root active");
    const expected = [...raws(roots), ...raws(crossCertificates), ...raws(authorities)];
    expect((await artifact("trust.p7b")).equals(encodeCertsOnly(expected))).toBe(true);
    expect((await artifact("trust.pem")).toString().match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it("trust.der and the root to pin are the root above the authority that issues, until another issues", async () => {
    const pinned = async (): Promise<readonly (string | undefined)[]> => {
      const { subject } = new X509Certificate(await artifact("trust.der"));
      const root = rootToPin(await getFleet(world.app, fleet));
      return [subject.split(" ").at(-1), root?.record.authorityId];
    };
    for (const stage of stages) {
      await stage.enter(world.app, fleet);
      await publishTrust(world.app, fleet);
      const issues = (await getFleet(world.app, fleet)).record.issuingAuthorityId;
      const root = issues === "issuing-1" ? "root-1" : "root-2";
      expect(await pinned(), stage.name).toEqual([root, root]);
    }
  });

  it("clients.pem needs no cross certificate: it has every root that is trusted", async () => {
    await goTo("issuing authority active, and draining");
    const state = await getFleet(world.app, fleet);
    const names = authoritiesOf(state).map((raw) => new X509Certificate(raw).subject.split(" ").at(-1));
    expect(names).toEqual(["root-1", "root-2", "issuing-1", "issuing-2"]);
  });
});

describe("a chain", () => {
  const subjects = (raw: readonly Uint8Array[]) =>
    raw.map((one) => {
      const { subject, issuer } = new X509Certificate(one);
      return [subject, issuer].map((name) => name.split(" ").at(-1)).join(" by ");
    });

  it("has the authorities first, then the cross certificates of their root", async () => {
    await goTo("issuing authority active, and draining");
    const state = await getFleet(world.app, fleet);
    expect(subjects(chainCertificates(state, "issuing-1"))).toEqual([
      "issuing-1 by root-1",
      "root-1 by root-2",
    ]);
    expect(subjects(chainCertificates(state, "issuing-2"))).toEqual([
      "issuing-2 by root-2",
      "root-2 by root-1",
    ]);
    expect(subjects(chainCertificates(state, "root-1"))).toEqual(["root-1 by root-2"]);
    expect(chainCertificates(state, "issuing-9")).toEqual([]);
  });

  it("leads the command line from any certificate to any root, in rings of three roots too", async () => {
    await goTo("issuing authority active, and draining");
    await succeed(world.app, fleet, "root", ["root-2", "root-3"]);
    const state = await getFleet(world.app, fleet);
    for (const authority of ["issuing-1", "issuing-2"]) {
      const [leaf, ...others] = chainCertificates(state, authority).map((raw) => new X509Certificate(raw));
      const every = [
        ...others,
        ...chainCertificates(state, "root-1"),
        ...chainCertificates(state, "root-2"),
      ].map((one) => (one instanceof X509Certificate ? one : new X509Certificate(one)));
      if (leaf === undefined) throw new Error("there is no chain");
      for (const rootId of ["root-1", "root-2", "root-3"]) {
        const root = new X509Certificate((await authorityOf(world.app, fleet, rootId)).record.certificate);
        for (const order of [every, every.toReversed()])
          expect(leadsToRoot(leaf, order, [root]), `${authority} to ${rootId}`).toBe(true);
      }
      const stranger = await openTrustWorld();
      const root = new X509Certificate((await authorityOf(stranger.app, fleet, "root-1")).record.certificate);
      await stranger.close();
      expect(leadsToRoot(leaf, every, [root])).toBe(false);
    }
  });
});

describe("who has pinned the old root alone", () => {
  const now = () => world.clock.now();
  const pinned = () => ({ roots: [world.root], fleet });
  /** A manifest of that content, whose signer `issuer` has certified. */
  async function signedUnder(issuerId: string, content: TrustManifest): Promise<string> {
    const signer: ForgingKey = await certifiedKey(
      world.app,
      await authorityOf(world.app, fleet, issuerId),
      "trust-9",
    );
    return forge(world.app, signer, { ...content, signers: [jwkOf(signer)] });
  }

  it("believes a signer that the new root has certified, since the old one vouches for it", async () => {
    const content = await goTo("root active");
    const text = await signedUnder("root-2", content);
    expect(await verifyManifest(text, pinned(), now())).toMatchObject({ state: "current" });
  });

  it("trust_foreign without the cross certificate, and with the one of the other direction", async () => {
    const content = await goTo("root active");
    const backwards = content.crossCertificates.filter(({ subject }) => subject === "root-1");
    expect(backwards).toHaveLength(1);
    for (const crossCertificates of [[], backwards]) {
      const text = await signedUnder("root-2", { ...content, crossCertificates });
      expect(await codeOf(verifyManifest(text, pinned(), now()))).toBe("trust_foreign");
    }
  });

  it("trust_foreign: an issuing authority's certificate in the place of a cross certificate", async () => {
    const content = await goTo("root published");
    const { certificate, sha256 } = content.authorities[0] ?? { certificate: "", sha256: "" };
    const posing = { subject: "root-2", issuer: "root-1", certificate, sha256 };
    const text = await signedUnder("issuing-1", { ...content, crossCertificates: [posing] });
    expect(await codeOf(verifyManifest(text, pinned(), now()))).toBe("trust_foreign");
  });

  it("trust_foreign: another fleet's root, which the pinned one has never certified", async () => {
    const content = await goTo("root active");
    const stranger = await openTrustWorld();
    await succeed(stranger.app, fleet, "root", ["root-1", "root-2"]);
    const { crossCertificates = [] } = (await authorityOf(stranger.app, fleet, "root-2")).record;
    const [certificate = ""] = crossCertificates;
    const sha256 = hash("sha256", Buffer.from(certificate, "base64"));
    const posing = { subject: "root-2", issuer: "root-1", certificate, sha256 };
    const issuer = await authorityOf(stranger.app, fleet, "root-2");
    const signer = await certifiedKey(stranger.app, issuer, "trust-9");
    const text = await forge(stranger.app, signer, { ...content, crossCertificates: [posing] });
    await stranger.close();
    expect(await codeOf(verifyManifest(text, pinned(), now()))).toBe("trust_foreign");
  });

  it("goes on with the signer that the old root certified, while nobody else signs", async () => {
    const content = await goTo("root active");
    const text = await forge(world.app, await genuineSigner(world.app), content);
    expect(await verifyManifest(text, pinned(), now())).toMatchObject({ state: "current" });
  });
});

describe("lists", () => {
  const listed = async (): Promise<readonly string[]> => {
    const { items } = await world.app.items.query({ pk: crlPartition(fleet), limit: 1_000 });
    return [...new Set(items.map((item) => item.sk.split("#")[0] ?? ""))].sort();
  };

  it("of an authority are there from its publication on, before it issues", async () => {
    await goTo("issuing authority published");
    await tendShards(world.app, await getFleet(world.app, fleet));
    expect(await listed()).toContain("issuing-2");
  });

  it("of roots: of those that are trusted, and of none that another machine keeps", async () => {
    await goTo("root published");
    expect(await publishRootList(world.app, fleet)).toBe(2);
    await setState(world.app, fleet, "root-2", "retired");
    world.clock.advance(400 * 86_400_000);
    expect(await publishRootList(world.app, fleet)).toBe(1);
    await setState(world.app, fleet, "root-1", "destroyed");
    expect(await publishRootList(world.app, fleet)).toBe(0);
  });
});
