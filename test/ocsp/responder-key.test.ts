/** Room: test. The responder's key is followed by the next: nobody who asks meanwhile is left without an answer. */
import { afterEach, describe, expect, it } from "vitest";
import { getFleet } from "../../core/authority/issuer.ts";
import { leaseMilliseconds } from "../../core/enrollment/intent.ts";
import { AppError } from "../../core/errors.ts";
import { ocspResponder } from "../../core/ocsp/answer.ts";
import { findResponders } from "../../core/ocsp/certified-responders.ts";
import { tendResponders } from "../../core/ocsp/responder.ts";
import { fleetItem } from "../../core/records/fleet-record.ts";
import { type ResponderRecord, responderItem } from "../../core/records/responder-record.ts";
import { keyAge } from "../../core/rotation/cryptoperiod.ts";
import { rotationThresholds } from "../../core/standard/rotation.ts";
import { mortal } from "../revocation/mortal.ts";
import { codeOf } from "../support/errors.ts";
import { testFleet } from "../support/fleet-app.ts";
import { opensslInstalled } from "../support/openssl.ts";
import {
  type AnsweringFleet,
  addAuthority,
  askOpenssl,
  judge,
  openAnsweringFleet,
  plainRequest,
  type Subject,
  statusName,
} from "./answering-fleet.ts";

let opened: AnsweringFleet | undefined;
afterEach(() => opened?.close());

async function open(): Promise<AnsweringFleet> {
  opened = await openAnsweringFleet();
  return opened;
}

const records = async ({ app }: AnsweringFleet) =>
  [...(await findResponders(app, testFleet)).values()].map(({ value }) => value);
const fleetOf = async ({ app }: AnsweringFleet) => (await getFleet(app, testFleet)).record;

/** To the responder key's own `threshold`, so many milliseconds off it. */
async function moveTo(world: AnsweringFleet, threshold: "dueAt" | "refusedAt", off = 0): Promise<void> {
  const { responderSince, createdAt } = await fleetOf(world);
  const at = keyAge("ocspResponder", responderSince ?? createdAt)[threshold];
  world.clock.advance(at + off - world.clock.now());
}

const undeployed = (world: AnsweringFleet) => ({
  ...world.app,
  keys: {
    createKey(alias: string, algorithm: Parameters<typeof world.keys.createKey>[1]) {
      if (alias.endsWith("-ocsp-2")) throw new AppError("configuration_invalid", "the alias has no key");
      return world.keys.createKey(alias, algorithm);
    },
    describeKey: world.keys.describeKey,
    sign: world.keys.sign,
  },
});

describe("the key that is due", () => {
  it("is followed by the next, which all authorities certify at once; not a moment before", async () => {
    const world = await open();
    await addAuthority(world.app, await getFleet(world.app, testFleet), "issuing-2");
    await moveTo(world, "dueAt", -60_000);
    await world.tend();
    expect((await fleetOf(world)).responderId).toBeUndefined();
    const [old] = await records(world);
    world.clock.advance(60_000);
    expect(await world.tend()).toBe(2);
    const { responderId, responderSince } = await fleetOf(world);
    expect(responderId).toBe("ocsp-2");
    for (const record of await records(world)) {
      expect(record).toMatchObject({ responderId: "ocsp-2", keySince: responderSince });
      expect(record.keyId).not.toBe(old?.keyId);
    }
    expect(await world.tend()).toBe(0);
  });

  it("of ten tenders at once one puts the next on record, and each authority has one certificate of it", async () => {
    const world = await open();
    await moveTo(world, "dueAt", 1);
    const made = await Promise.all(Array.from({ length: 10 }, () => world.tend()));
    await world.tend();
    expect(made.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1);
    expect((await fleetOf(world)).responderId).toBe("ocsp-2");
    expect(await records(world)).toHaveLength(1);
    expect((await records(world))[0]?.responderId).toBe("ocsp-2");
  });

  it("goes on where the next is not deployed, until its grace ends; then it signs nothing more", async () => {
    const world = await open();
    const subject = await world.device();
    await moveTo(world, "refusedAt", -120_000);
    const app = undeployed(world);
    const tend = async () => tendResponders(app, await getFleet(app, testFleet));
    await tend();
    const ask = async () =>
      statusName(
        (await ocspResponder(app)({ fleet: testFleet, request: plainRequest(subject, subject) })).body,
      );
    expect((await fleetOf(world)).responderId).toBeUndefined();
    expect(await ask()).toBe("successful");
    // What is kept may be given for as long as it says.
    world.clock.advance(120_000);
    expect(await ask()).toBe("successful");
    world.clock.advance(7 * 3_600_000);
    expect(await ask()).toBe("internalError");
    expect(world.log.at(-1)).toMatchObject({ event: "ocsp_not_answered", fields: { code: "key_overdue" } });
    world.clock.advance(14 * 86_400_000);
    expect(await codeOf(tend())).toBe("key_overdue");
    // Deployed at last.
    expect(await world.tend()).toBe(1);
    expect(statusName((await world.answer({ fleet: testFleet, request: plainRequest(subject) })).body)).toBe(
      "successful",
    );
  });

  it("what an earlier release recorded is the first key's, as old as the fleet", async () => {
    const world = await open();
    const [{ responderId: _, keySince: __, ...earlier }] = (await records(world)) as [ResponderRecord];
    await world.app.items.transact([{ put: responderItem(earlier), when: 1 }]);
    expect(await world.tend()).toBe(0);
    const subject = await world.device();
    const ask = async () =>
      statusName((await world.responder()({ fleet: testFleet, request: plainRequest(subject) })).body);
    expect(await ask()).toBe("successful");
    await moveTo(world, "dueAt", 1);
    expect(await world.tend()).toBe(1);
    expect((await records(world))[0]?.responderId).toBe("ocsp-2");
  });

  it.runIf(opensslInstalled)("OpenSSL takes the answers of both keys", async () => {
    const world = await open();
    const subject = await world.device();
    for (const off of [-60_000, 0]) {
      await moveTo(world, "dueAt", off);
      await world.tend();
      const output = await askOpenssl(world.responder(), subject, { at: world.clock.now() });
      expect(output).toMatch(/: good\n[\s\S]*Response verify OK\n/);
    }
    expect((await fleetOf(world)).responderId).toBe("ocsp-2");
  });
});

/** Makes the present key as old as it may be, in the time of one authority. */
async function age(world: AnsweringFleet): Promise<void> {
  const { record, version } = await getFleet(world.app, testFleet);
  const responderSince = world.clock.now() - rotationThresholds.ocspResponder.dueDays * 86_400_000;
  await world.app.items.transact([{ put: fleetItem({ ...record, responderSince }), when: version }]);
}

describe.each(["before the call", "before the answer"] as const)(
  "a tender that dies %s of a port",
  (death) => {
    it("is finished by the next: one key follows the other, and questions are answered all the while", async () => {
      const world = await open();
      const subject = await world.device();
      const ask = async () =>
        statusName((await world.responder()({ fleet: testFleet, request: plainRequest(subject) })).body);
      let deaths = 0;
      for (let target = 1; ; target += 1) {
        await age(world);
        const before = (await fleetOf(world)).responderId ?? "ocsp-1";
        const dying = mortal(world.app, target, death);
        const died = await dying.dies(async () =>
          tendResponders(dying.app, await getFleet(world.app, testFleet)),
        );
        expect(await ask(), `died at call ${target}`).toBe("successful");
        world.clock.advance(leaseMilliseconds + 1);
        await world.tend();
        const { responderId } = await fleetOf(world);
        expect(responderId, `died at call ${target}`).toBe(`ocsp-${Number(before.slice(5)) + 1}`);
        expect((await records(world)).map((record) => record.responderId)).toEqual([responderId]);
        expect(await ask(), `died at call ${target}`).toBe("successful");
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(10);
    }, 120_000);
  },
);

describe("under a load of questions", () => {
  it("ten replacements, a thousand questions to instances old and new: each is answered, and by a key in force", async () => {
    const world = await open();
    const subjects: Subject[] = [];
    for (let count = 0; count < 5; count += 1) subjects.push(await world.device());
    const instances = Array.from({ length: 4 }, () => world.responder());
    let answered = 0;
    const last: { subject: Subject; body: Uint8Array }[] = [];
    const ask = async (index: number): Promise<void> => {
      const subject = subjects[index % subjects.length]!;
      const request = index % 3 === 0 ? plainRequest(subject, subjects[0]!) : plainRequest(subject);
      const { body } = await instances[index % instances.length]!({ fleet: testFleet, request });
      expect(statusName(body), `question ${index}`).toBe("successful");
      answered += 1;
      if (index % 3 !== 0) last[index % 5] = { subject, body };
    };
    const questions = (from: number) => Array.from({ length: 50 }, (_, index) => ask(from + index));
    for (let replacement = 1; replacement <= 10; replacement += 1) {
      await age(world);
      await Promise.all([...questions(replacement * 100), world.tend(), world.tend()]);
      await Promise.all([world.tend(), ...questions(replacement * 100 + 50)]);
      expect((await fleetOf(world)).responderId).toBe(`ocsp-${replacement + 1}`);
      // Instances remember for five seconds who signs.
      world.clock.advance(3_000);
    }
    expect(answered).toBe(1_000);
    if (opensslInstalled)
      for (const { subject, body } of last.filter((each) => each !== undefined))
        expect((await judge(subject, body, { at: world.clock.now() })).output).toContain(
          "Response verify OK",
        );
  }, 120_000);
});
