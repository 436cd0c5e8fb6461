/** Room: test. Certificates of a successor: what they say, one of each whatever happens, and when there are none. */
import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { listCertificates } from "../../core/distribution/inventory.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { type AuthorityRecord, authorityItem } from "../../core/records/fleet-record.ts";
import type { RolloverRecord } from "../../core/records/rollover-record.ts";
import { certifySuccessor, nextAuthorityId, type Succession } from "../../core/rotation/successor.ts";
import { trustFleet as fleet, makeTrustFleet } from "../distribution/trust-world.ts";
import { type DeploymentFixture, openDeploymentApp } from "../support/deployment-app.ts";
import { codeOf } from "../support/errors.ts";
import { dyingApp } from "./dying-app.ts";
import { overwrite, publishSuccession, recordOf, rollover, setState, succeed } from "./rollover-stages.ts";

const day = 86_400_000;
let fixture: DeploymentFixture;
beforeEach(async () => {
  fixture = await openDeploymentApp();
  await makeTrustFleet(fixture.app);
});
afterEach(() => fixture.close());

const rootRollover = (more: Partial<RolloverRecord> = {}) =>
  rollover(fleet, "root", ["root-1", "root-2"], { algorithm: "P-384", ...more });
const issuingRollover = rollover(fleet, "issuing", ["issuing-1", "issuing-2"]);
const certify = async (record: RolloverRecord): Promise<Succession> =>
  certifySuccessor(fixture.app, await getFleet(fixture.app, fleet), record);

const x509 = (record: AuthorityRecord) => new X509Certificate(record.certificate);
const crossesOf = ({ crossCertificates = [] }: AuthorityRecord) =>
  crossCertificates.map((one) => new X509Certificate(Buffer.from(one, "base64")));
const time = (text: string): number => Date.parse(text);

async function issuedProfiles(): Promise<readonly string[]> {
  const { certificates } = await listCertificates(fixture.app, { fleet, limit: 50 });
  return certificates.map(({ profile, subjectId }) => `${profile} ${subjectId}`).sort();
}
const atFirst = ["issuing issuing-1", "root root-1", "trustSigner trust-1"];
const rootRolled = [
  ...["cross root-1", "cross root-2", "issuing issuing-1"],
  ...["root root-1", "root root-2", "trustSigner trust-1"],
];

describe("RFC 9810 §4.4: the new root and the old certify one another", () => {
  it("NewWithOld has the new key, and ends with the old root at the latest", async () => {
    const old = x509(await recordOf(fixture.app, fleet, "root-1"));
    const { authority } = await certify(rootRollover());
    const [newWithOld, ...others] = crossesOf(authority);
    expect(others).toEqual([]);
    const own = x509(authority);
    expect(authority).toMatchObject({ state: "published", kind: "root", algorithm: "P-384" });
    expect(own.verify(own.publicKey)).toBe(true);
    expect(newWithOld?.subject).toBe(own.subject);
    expect(newWithOld?.issuer).toBe(old.subject);
    expect(newWithOld?.verify(old.publicKey)).toBe(true);
    expect(newWithOld?.publicKey.equals(own.publicKey)).toBe(true);
    expect(time(newWithOld?.validTo ?? "")).toBeLessThanOrEqual(time(old.validTo));
  });

  it("OldWithNew has the old key, and ends with the old root at the latest", async () => {
    fixture.clock.advance(100 * day);
    const { authority, changed } = await certify(rootRollover());
    expect(changed.map(({ authorityId }) => authorityId)).toEqual(["root-1"]);
    const [old] = changed as [AuthorityRecord];
    const [oldWithNew] = crossesOf(old);
    expect(oldWithNew?.publicKey.equals(x509(old).publicKey)).toBe(true);
    expect(oldWithNew?.verify(x509(authority).publicKey)).toBe(true);
    const [ends, oldEnds] = [time(oldWithNew?.validTo ?? ""), time(x509(old).validTo)];
    expect(ends).toBeLessThanOrEqual(oldEnds);
    expect(ends).toBeGreaterThan(oldEnds - 2 * day);
    expect({ ...old, crossCertificates: [] }).toEqual({
      ...(await recordOf(fixture.app, fleet, "root-1")),
      crossCertificates: [],
    });
  });

  it("a third root keeps the cross certificates of the second", async () => {
    await succeed(fixture.app, fleet, "root", ["root-1", "root-2"]);
    await setState(fixture.app, fleet, "root-2", "active");
    await setState(fixture.app, fleet, "root-1", "draining");
    const { changed } = await certify(rollover(fleet, "root", ["root-2", "root-3"]));
    expect(changed.map((record) => crossesOf(record).map(({ issuer }) => issuer))).toEqual([
      [`CN=${fleet} root-1`, `CN=${fleet} root-3`],
    ]);
  });
});

describe("an issuing authority", () => {
  it("is certified by the root in force, and says so", async () => {
    const { authority, changed } = await certify(issuingRollover);
    expect(changed).toEqual([]);
    expect(authority).toMatchObject({ state: "published", parentId: "root-1", kind: "issuing" });
    await succeed(fixture.app, fleet, "root", ["root-1", "root-2"]);
    await setState(fixture.app, fleet, "root-2", "active");
    await setState(fixture.app, fleet, "root-1", "draining");
    expect((await certify(issuingRollover)).authority).toMatchObject({ parentId: "root-2" });
  });
});

describe("one certificate each", () => {
  it("of runs one after another", async () => {
    const first = await certify(rootRollover());
    await publishSuccession(fixture.app, first);
    fixture.clock.advance(day);
    const again = await certify(rootRollover());
    expect({ ...again.authority, changedAt: 0 }).toEqual({ ...first.authority, changedAt: 0 });
    expect(again.changed).toEqual(first.changed);
    expect(await issuedProfiles()).toEqual(rootRolled);
  });

  it("of eight runs at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => certify(rootRollover())));
    const texts = all.map(({ authority, changed }) =>
      JSON.stringify([authority.certificate, authority.crossCertificates, changed]),
    );
    expect(new Set(texts).size).toBe(1);
    expect(await issuedProfiles()).toEqual(rootRolled);
  });

  it.each([
    ["a root", rootRollover(), rootRolled, 30],
    ["an issuing authority", issuingRollover, [...atFirst, "issuing issuing-2"].sort(), 10],
  ] as const)(
    "of the rollover of %s that dies before or after any call of a port, and is repeated",
    async (_, record, expected, least) => {
      const survives = async (target: number): Promise<boolean> => {
        const { app, dead } = dyingApp(fixture.app, target);
        const run = getFleet(fixture.app, fleet).then((state) => certifySuccessor(app, state, record));
        const outcome = await Promise.race([dead, run]);
        fixture.clock.advance(leaseMilliseconds + 1);
        await certify(record);
        expect(await issuedProfiles(), `died at step ${target}`).toEqual(expected);
        return outcome !== "dead";
      };
      let deaths = 0;
      while (!(await survives(deaths + 1))) {
        deaths += 1;
        await fixture.close();
        fixture = await openDeploymentApp();
        await makeTrustFleet(fixture.app);
      }
      expect(deaths).toBeGreaterThan(least);
    },
    120_000,
  );

  it("of two fleets with the same names: each its own", async () => {
    await makeTrustFleet(fixture.app, "ward");
    const { authority } = await certify(rootRollover());
    const ward = await certifySuccessor(
      fixture.app,
      await getFleet(fixture.app, "ward"),
      rollover("ward", "root", ["root-1", "root-2"], { algorithm: "P-384" }),
    );
    expect(ward.authority.keyId).not.toBe(authority.keyId);
    expect(x509(ward.authority).publicKey.equals(x509(authority).publicKey)).toBe(false);
  });
});

describe("no certificate", () => {
  const refusal = (record: RolloverRecord) => codeOf(certify(record));
  const changeRoot = async (change: Partial<AuthorityRecord>): Promise<void> =>
    overwrite(fixture.app, authorityItem({ ...(await recordOf(fixture.app, fleet, "root-1")), ...change }));

  it("under a root whose key is offline: key_offline, and nothing is made", async () => {
    await changeRoot({ custody: "offline" });
    expect(await refusal(issuingRollover)).toBe("key_offline");
    expect(await refusal(rootRollover())).toBe("key_offline");
    expect(await issuedProfiles()).toEqual(atFirst);
  });

  it("for a root that has another predecessor than the one in force: rollover_state_invalid", async () => {
    expect(await refusal(rollover(fleet, "root", ["root-7", "root-8"]))).toBe("rollover_state_invalid");
    expect(await issuedProfiles()).toEqual(atFirst);
  });

  it("without a root in force: authority_unavailable", async () => {
    await changeRoot({ state: "retired" });
    expect(await refusal(issuingRollover)).toBe("authority_unavailable");
    expect(await refusal(rootRollover())).toBe("authority_unavailable");
  });

  it("with another key than the record's in the key service's hands: internal", async () => {
    const { keyId } = await recordOf(fixture.app, fleet, "issuing-1");
    await changeRoot({ keyId });
    expect(await refusal(rootRollover())).toMatch(/^(signature_invalid|internal)$/);
  });

  it("SP 800-57 Part 1 r5 §5.3.6: an issuing authority under a root past its grace: key_overdue", async () => {
    fixture.clock.advance(3_500 * day);
    expect(await refusal(issuingRollover)).toBe("key_overdue");
  });

  it("a root past its grace says nothing for its successor, which is made all the same", async () => {
    fixture.clock.advance(3_500 * day);
    const { authority, changed } = await certify(rootRollover());
    expect(authority.crossCertificates).toBeUndefined();
    expect(changed.flatMap(crossesOf)).toHaveLength(1);
  });

  it("a root that has expired takes no part, and its successor is made", async () => {
    fixture.clock.advance(3_651 * day);
    const { authority, changed } = await certify(rootRollover());
    expect([authority.crossCertificates, changed]).toEqual([undefined, []]);
  });

  it("an emergency: the new root never vouches for the old key", async () => {
    const { authority, changed } = await certify(rootRollover({ emergency: true }));
    expect(changed).toEqual([]);
    expect(crossesOf(authority)).toHaveLength(1);
    expect(await issuedProfiles()).not.toContain("cross root-1");
  });

  it("an emergency whose old key is gone: the new root is made without it", async () => {
    await changeRoot({ keyId: "P-256:00000000-0000-4000-8000-000000000000", custody: "offline" });
    const { authority } = await certify(rootRollover({ emergency: true }));
    expect(authority.crossCertificates).toBeUndefined();
  });
});

describe("the next name", () => {
  it("is one that no authority has, and no rollover ever had", async () => {
    const state = await getFleet(fixture.app, fleet);
    expect(nextAuthorityId(state, [], "root")).toBe("root-2");
    expect(nextAuthorityId(state, [], "issuing")).toBe("issuing-2");
    const takenBack = rollover(fleet, "root", ["root-1", "root-9"], { state: "rolledBack" });
    expect(nextAuthorityId(state, [takenBack], "root")).toBe("root-10");
    expect(nextAuthorityId(state, [takenBack], "issuing")).toBe("issuing-2");
  });
});
