/** Room: test. A root on a machine without a network: out with a request, back with an answer, into the trust. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crossCertificates, getFleet } from "../../core/authority/issuer.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { decodeCertificateList } from "../../core/formats/crl/certificate-list.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import { revocationChange } from "../../core/revocation/entries.ts";
import { listKey } from "../../core/revocation/list.ts";
import { publishRootList } from "../../core/revocation/root-list.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import { base64Of, octetsOf } from "../../core/rotation/offline/members.ts";
import { offlineRequest } from "../../core/rotation/offline/offline-request.ts";
import { placeOffline } from "../../core/rotation/offline/placement.ts";
import { prepareOffline } from "../../core/rotation/offline/prepare.ts";
import { codeOf } from "../support/errors.ts";
import { openssl, opensslInstalled, opensslOutput, withFiles } from "../support/openssl.ts";
import {
  fleet,
  moveOffline,
  type OfflineHouse,
  offlineKey,
  openOfflineHouse,
  rootCsr,
} from "./offline-house.ts";

let house: OfflineHouse;
let toRoot: Awaited<ReturnType<typeof moveOffline>>;
beforeAll(async () => {
  house = await openOfflineHouse();
  toRoot = await moveOffline(house);
});
afterAll(() => house.close());

const pem = (der: Uint8Array) => encodePem("CERTIFICATE", der);
const authority = async (id: string) => {
  const found = (await getFleet(house.app, fleet)).authorities.find(
    ({ record }) => record.authorityId === id,
  );
  if (found === undefined) expect.fail(`there is no ${id}`);
  return found;
};
const listOf = async (authorityId: string) => {
  const object = await house.app.artifacts.get(listKey({ fleet, authorityId, crlShard: completeShard }));
  if (object === undefined) expect.fail(`${authorityId} has no list`);
  return object.body;
};

describe("a root rollover to a key that is offline", () => {
  it("makes the root trusted and active, with a key that no service knows, and both cross certificates", async () => {
    const { record } = await authority("root-2");
    expect(record).toMatchObject({ state: "active", custody: "offline", kind: "root" });
    expect(record.keyId).toMatch(/^offline:[0-9a-f]{64}$/);
    const crossed = crossCertificates(await getFleet(house.app, fleet));
    expect(
      crossed.map(({ subject, issuer }) => [subject.record.authorityId, issuer.record.authorityId]),
    ).toEqual(
      expect.arrayContaining([
        ["root-2", "root-1"],
        ["root-1", "root-2"],
      ]),
    );
    expect(crossed).toHaveLength(2);
  });

  it("RFC 9810 §4.4: neither cross certificate outlives either root", async () => {
    const ends = ["root-1", "root-2"].map(
      async (id) => (await authority(id)).certificate.tbs.validity.notAfter,
    );
    const first = Math.min(...(await Promise.all(ends)));
    for (const { certificate } of crossCertificates(await getFleet(house.app, fleet)))
      expect(certificate.tbs.validity.notAfter).toBeLessThanOrEqual(first);
  });

  it("puts list, answer and transcript in their places, once, and tells people", async () => {
    // The task that held the ceremony has done it.
    expect(await placeOffline(house.app, fleet)).toBe(0);
    expect(house.notices.filter(({ event }) => event === "ceremony.imported")).toMatchObject([
      { subject: "root-2", measures: { certificates: 2, participants: 2 } },
    ]);
    expect(house.records.keys.filter((key) => key.includes("-offline-"))).toHaveLength(1);
    expect(decodeCertificateList(await listOf("root-2")).number).toBe(1);
  });

  it("leaves an offline root's list alone where roots of the key service sign theirs", async () => {
    await publishRootList(house.app, fleet);
    expect(decodeCertificateList(await listOf("root-2")).number).toBe(1);
  });

  it.skipIf(!opensslInstalled)(
    "openssl verify: each root reaches the other through its cross certificate",
    async () => {
      const [one, two] = [(await authority("root-1")).record, (await authority("root-2")).record];
      const cross = (record: typeof one) => pem(octetsOf(record.crossCertificates?.[0] ?? ""));
      const files = {
        one: pem(one.certificate),
        two: pem(two.certificate),
        newWithOld: cross(two),
        oldWithNew: cross(one),
      };
      const verdicts = await withFiles(files, (path) =>
        Promise.all([
          openssl(["verify", "-x509_strict", "-CAfile", path("one"), path("newWithOld")]),
          openssl(["verify", "-x509_strict", "-CAfile", path("two"), path("oldWithNew")]),
          openssl(["verify", "-x509_strict", "-CAfile", path("two"), path("two")]),
        ]),
      );
      expect(verdicts.map(({ output }) => output.trim().endsWith("OK"))).toEqual([true, true, true]);
    },
  );
});

describe("an issuing rollover under an offline root", () => {
  let rolloverId: string;
  beforeAll(async () => {
    ({ rolloverId } = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: "issuing-2" }));
  });

  it("has no request until the ceremony's task has made one, and asks for it", async () => {
    const started = house.started.length;
    expect(await codeOf(offlineRequest(house.app, { fleet, rolloverId }))).toBe("ceremony_state_invalid");
    expect(house.started.slice(started)).toEqual(["ceremony"]);
  });

  it("is asked for by one request, however often it is made", async () => {
    expect(await prepareOffline(house.app, fleet)).toBe(1);
    const first = await offlineRequest(house.app, { fleet, rolloverId });
    expect(await prepareOffline(house.app, fleet)).toBe(0);
    expect(await offlineRequest(house.app, { fleet, rolloverId })).toEqual(first);
    expect(first.request).toMatchObject({ purpose: "issuing", successor: { authorityId: "issuing-2" } });
  });

  it("is published by the answer, and OpenSSL accepts chain and list", async () => {
    const answer = await house.signed(await house.asked(rolloverId));
    expect(await house.bring(rolloverId, answer)).toMatchObject({ state: "published", to: "issuing-2" });
    expect(house.started.slice(-2)).toEqual(["ceremony", "publish"]);
    await placeOffline(house.app, fleet);
    const { record } = await authority("issuing-2");
    expect(record).toMatchObject({ state: "published", parentId: "root-2", kind: "issuing" });
    expect(await house.app.keys.describeKey(record.keyId)).toMatchObject({ algorithm: "P-256" });
    if (!opensslInstalled) return;
    const list = pem(await listOf("root-2")).replaceAll("CERTIFICATE", "X509 CRL");
    const files = {
      root: pem((await authority("root-2")).record.certificate),
      issuing: pem(record.certificate),
      list,
    };
    const [chain, crl, octets] = await withFiles(files, (path) =>
      Promise.all([
        openssl([
          "verify",
          "-x509_strict",
          "-crl_check",
          "-CAfile",
          path("root"),
          "-CRLfile",
          path("list"),
          path("issuing"),
        ]),
        openssl(["crl", "-in", path("list"), "-verify", "-CAfile", path("root"), "-noout"]),
        opensslOutput(["asn1parse", "-in", path("issuing")]),
      ]),
    );
    expect(chain.output).toContain("issuing: OK");
    expect(crl.output).toContain("verify OK");
    expect(octets).toContain(`${fleet} issuing-2`);
  });

  it("issues for devices, once it is active, with a chain to the offline root", async () => {
    await house.activate(rolloverId);
    const device = await house.enrol("pump-offline");
    const files = {
      leaf: device.certificate,
      chain: device.chain,
      root: pem((await authority("root-2")).record.certificate),
      old: pem((await authority("root-1")).record.certificate),
    };
    const verdicts = await withFiles(files, (path) =>
      Promise.all(
        ["root", "old"].map((anchor) =>
          openssl(["verify", "-CAfile", path(anchor), "-untrusted", path("chain"), path("leaf")]),
        ),
      ),
    );
    expect(verdicts.map(({ accepted }) => accepted)).toEqual([true, true]);
  });

  it("is not asked for any more: the rollover is past that", async () => {
    expect(await codeOf(offlineRequest(house.app, { fleet, rolloverId }))).toBe("rollover_state_invalid");
  });
});

describe("the list of an offline root", () => {
  it("is asked for when an authority below it is revoked, and names it", async () => {
    const { certificate } = await authority("issuing-2");
    const serialNumber = serialNumberHex(certificate.tbs.serialNumber);
    const stored = await findCertificate(house.app, fleet, serialNumber);
    if (stored === undefined) expect.fail("the certificate is not on record");
    const act = { actor: "system", reason: "cACompromise" } as const;
    await house.app.items.transact(revocationChange(house.app, stored, act).operations);
    const request = await house.asked(toRoot.rolloverId);
    expect(request).toMatchObject({ purpose: "list", certificates: [] });
    await house.bring(toRoot.rolloverId, await house.signed(request));
    await placeOffline(house.app, fleet);
    const list = decodeCertificateList(await listOf("root-2"));
    expect(list.number).toBeGreaterThan(2);
    expect(list.revoked.map((entry) => entry.serialNumber)).toEqual([serialNumber]);
  });

  it("is not asked for again before it is due, and then is", async () => {
    expect(await prepareOffline(house.app, fleet)).toBe(0);
    house.clock.advance(91 * 86_400_000);
    expect(await prepareOffline(house.app, fleet)).toBe(1);
    expect((await house.asked(toRoot.rolloverId)).purpose).toBe("list");
  });
});

describe("an offline root that follows an offline root", () => {
  it("is signed by both keys on one machine, and published by the answer alone", async () => {
    const planned = await house.plan({
      kind: "root",
      fromId: "root-2",
      toId: "root-3",
      custody: "offline",
      algorithm: "P-384",
    });
    const root3 = offlineKey("P-384");
    const request = await house.asked(planned.rolloverId);
    expect(
      request.certificates.map(({ profile, subject, signedBy }) => [profile, subject, signedBy]),
    ).toEqual([
      ["root", "root-3", "root-3"],
      ["cross", "root-2", "root-3"],
      ["cross", "root-3", "root-2"],
    ]);
    const answer = await house.signed(request, {
      csr: await rootCsr("root-3", root3, "P-384"),
      roots: [house.root2, root3],
    });
    expect(await house.bring(planned.rolloverId, answer)).toMatchObject({ state: "published" });
    const { record } = await authority("root-3");
    expect([record.custody, record.crossCertificates?.length]).toEqual(["offline", 1]);
    expect((await authority("root-2")).record.crossCertificates).toHaveLength(2);
    expect(base64Of(octetsOf(answer.certificates[2] ?? ""))).toBe(record.crossCertificates?.[0]);
  });
});
