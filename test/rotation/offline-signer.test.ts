/** Room: test. The signer of trust manifests under a root that has no network: asked for, certified, named, in use, year after year. */
import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { trustSigners } from "../../core/distribution/known-signers.ts";
import { readManifest } from "../../core/distribution/manifest-signature.ts";
import { walk } from "../../core/distribution/manifest-walk.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { findCertificate } from "../../core/enrollment/intent.ts";
import { AppError } from "../../core/errors.ts";
import { encodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { serialNumberHex } from "../../core/formats/x509/tbs-certificate.ts";
import type { App } from "../../core/ports.ts";
import { listCeremonies, openCeremony } from "../../core/rotation/ceremony.ts";
import { childrenOf } from "../../core/rotation/gates.ts";
import { octetsOf } from "../../core/rotation/offline/members.ts";
import { fleetOfflineRequest } from "../../core/rotation/offline/offline-request.ts";
import { requestDigest } from "../../core/rotation/offline/request.ts";
import { tendOffline } from "../../core/rotation/offline/tending.ts";
import { listRotationTasks } from "../../core/rotation/people.ts";
import { rotate } from "../../core/rotation/rotate.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { offlineAnswerImport, offlineRequestView } from "../../lambdas/http/offline-schemas.ts";
import { ceremony as ceremonySchema } from "../../lambdas/http/rotation-answers.ts";
import { fetcher, knownManifest } from "../distribution/trust-world.ts";
import { codeOf } from "../support/errors.ts";
import { openssl, opensslInstalled, withFiles } from "../support/openssl.ts";
import { fleet, moveOffline, type OfflineHouse, openOfflineHouse } from "./offline-house.ts";

const day = 86_400_000;
let house: OfflineHouse;
beforeAll(async () => {
  house = await openOfflineHouse();
});
afterAll(() => house.close());

const states = async () =>
  (await trustSigners(house.app, fleet)).map(({ value }) => [value.signerId, value.state]);
const root = async (id: string) => {
  const { authorities } = await getFleet(house.app, fleet);
  const found = authorities.find(({ record }) => record.authorityId === id);
  if (found === undefined) expect.fail(`there is no ${id}`);
  return found;
};
const tasks = async () => {
  await rotate(house.app);
  const { tasks: open } = await listRotationTasks(house.app, { fleet });
  return open.map(({ action, subject }) => `${action} ${subject}`);
};
/** On AWS: a deployment has not made the key. */
const undeployed = (): App => ({
  ...house.app,
  keys: {
    ...house.app.keys,
    createKey: () => Promise.reject(new AppError("configuration_invalid", "there is no such key")),
    describeKey: (keyId) => house.app.keys.describeKey(keyId),
    sign: (keyId, message) => house.app.keys.sign(keyId, message),
  },
});

describe("a fleet whose root is in the key service", () => {
  it("has nothing to sign offline, and is told where it is signed", async () => {
    await expect(fleetOfflineRequest(house.app, fleet)).rejects.toThrow("open a ceremony");
    expect(await tendOffline(house.app, fleet)).toBe(0);
  });
});

describe("a signer below a root that goes", () => {
  beforeAll(async () => {
    await moveOffline(house);
  });

  it("keeps the old root from retiring, and is a task for people", async () => {
    expect(await childrenOf(house.app, await getFleet(house.app, fleet), "root-1")).toBe(2);
    expect(await tasks()).toContain("openCeremony trust-1");
  });

  it("is replaced by no ceremony in the key service: key_offline leads to the other machine", async () => {
    const approval = await house.approval();
    const caller = { fleet, actor: "operator:operator-1" } as never;
    const opened = openCeremony(house.app, { caller, approval, purpose: "trustSigner" });
    await expect(opened).rejects.toThrow("fleetkey ceremony request");
    expect(await codeOf(openCeremony(house.app, { caller, approval, purpose: "trustSigner" }))).toBe(
      "key_offline",
    );
  });

  it("is not asked for before its successor's key is deployed, which is a task too, until it is", async () => {
    await tendOffline(undeployed() as typeof house.app, fleet);
    expect(await codeOf(fleetOfflineRequest(house.app, fleet))).toBe("ceremony_state_invalid");
    expect(await tasks()).toEqual(expect.arrayContaining(["deployKey trust-2", "openCeremony trust-1"]));
    await tendOffline(house.app, fleet);
    expect(await tasks()).not.toContain("deployKey trust-2");
  });

  it("is asked for by one request, with the root's list", async () => {
    const first = await house.askedOfFleet();
    expect(first).toMatchObject({ purpose: "signer", signer: { signerId: "trust-2" } });
    expect(first.certificates).toMatchObject([
      { profile: "trustSigner", subject: "trust-2", signedBy: "root-2" },
    ]);
    expect(first.lists).toMatchObject([{ signedBy: "root-2" }]);
    expect(first).not.toHaveProperty("rolloverId");
    expect(requestDigest(await house.askedOfFleet())).toBe(requestDigest(first));
  });

  it("is followed by the one that was certified: recorded by the import, then named, then in use", async () => {
    const answer = await house.signed(await house.askedOfFleet());
    // As they travel.
    const [view, body] = [
      await fleetOfflineRequest(house.app, fleet),
      { requestSha256: "0".repeat(64), answer },
    ];
    expect(offlineRequestView().parse(view)).toEqual(view);
    expect(offlineAnswerImport().parse(body)).toEqual(body);
    const ceremony = await house.bringToFleet(answer);
    expect(ceremonySchema.parse(ceremony)).toEqual(ceremony);
    expect(ceremony).toMatchObject({
      purpose: "trustSigner",
      mode: "offline",
      state: "done",
      signerId: "trust-1",
    });
    expect((await listCeremonies(house.app, { fleet, limit: 1 })).ceremonies).toEqual([ceremony]);
    expect(house.started.slice(-2)).toEqual(["ceremony", "publish"]);
    expect(await states()).toEqual([
      ["trust-1", "active"],
      ["trust-2", "next"],
    ]);
    expect(await tasks()).not.toContain("openCeremony trust-1");
    await tendOffline(house.app, fleet);
    expect(await states()).toEqual([
      ["trust-1", "former"],
      ["trust-2", "active"],
    ]);
    const manifest = readManifest(await fetcher(house.app.artifacts, fleet)("newest"));
    expect(manifest.manifest.signers).toEqual([expect.objectContaining({ kid: manifest.kid })]);
    expect(await childrenOf(house.app, await getFleet(house.app, fleet), "root-1")).toBe(1);
    const { tbs } = decodeCertificate(octetsOf(answer.certificates[0] ?? ""));
    expect((await findCertificate(house.app, fleet, serialNumberHex(tbs.serialNumber)))?.value).toMatchObject(
      {
        ...{ subjectKind: "service", subjectId: "trust-2", profile: "trustSigner", state: "issued" },
        credential: `ceremony:${ceremony.ceremonyId}`,
      },
    );
  });

  it.skipIf(!opensslInstalled)(
    "openssl verify: its certificate chains to the offline root alone",
    async () => {
      const [, second] = await trustSigners(house.app, fleet);
      const files = {
        leaf: encodePem("CERTIFICATE", second?.value.certificate ?? Buffer.alloc(0)),
        offline: encodePem("CERTIFICATE", (await root("root-2")).record.certificate),
        old: encodePem("CERTIFICATE", (await root("root-1")).record.certificate),
      };
      const verdicts = await withFiles(files, (path) =>
        Promise.all(
          ["offline", "old"].map((one) =>
            openssl(["verify", "-x509_strict", "-CAfile", path(one), path("leaf")]),
          ),
        ),
      );
      expect(verdicts.map(({ accepted }) => accepted)).toEqual([true, false]);
    },
  );

  it("leaves nothing to be asked for", async () => {
    expect(await tendOffline(house.app, fleet)).toBe(0);
    expect(await codeOf(fleetOfflineRequest(house.app, fleet))).toBe("ceremony_state_invalid");
  });
});

describe("an issuing rollover under an offline root, when the signer is due", () => {
  it("carries the signer; that the fleet's own answer came first keeps it from nothing", async () => {
    house.clock.advance(rotationThresholds.trustManifestSigner.dueDays * day);
    const { rolloverId } = await house.plan({ kind: "issuing", fromId: "issuing-1", toId: "issuing-2" });
    const carried = await house.asked(rolloverId);
    expect(carried.certificates.map(({ profile, subject }) => [profile, subject])).toEqual([
      ["issuing", "issuing-2"],
      ["trustSigner", "trust-3"],
    ]);
    const own = await house.askedOfFleet();
    await house.bringToFleet(await house.signed(own));
    await house.bring(rolloverId, await house.signed(carried));
    await tendOffline(house.app, fleet);
    expect((await house.rollover(rolloverId)).state).toBe("published");
    expect((await states()).filter(([, state]) => state !== "former")).toEqual([["trust-3", "active"]]);
  });
});

describe("three years with an offline root", () => {
  it("a reader who pinned it verifies each version and walks to the newest, from any before", async () => {
    const fetchVersion = fetcher(house.app.artifacts, fleet);
    const roots = [hash("sha256", (await root("root-2")).record.certificate)];
    let known = knownManifest(await fetchVersion("newest"));
    for (let year = 1; year <= 3; year += 1) {
      for (let month = 1; month <= 10; month += 1) {
        house.clock.advance(30 * day);
        await publishTrust(house.app, fleet);
        const pinned = await walk(fetchVersion, { roots }, house.clock.now());
        expect(pinned.state).toBe("current");
      }
      house.clock.advance(10 * day);
      expect(await tasks()).toContain(`openCeremony trust-${year + 2}`);
      const request = await house.askedOfFleet();
      expect(request.signer?.signerId).toBe(`trust-${year + 3}`);
      await house.bringToFleet(await house.signed(request));
      await tendOffline(house.app, fleet);
      expect(await tasks()).not.toContain(`openCeremony trust-${year + 3}`);
      const reached = await walk(fetchVersion, { known }, house.clock.now());
      for (let version = known.manifest.version; version <= reached.manifest.version; version += 1) {
        const one = () => fetchVersion(version);
        const seen = await walk(one, { roots }, house.clock.now());
        expect(seen.manifest.version, `version ${version}`).toBe(version);
      }
      known = knownManifest(await fetchVersion("newest"));
      expect(reached.manifest.version).toBe(known.manifest.version);
    }
    expect((await states()).filter(([, state]) => state !== "former")).toEqual([["trust-6", "active"]]);
  }, 60_000);

  it("past the grace nobody else could sign: the answer still comes in time for the version that names the next", async () => {
    house.clock.advance((rotationThresholds.trustManifestSigner.refusedDays + 5) * day);
    expect(await codeOf(publishTrust(house.app, fleet))).toBe("key_overdue");
    await house.bringToFleet(await house.signed(await house.askedOfFleet()));
    await tendOffline(house.app, fleet);
    const manifest = readManifest(await fetcher(house.app.artifacts, fleet)("newest"));
    expect(manifest.manifest.signers).toHaveLength(1);
    expect((await states()).at(-1)).toEqual(["trust-7", "active"]);
  });
});
