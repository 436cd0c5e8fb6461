/** Room: test. The age of keys at the very boundaries, and what refuses a key that is past its grace. */
import { afterEach, describe, expect, it } from "vitest";
import { getFleet, issuingAuthority } from "../../core/authority/issuer.ts";
import { publishTrust } from "../../core/distribution/trust-publication.ts";
import { rotateTrustSigner } from "../../core/distribution/trust-rotation.ts";
import { enroll } from "../../core/enrollment/enroll.ts";
import { createEnrollmentToken } from "../../core/enrollment/token.ts";
import { AppError } from "../../core/errors.ts";
import { decodePem } from "../../core/formats/pem.ts";
import { decodeCertificate } from "../../core/formats/x509/certificate.ts";
import { configurationItem } from "../../core/records/fleet-configuration.ts";
import { ageState, assertInCryptoperiod, keyAge } from "../../core/rotation/cryptoperiod.ts";
import { cryptoperiods, profiles } from "../../core/standard/index.ts";
import { type RotatedKeyKind, rotationThresholds } from "../../core/standard/rotation.ts";
import {
  authorityOf,
  changeContent,
  openTrustWorld,
  type TrustWorld,
  trustFleet,
} from "../distribution/trust-world.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { type FleetApp, openFleetApp, testFleet } from "../support/fleet-app.ts";

const day = 86_400_000;
const kinds = Object.keys(rotationThresholds) as RotatedKeyKind[];

describe("the thresholds of the standard", () => {
  it.each(kinds)("%s: they follow one another, and overdue is the end of the cryptoperiod", (kind) => {
    const { warnDays, dueDays, overdueDays, refusedDays } = rotationThresholds[kind];
    expect(0 < warnDays && warnDays <= dueDays && dueDays <= overdueDays && overdueDays < refusedDays).toBe(
      true,
    );
    expect(overdueDays).toBe(cryptoperiods[kind].originatorDays);
  });

  it("an issuing authority refused is one whose longest device certificate still ends before it, but for the grace", () => {
    const { overdueDays } = rotationThresholds.issuing;
    expect(overdueDays + profiles.device.maximumDays).toBe(profiles.issuing.maximumDays);
  });

  it.each(kinds)("%s: each state begins at its very millisecond", (kind) => {
    const since = 1_700_000_000_000;
    const age = keyAge(kind, since);
    const boundaries = [
      [age.warnAt, "warn"],
      [age.dueAt, "due"],
      [age.overdueAt, "overdue"],
      [age.refusedAt, "refused"],
    ] as const;
    const names = ["ok", "warn", "due", "overdue", "refused"];
    expect(ageState(age, since)).toBe("ok");
    for (const [at, state] of boundaries) {
      // Boundaries may coincide: then the later state holds.
      const last = boundaries.filter(([other]) => other === at).at(-1)?.[1];
      expect(ageState(age, at)).toBe(last);
      expect(names.indexOf(ageState(age, at - 1))).toBeLessThan(names.indexOf(state));
    }
  });

  it.each(kinds)(
    "%s: used one millisecond before its grace ends, refused at the end, saying what to do",
    (kind) => {
      const { refusedAt } = keyAge(kind, 0);
      expect(() => assertInCryptoperiod(kind, 0, refusedAt - 1, "key")).not.toThrow();
      const refused = () => assertInCryptoperiod(kind, 0, refusedAt, 'key "k-1"');
      expect(refused).toThrow(AppError);
      expect(refused).toThrow(
        new RegExp(`^key "k-1" is ${rotationThresholds[kind].refusedDays} d old, limit \\d+ d; [a-z]`),
      );
    },
  );
});

let opened: FleetApp | TrustWorld | undefined;
afterEach(() => opened?.close());

async function enrol({ app }: FleetApp, deviceId: string) {
  const { token } = await createEnrollmentToken(app, { fleet: testFleet, actor: "operator:o", deviceId });
  return enroll(app, { fleet: testFleet, token, csr: deviceCsr(deviceKey()) });
}

describe("an issuing authority", () => {
  it("issues until its grace ends, and then stops and says what to do", async () => {
    const world = await openFleetApp();
    opened = world;
    const { notBefore } = issuingAuthority(world.app, world.fleet).certificate.tbs.validity;
    const { overdueAt, refusedAt } = keyAge("issuing", notBefore);
    world.clock.advance(overdueAt - world.clock.now() + 1_000);
    await enrol(world, "pump-1");
    world.clock.advance(refusedAt - world.clock.now() - 60_000);
    await enrol(world, "pump-2");
    world.clock.advance(60_000);
    const refusal = enrol(world, "pump-3");
    await expect(refusal).rejects.toThrow(/authority "issuing-1" is 728 d old, limit 728 d; plan a rollover/);
    expect(await codeOf(refusal)).toBe("key_overdue");
  });

  it("RFC 5280 §6.1: in its grace a certificate that would outlive it is cut to its end", async () => {
    const world = await openFleetApp();
    opened = world;
    const { app, clock } = world;
    const put = configurationItem(testFleet, {
      ...(await getFleet(app, testFleet)).configuration,
      validityDays: { device: profiles.device.maximumDays },
    });
    await app.items.transact([{ put, when: "absent" }]);
    const { notAfter, notBefore } = issuingAuthority(app, world.fleet).certificate.tbs.validity;
    for (const at of ["dueAt", "overdueAt", "refusedAt"] as const) {
      const slack = at === "refusedAt" ? 60_000 : 0;
      clock.advance(keyAge("issuing", notBefore)[at] - clock.now() - slack);
      const issued = await enrol(world, `pump-${at}`);
      if (!("certificate" in issued)) return expect.fail("the enrolment waits");
      const [der] = decodePem(issued.certificate, "CERTIFICATE");
      const { validity } = decodeCertificate(der!).tbs;
      expect(validity.notAfter).toBeLessThanOrEqual(notAfter);
    }
  });
});

describe("a signer of trust manifests", () => {
  const refusedAt = 395 * day;

  it("past its grace no version is taken that it would sign alone: nothing is lost, and it says what to do", async () => {
    const world = await openTrustWorld();
    opened = world;
    await world.advance();
    world.clock.advance(refusedAt);
    await changeContent(world.app);
    const refused = publishTrust(world.app, trustFleet);
    await expect(refused).rejects.toThrow(
      /trust signer "trust-1" is 395 d old, limit 395 d; hold a ceremony/,
    );
    expect((await world.newest()).version).toBe(2);
  });

  it("it signs the version that names its successor, and from then on the successor signs", async () => {
    const world = await openTrustWorld();
    opened = world;
    world.clock.advance(refusedAt);
    expect(await rotateTrustSigner(world.app, trustFleet)).toEqual({ signerId: "trust-2" });
    expect((await world.newest()).signers).toHaveLength(1);
    await world.advance();
  });

  it("SP 800-57 Part 1 r5 §5.3.6: a root past its grace certifies no signer", async () => {
    const world = await openTrustWorld();
    opened = world;
    const { notBefore } = (await authorityOf(world.app, trustFleet, "root-1")).certificate.tbs.validity;
    world.clock.advance(keyAge("root", notBefore).refusedAt + 600_000 - world.clock.now());
    expect(await codeOf(rotateTrustSigner(world.app, trustFleet))).toBe("key_overdue");
  });

  it("what it took in time and did not sign before it died is finished later", async () => {
    const world = await openTrustWorld();
    opened = world;
    world.clock.advance(refusedAt - 60_000);
    await changeContent(world.app);
    const keys = { ...world.app.keys, sign: () => Promise.reject(new Error("killed")) };
    const dying = {
      ...world.app,
      keys: {
        createKey: world.app.keys.createKey.bind(world.app.keys),
        describeKey: world.app.keys.describeKey.bind(world.app.keys),
        sign: keys.sign,
      },
    };
    await expect(publishTrust(dying, trustFleet)).rejects.toThrow("killed");
    world.clock.advance(120_000);
    await expect(publishTrust(world.app, trustFleet)).resolves.toBe("published");
    expect((await world.newest()).version).toBe(2);
    await changeContent(world.app);
    expect(await codeOf(publishTrust(world.app, trustFleet))).toBe("key_overdue");
  });
});
