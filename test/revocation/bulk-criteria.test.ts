/** Room: test. The dry run of a bulk revocation: what it counts, what it never counts, and what it refuses. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticateClientCertificate } from "../../core/access/client-certificate.ts";
import { createClaim } from "../../core/enrollment/claim.ts";
import { renew } from "../../core/enrollment/renew.ts";
import { acknowledgementItem } from "../../core/records/acknowledgement-record.ts";
import { type CertificateRecord, certificateItem } from "../../core/records/certificate-record.ts";
import { claimedItem, claimItem } from "../../core/records/claim-record.ts";
import { getRevocationJob, previewRevocation } from "../../core/revocation/bulk.ts";
import { continueJobs } from "../../core/revocation/bulk-worker.ts";
import type { RevocationCriteria } from "../../core/revocation/criteria.ts";
import { configure, enrolled, register } from "../enrollment/fixtures/configured-fleet.ts";
import { deviceCsr, deviceKey } from "../support/device.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import {
  actor,
  auditOf,
  type BulkFleet,
  certificateOf,
  continueOnce,
  day,
  execute,
  forever,
  know,
  openBulkFleet,
  preview,
  put,
  stored,
} from "./bulk-fleet.ts";

const hour = 3_600_000;
const devices = ["pump-1", "pump-2", "pump-3", "pump-4"];
const claims: Readonly<Record<string, string>> = { "pump-1": "Batch-1", "pump-2": "batch-2" };
const label = "4.2.0+build.7";
const withLabel: readonly string[] = ["pump-1", "pump-3"];

const kinds = [
  "device",
  "device",
  "device",
  "server",
  "operator",
  "claim",
  "backend",
  "service",
  "authority",
] as const;
const states = ["issued", "issued", "issued", "revoked", "held"] as const;
const credentials = [
  "token:x",
  "claim:batch-1/pump",
  "claim:batch-2/pump",
  "certificate:4a",
  "quarantine:4b",
  "manufacturer:batch-1/pump",
];

/** Hours are before now. */
const certificates = fc.array(
  fc.record({
    subjectKind: fc.constantFrom(...kinds),
    subjectId: fc.constantFrom(...devices),
    state: fc.constantFrom(...states),
    authorityId: fc.constantFrom("issuing-1", "issuing-2"),
    profile: fc.constantFrom("device", "server", "quarantine"),
    credential: fc.constantFrom(...credentials),
    issued: fc.integer({ min: 1, max: 12 }),
    isOver: fc.boolean(),
  }),
  { minLength: 20, maxLength: 120 },
);
type Drawn = (typeof certificates extends fc.Arbitrary<infer Value> ? Value : never)[number];

function recordOf(fleet: BulkFleet, now: number, drawn: Drawn): CertificateRecord {
  const { state, issued, isOver, ...same } = drawn;
  const revocationReason = state === "held" ? "certificateHold" : "superseded";
  const profile = same.profile as CertificateRecord["profile"];
  return certificateOf(fleet.app, {
    ...same,
    profile,
    issuedAt: now - issued * hour,
    notAfter: isOver ? now - hour / 2 : now + day,
    ...(state === "issued" ? {} : { state: "revoked", revocationReason, revokedAt: now - 1_000 }),
  });
}

const choice = <Value>(...values: readonly Value[]) =>
  fc.option(fc.constantFrom(...values), { nil: undefined });
const wanted = fc
  .record({
    authorityId: choice("issuing-1", "issuing-2", "issuing-3"),
    claimId: choice("batch-1", "BATCH-1", "batch-2"),
    firmware: choice(label, "9.9.9"),
    profile: choice("device", "server"),
    from: choice(10, 6),
    to: choice(5, 2),
  })
  .filter((drawn) => Object.values(drawn).some((value) => value !== undefined));
type Wanted = typeof wanted extends fc.Arbitrary<infer Value> ? Value : never;

function criteriaOf(now: number, { from, to, ...rest }: Wanted): RevocationCriteria {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(given),
    ...(from === undefined ? {} : { issuedFrom: now - from * hour }),
    ...(to === undefined ? {} : { issuedTo: now - to * hour }),
  };
}

/** What a bulk revocation is for, said another way: over one certificate, without an index. */
function isMeant(drawn: Drawn, criteria: Wanted): boolean {
  const { subjectKind, subjectId, credential, issued } = drawn;
  const claim = /^claim:(.*)\//.exec(credential)?.[1] ?? "";
  const descends = subjectKind === "device" && /^(certificate|quarantine):/.test(credential);
  const batch = (descends ? (claims[subjectId] ?? "") : claim).toLowerCase();
  return (
    subjectKind !== "authority" &&
    subjectKind !== "service" &&
    !drawn.isOver &&
    (criteria.authorityId ?? drawn.authorityId) === drawn.authorityId &&
    (criteria.profile ?? drawn.profile) === drawn.profile &&
    (criteria.claimId ?? batch).toLowerCase() === batch &&
    (criteria.firmware === undefined ||
      (criteria.firmware === label && subjectKind === "device" && withLabel.includes(subjectId))) &&
    issued <= (criteria.from ?? 99) &&
    issued >= (criteria.to ?? 0)
  );
}

/** Claims that the fleet has made. */
async function claimed({ app }: BulkFleet, claimIds: readonly string[]): Promise<void> {
  const made = { quota: 9, profile: "device", serialNumber: "4a", createdAt: 1, createdBy: actor } as const;
  const items = claimIds.map((claimId) => claimItem(testFleet, { ...made, claimId }));
  await app.items.transact(items.map((put) => ({ put, when: "absent" as const })));
}

async function describeDevices(fleet: BulkFleet): Promise<void> {
  await know(fleet.app, ["issuing-2", "issuing-3"]);
  await claimed(fleet, ["batch-1", "batch-2"]);
  const acknowledged = withLabel.map((id) =>
    acknowledgementItem({ fleet: testFleet, kind: "device", id, version: 1, firmware: label, at: 1 }),
  );
  const marks = Object.entries(claims).map(([id, claimId]) => claimedItem(testFleet, id, claimId, 1));
  await fleet.app.items.transact(
    [...acknowledged, ...marks].map((put) => ({ put, when: "absent" as const })),
  );
}

let fleet: BulkFleet;
beforeAll(async () => {
  fleet = await openBulkFleet();
});
afterAll(() => fleet.close());

describe("a dry run over random certificates", () => {
  it("changes nothing and counts exactly, and its execution revokes exactly what it counted", async () => {
    const runs = fc.asyncProperty(certificates, wanted, async (drawn, criteria) => {
      const other = await openBulkFleet();
      const { app } = other;
      try {
        const now = app.clock.now();
        const records = drawn.map((each) => recordOf(other, now, each));
        await put(app, records);
        await describeDevices(other);
        const before = await stored(app);
        const jobId = await preview(app, criteriaOf(now, criteria));
        const meant = drawn.map((each) => isMeant(each, criteria));
        const revocable = meant.map((is, index) => is && drawn[index]?.state !== "revoked");
        const revoked = revocable.filter(Boolean).length;
        const ofKind = (kind: string) =>
          drawn.filter((each, index) => revocable[index] && each.subjectKind === kind).length;
        const counts = {
          matched: meant.filter(Boolean).length,
          unchanged: meant.filter(Boolean).length - revoked,
          toRevoke: {
            certificates: revoked,
            bySubject: {
              device: ofKind("device"),
              operator: ofKind("operator"),
              server: ofKind("server"),
              claim: ofKind("claim"),
              backend: ofKind("backend"),
            },
          },
        };
        const counted = await getRevocationJob(app, { fleet: testFleet, jobId });
        expect(counted).toMatchObject({ state: "counted", revoked: 0, ...counts });
        expect(await stored(app)).toEqual(before);
        expect(await auditOf(app, "certificate.revoked")).toEqual([]);
        await execute(app, jobId);
        await continueJobs(app, { until: forever });
        const done = await getRevocationJob(app, { fleet: testFleet, jobId });
        expect(done).toMatchObject({ state: "done", revoked, ...counts });
        expect(done.progress).toEqual({ read: counted.progress.read, of: counted.progress.read });
        const after = await stored(app);
        for (const [index, record] of records.entries()) {
          const { serialNumber } = record;
          const expected = revocable[index]
            ? { state: "revoked", revocationReason: "keyCompromise", revokedBy: `revocation-job:${jobId}` }
            : before.get(serialNumber);
          expect(after.get(serialNumber)).toMatchObject(expected ?? {});
        }
      } finally {
        await other.close();
      }
    });
    await fc.assert(runs, { numRuns: 25 });
  }, 120_000);
});

describe("the window of issue", () => {
  it("ends when the job was asked for, whatever it says: what is issued later is never caught", async () => {
    const { app, clock } = fleet;
    const authorityId = "issuing-window";
    await put(app, [certificateOf(app, { authorityId })]);
    const issuedTo = clock.now() + 9 * day;
    const job = await previewRevocation(app, {
      fleet: testFleet,
      actor,
      criteria: { authorityId, issuedTo },
      reason: "superseded",
    });
    expect(Date.parse(job.criteria.issuedTo ?? "")).toBeLessThanOrEqual(clock.now());
    clock.advance(1_000);
    const late = certificateOf(app, { authorityId, issuedAt: clock.now() });
    await put(app, [late]);
    await continueJobs(app, { until: forever });
    const { jobId } = job;
    expect(await getRevocationJob(app, { fleet: testFleet, jobId })).toMatchObject({ matched: 1 });
    await execute(app, jobId);
    await continueJobs(app, { until: forever });
    expect(await getRevocationJob(app, { fleet: testFleet, jobId })).toMatchObject({ revoked: 1 });
    expect((await stored(app)).get(late.serialNumber)?.state).toBe("issued");
  });

  it("is by the time of issue, also of records that an earlier release kept under the time of their intent", async () => {
    const { app, clock } = fleet;
    const authorityId = "issuing-earlier";
    await know(app, [authorityId]);
    const issuedAt = clock.now() - 5 * hour;
    const records = Array.from({ length: 60 }, (_, index) =>
      certificateOf(app, { authorityId, issuedAt: issuedAt + index, createdAt: issuedAt + index - hour }),
    );
    const puts = records.map((record) => {
      const item = certificateItem(record);
      const sk = `${new Date(record.createdAt).toISOString()}#${record.serialNumber}`;
      const byIssue = { pk: item.indexes?.byIssue?.pk ?? "", sk };
      return { put: { ...item, indexes: { ...item.indexes, byIssue } }, when: "absent" as const };
    });
    await app.items.transact(puts);
    const jobId = await preview(app, { authorityId, issuedFrom: issuedAt + 10 });
    expect(await getRevocationJob(app, { fleet: testFleet, jobId })).toMatchObject({ matched: 50 });
    await execute(app, jobId);
    // A revocation moves such a record on in the index, to where the next run comes by.
    for (let run = 0; run < 3; run += 1) await continueOnce(fleet);
    expect(await getRevocationJob(app, { fleet: testFleet, jobId })).toMatchObject({
      state: "done",
      revoked: 50,
      unchanged: 0,
    });
  });
});

describe("a production batch", () => {
  it("is what the claim enrolled and what its devices renewed since, and nothing of another batch", async () => {
    const { app, close } = await openBulkFleet();
    await configure(app, { accepts: ["claim"] });
    const csr = (commonName?: string) =>
      deviceCsr(deviceKey(), commonName === undefined ? {} : { commonName });
    await register(app, ["pump-1", "pump-2", "pump-3"]);
    const claimOf = (claimId: string) => createClaim(app, { fleet: testFleet, actor, claimId, csr: csr() });
    const [line7, line70] = [await claimOf("line-7"), await claimOf("line-70")];
    const certificatesOf = async ({ certificate }: { readonly certificate: string }, deviceId: string) => {
      const device = await enrolled(app, { fleet: testFleet, certificate, csr: csr(deviceId) });
      const client = await authenticateClientCertificate(app, device);
      return [device, await renew(app, { fleet: testFleet, client, csr: csr() })];
    };
    const batch = [...(await certificatesOf(line7, "pump-1")), ...(await certificatesOf(line7, "pump-2"))];
    await certificatesOf(line70, "pump-3");
    const jobId = await preview(app, { claimId: "line-7" });
    const job = await getRevocationJob(app, { fleet: testFleet, jobId });
    expect(job).toMatchObject({ state: "counted", matched: 4 });
    await execute(app, jobId);
    await continueJobs(app, { until: forever });
    const revoked = [...(await stored(app)).values()].filter(({ state }) => state === "revoked");
    const serials = revoked.map(({ serialNumber }) => serialNumber).sort();
    expect(serials).toEqual(batch.map(({ serialNumber }) => serialNumber).sort());
    await close();
  });
});

describe("criteria are refused", () => {
  const cases: readonly [string, RevocationCriteria, string][] = [
    ["none", {}, "request_invalid"],
    ["a window that begins after now", { issuedFrom: Date.now() + 900 * day }, "request_invalid"],
    ["a window that ends before it begins", { issuedFrom: 2_000, issuedTo: 1_000 }, "request_invalid"],
    ["a time that is none", { issuedTo: Number.NaN }, "request_invalid"],
    ["a time before the epoch", { issuedFrom: -1 }, "request_invalid"],
    ["a profile that there is none of", { profile: "toaster" as "device" }, "request_invalid"],
    ["a firmware label of other characters", { firmware: "4.2 beta" }, "request_invalid"],
    ["a claim id shaped like an e-mail address", { claimId: "jane@example.org" }, "name_not_permitted"],
    ["a claim id shaped like a birth date", { claimId: "1971-02-03" }, "name_not_permitted"],
    [
      "a firmware label shaped like a social security number",
      { firmware: "123-45-6789" },
      "name_not_permitted",
    ],
    ["an authority id of other characters", { authorityId: "a b" }, "name_not_permitted"],
  ];
  it.each(cases)("%s", async (_name, criteria, code) => {
    const request = { fleet: testFleet, actor, criteria, reason: "superseded" } as const;
    const refused = previewRevocation(fleet.app, request).catch((error: unknown) => {
      expect(String(error)).not.toMatch(/jane|1971|6789|toaster/);
      throw error;
    });
    expect(await codeOf(refused)).toBe(code);
  });

  const preview = (criteria: RevocationCriteria) =>
    previewRevocation(fleet.app, { fleet: testFleet, actor, criteria, reason: "superseded" });

  it("an authority that the fleet has none of: the message says which there are", async () => {
    await expect(preview({ authorityId: "issuing-nope" })).rejects.toMatchObject({
      code: "request_invalid",
      message: expect.stringMatching(
        /^authorityId names no authority of the fleet; it has issuing-1, .*root-1$/,
      ),
    });
  });

  it("a claim that the fleet has none of: the message says where they are named", async () => {
    await expect(preview({ claimId: "batch-nope" })).rejects.toMatchObject({
      code: "request_invalid",
      message: "claimId names no claim of the fleet; certificates of profile claim name those that there are",
    });
  });

  it("times in messages are ISO 8601", async () => {
    await expect(preview({ issuedFrom: 86_400_000, issuedTo: 0 })).rejects.toThrow(
      "issuedFrom 1970-01-02T00:00:00.000Z is after 1970-01-01T00:00:00.000Z, the end of the window",
    );
    await expect(preview({ issuedTo: -1 })).rejects.toThrow(
      "issuedTo is no time from 1970-01-01 to 9999-12-31T23:59:59.999Z",
    );
  });
});

describe("a firmware", () => {
  const version = "7.7.7";
  const says = (id: string, firmware: string, more: { readonly at: number; readonly firmwareAt?: number }) =>
    acknowledgementItem({ fleet: testFleet, kind: "device", id, version: 1, firmware, ...more });

  it("that no device has reported is said to be unknown; of other criteria nothing is said", async () => {
    const { app, close } = await openBulkFleet();
    const view = async (criteria: RevocationCriteria) =>
      getRevocationJob(app, { fleet: testFleet, jobId: await preview(app, criteria) });
    expect(await view({ firmware: version })).toMatchObject({ firmwareKnown: false, matched: 0 });
    await app.items.transact([{ put: says("pump-1", version, { at: 1 }), when: "absent" }]);
    expect(await view({ firmware: version })).toMatchObject({ firmwareKnown: true, matched: 0 });
    expect(await view({ profile: "device" })).not.toHaveProperty("firmwareKnown");
    await close();
  });

  it("is that of devices that said so up to the dry run; who says so later is never caught", async () => {
    const { app, clock, close } = await openBulkFleet();
    await put(
      app,
      ["pump-1", "pump-2"].map((subjectId) => certificateOf(app, { subjectId })),
    );
    const firmwareAt = clock.now();
    await app.items.transact([{ put: says("pump-1", version, { at: firmwareAt }), when: "absent" }]);
    const jobId = await preview(app, { firmware: version });
    clock.advance(1_000);
    await app.items.transact([{ put: says("pump-2", version, { at: clock.now() }), when: "absent" }]);
    // What it says besides, such as a newer manifest, changes nothing: it has run that firmware since then.
    const again = { at: clock.now(), firmwareAt };
    await app.items.transact([{ put: says("pump-1", version, again), when: 1 }]);
    await execute(app, jobId);
    await continueJobs(app, { until: forever });
    const done = await getRevocationJob(app, { fleet: testFleet, jobId });
    expect(done).toMatchObject({ state: "done", matched: 1, revoked: 1, unchanged: 0 });
    const left = [...(await stored(app)).values()].filter(({ subjectId }) => subjectId === "pump-2");
    expect(left).toMatchObject([{ state: "issued" }]);
    await close();
  });
});
