/** Room: test. OpenSSL as a relying party: it finds the list that the certificate names, verifies it, and obeys it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { listKey } from "../../core/revocation/list.ts";
import { release, revoke } from "../../core/revocation/revoke.ts";
import { publishRootList } from "../../core/revocation/root-list.ts";
import { completeShard } from "../../core/revocation/shard.ts";
import { openssl, opensslInstalled, withFiles } from "../support/openssl.ts";
import {
  actor,
  type Device,
  fleet,
  keyOfUrl,
  openPublishingFleet,
  type Ports,
  type PublishingFleet,
  pointerOf,
} from "./publishing-fleet.ts";

let house: PublishingFleet;
let app: Ports;
beforeAll(async () => {
  house = await openPublishingFleet();
  app = house.app;
  await publishRootList(app, fleet);
});
afterAll(() => house.close());

async function pemAt(key: string): Promise<string> {
  const object = await app.artifacts.get(key);
  if (object === undefined) throw new Error(`nothing is at ${key}`);
  // RFC 7468 §6.
  return encodePem("CERTIFICATE", object.body).replaceAll("CERTIFICATE", "X509 CRL");
}

const rootList = () => pemAt(listKey({ fleet, authorityId: "root-1", crlShard: completeShard }));

/** `crl_check_all` asks for the issuing authority's status too: the root's own list. */
async function judge(device: Device, lists: readonly string[], check = "-crl_check") {
  const files = {
    leaf: device.certificate,
    chain: device.chain,
    root: house.root,
    lists: lists.join(""),
  };
  return withFiles(files, (path) =>
    openssl([
      ...["verify", "-x509_strict", "-extended_crl", check],
      ...["-CAfile", path("root"), "-untrusted", path("chain"), "-CRLfile", path("lists"), path("leaf")],
    ]),
  );
}

describe.skipIf(!opensslInstalled)(
  "openssl verify -crl_check, over the list that the certificate names",
  () => {
    it("accepts before, refuses after, accepts a released one again", async () => {
      const device = await house.enrol("pump-1");
      const { serialNumber } = device;
      const key = keyOfUrl(pointerOf(device.certificate));
      const verdict = async () => {
        await house.publish();
        return judge(device, [await pemAt(key), await rootList()], "-crl_check_all");
      };
      expect((await verdict()).output).toContain("leaf: OK");
      await revoke(app, { fleet, serialNumber, actor, reason: "certificateHold" });
      expect((await verdict()).output).toContain("certificate revoked");
      await release(app, { fleet, serialNumber, actor });
      expect((await verdict()).output).toContain("leaf: OK");
      await revoke(app, { fleet, serialNumber, actor, reason: "keyCompromise" });
      const after = await verdict();
      expect([after.accepted, after.output.includes("certificate revoked")]).toEqual([false, true]);
    });

    it("RFC 5280 §6.3.3: refuses to judge by another window's list, whose scope is not the certificate's", async () => {
      const device = await house.enrol("pump-2");
      await house.publish();
      const own = keyOfUrl(pointerOf(device.certificate));
      const other = house.artifacts.keys.find((key) => key.includes("/crl/issuing-1/") && key !== own);
      const { accepted, output } = await judge(device, [await pemAt(other ?? own)]);
      expect([accepted, output.includes("OK")]).toEqual([false, false]);
      expect((await judge(device, [await pemAt(own)])).accepted).toBe(true);
    });

    it("finds a list's signature to be its issuer's, and reads what we mean", async () => {
      const device = await house.enrol("pump-3");
      await revoke(app, { fleet, serialNumber: device.serialNumber, actor, reason: "superseded" });
      await house.publish();
      const key = keyOfUrl(pointerOf(device.certificate));
      const verdict = await withFiles({ list: await pemAt(key), issuer: device.chain }, (path) =>
        openssl(["crl", "-in", path("list"), "-verify", "-CAfile", path("issuer"), "-noout", "-text"]),
      );
      expect(verdict.output).toContain("verify OK");
      for (const words of [
        "X509v3 Issuing Distribution Point: critical",
        pointerOf(device.certificate),
        `Serial Number: ${device.serialNumber.toUpperCase()}`,
        "Superseded",
        "X509v3 CRL Number",
      ])
        expect(verdict.stdout).toContain(words);
    });

    it("finds the root's list to be the root's", async () => {
      const verdict = await withFiles({ list: await rootList(), root: house.root }, (path) =>
        openssl(["crl", "-in", path("list"), "-verify", "-CAfile", path("root"), "-noout"]),
      );
      expect(verdict.output).toContain("verify OK");
    });
  },
);

describe("a root's list", () => {
  it("is signed again when it is due, and not before", async () => {
    const other = await openPublishingFleet();
    await publishRootList(other.app, fleet);
    expect(await publishRootList(other.app, fleet)).toBe(0);
    other.clock.advance(91 * 86_400_000);
    expect(await publishRootList(other.app, fleet)).toBe(1);
    expect(await publishRootList(other.app, fleet)).toBe(0);
    const { authorities } = await getFleet(other.app, fleet);
    expect(authorities.filter(({ record }) => record.kind === "root")).toHaveLength(1);
    await other.close();
  });
});
