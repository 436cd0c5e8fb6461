/**
 * The contract of the Notifier port. Nothing here knows an adapter: run it over each.
 * Every test tells its notices by subjects of its own, so one topic or file may serve the whole suite.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Notice, Notifier } from "../../core/ports.ts";
import { codeOf } from "../support/errors.ts";

export interface NotifierUnderTest {
  readonly notifier: Notifier;
  /** The messages that people have received so far: the JSON of `core/notice.ts`, without what the way adds. */
  readonly delivered: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** The kind of datum, and a notice that would carry it. */
const forbidden: readonly { readonly kind: string; readonly notice: Notice }[] = [
  ...[
    { kind: "a name", value: "Jane Doe" },
    { kind: "an e-mail address", value: "jane.doe@example.com" },
    { kind: "an e-mail address in words", value: "jane-at-example.com" },
    { kind: "a telephone number", value: "+12025550123" },
    { kind: "a telephone number in parts", value: "202-555-0123" },
    { kind: "a social security number", value: "123-45-6789" },
    { kind: "a bare social security number", value: "123456789" },
    { kind: "a birth date", value: "1980-02-29" },
    { kind: "an enrolment token", value: randomBytes(32).toString("base64url") },
    { kind: "PEM", value: "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----" },
    { kind: "a JWT", value: "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln" },
  ].map(({ kind, value }) => ({
    kind: `${kind} as its subject`,
    notice: { event: "contract.refused", severity: "warning", subject: value } as const,
  })),
  {
    kind: "a social security number as its fleet",
    notice: { event: "contract.refused", severity: "warning", fleet: "123-45-6789" },
  },
  {
    kind: "text as its event",
    notice: { event: "Jane Doe was here", severity: "warning" },
  },
  {
    kind: "a measure named for a person",
    notice: { event: "contract.refused", severity: "warning", measures: { patientSsn: 123_456_789 } },
  },
];

const notices: readonly Notice[] = [
  { event: "fleet.created", severity: "information", fleet: "default", measures: { authorities: 2 } },
  { event: "operator.certified", severity: "warning", fleet: "pumps-eu" },
  { event: "issuance.closed", severity: "warning", measures: { closed: 3, oldestSeconds: 12.5, change: -1 } },
  { event: "authority.near-end", severity: "critical" },
];

/** Whatever the notice says beyond the words of this suite. */
const wordsOf = ({ event, fleet, subject, measures }: Notice): readonly string[] =>
  [event, fleet, subject, ...Object.keys(measures ?? {})].filter(
    (word) => word !== undefined && word !== "contract.refused",
  ) as string[];

const parse = (message: string): Record<string, unknown> => JSON.parse(message) as Record<string, unknown>;

export function notifierContract(name: string, make: () => Promise<NotifierUnderTest>): void {
  describe(`Notifier contract: ${name}`, () => {
    let opened: NotifierUnderTest | undefined;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened?.close();
    });
    const underTest = (): NotifierUnderTest => {
      if (opened === undefined) throw new Error("the notifier is open only while its tests run");
      return opened;
    };

    /** Messages about `subjects`, once there is one about each. */
    const arrived = async (subjects: ReadonlySet<string>): Promise<readonly Record<string, unknown>[]> => {
      for (let left = 100; ; left -= 1) {
        const all = (await underTest().delivered()).map(parse);
        const found = all.filter(({ subject }) => subjects.has(String(subject)));
        if (new Set(found.map(({ subject }) => subject)).size === subjects.size) return found;
        if (left === 0) throw new Error(`${found.length} of ${subjects.size} notices have arrived`);
        await sleep(50);
      }
    };

    it.each(notices)("$event arrives whole, with its members and no others", async (notice) => {
      const subject = randomUUID();
      await underTest().notifier.notify({ ...notice, subject });
      const [message] = await arrived(new Set([subject]));
      expect(message).toEqual({ service: "fleetkey", ...notice, subject });
    });

    it("a serial number of digits and letters a to f passes, whatever its digits look like", async () => {
      const serials = ["123456789012345678", "00".repeat(20), randomBytes(16).toString("hex")];
      for (const subject of serials)
        await underTest().notifier.notify({ event: "contract.serial", severity: "information", subject });
      expect(await arrived(new Set(serials))).toHaveLength(serials.length);
    });

    it("100 notices at once arrive, each whole", { timeout: 120_000 }, async () => {
      const subjects = Array.from({ length: 100 }, (): string => randomUUID());
      await Promise.all(
        subjects.map((subject, at) =>
          underTest().notifier.notify({
            event: "contract.crowd",
            severity: "information",
            subject,
            measures: { at },
          }),
        ),
      );
      for (const message of await arrived(new Set(subjects))) {
        const at = subjects.indexOf(String(message["subject"]));
        expect(message).toMatchObject({ event: "contract.crowd", measures: { at } });
      }
    });

    it.each(forbidden)(
      "a notice with $kind is refused, its words are not repeated, and nothing is sent",
      async ({ notice }) => {
        const before = (await underTest().delivered()).length;
        const refusal = underTest().notifier.notify(notice);
        expect(await codeOf(refusal)).toBe("notice_not_permitted");
        const { message } = (await refusal.catch((error: unknown) => error)) as Error;
        for (const word of wordsOf(notice)) expect(message).not.toContain(word);
        // What came after it has arrived: so would it have.
        const marker = randomUUID();
        await underTest().notifier.notify({
          event: "contract.marker",
          severity: "information",
          subject: marker,
        });
        await arrived(new Set([marker]));
        const since = (await underTest().delivered()).slice(before).map(parse);
        expect(since.filter(({ event }) => event !== "contract.marker")).toEqual([]);
      },
    );
  });
}
